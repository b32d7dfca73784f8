#include "agent/reload.h"

#include "agent/handlers.h"
#include "agent/log.h"
#include "agent/notify.h"
#include "base/format.h"
#include "base/slice.h"
#include "base/text.h"
#include "cli/configfile.h"
#include "cli/exit.h"
#include "cli/given.h"
#include "cli/handlers.h"
#include "cli/lane.h"
#include "cli/print.h"
#include "cli/read.h"
#include "cli/rotate.h"
#include "cli/say.h"
#include "cli/secret.h"
#include "cli/template.h"
#include "cli/together.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct lane {
    struct th_cli_settings *settings;
    bool refused;
    uint32_t files, files_next; /* a sum over those the connection is made with */
    size_t password_bytes;
    const char *host, *cafile; /* those of a stored identity; NULL: they stood in the file */
    int64_t port;
};
TH_LANE(struct lane, reload);

struct beside {
    struct th_cli_settings next, before;
    uint8_t password_before[TH_CLI_SECRET_BYTES];
};
TH_LANE_ROOMY(struct beside, beside);

/* ---- files of the connection ----------------------------------------------------------------- */

/* Which file it is, and of when, and no more: keys are among them, and pipes, whose writers await
 * who reads. Not by stat(2), which the sandbox does not know: hence the flag. FNV-1a, a word at a
 * time. What is not there is said by whoever needs it. */
static uint32_t add_file(uint32_t sum, const char *path)
{
    struct stat about = {0};
    if (path)
        fstatat(AT_FDCWD, path, &about, AT_NO_AUTOMOUNT);
    const int64_t facts[] = {(int64_t)about.st_ino, about.st_size, about.st_mtim.tv_sec,
                             about.st_mtim.tv_nsec};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        sum = (sum ^ (uint32_t)facts[i]) * 16777619;
    return sum;
}

/* A stored identity has generations instead: cli/rotate.h. */
static uint32_t sum_of_files(const struct th_cli_settings *s)
{
    uint32_t sum = add_file(add_file(0, s->crl), s->password_file);
    if (s->identity)
        return sum;
    sum = add_file(add_file(sum, s->certificate), s->key);
    return add_file(add_file(sum, s->cafile), s->keypass_file);
}

/* ---- saying ---------------------------------------------------------------------------------- */

static int conclude(bool refused, enum th_log_level level, const char *event, const char *text)
{
    reload->refused = refused;
    if (th_agent_log_begin(level, event)) {
        th_agent_log_text("text", text);
        th_agent_log_end();
    }
    th_agent_notify_reloading(false);
    return TH_CLI_ROTATE_NOTHING;
}

static int refuse(const char *why)
{
    th_cli_warn("the configuration was refused: %s; the one before goes on", why);
    return conclude(true, TH_LOG_ERROR, "config-refused", why);
}

/* The formatter unpacks what is told. */
static int confirm(const char *how)
{
    char text[64];
    th_format(text, sizeof text, "%s", how);
    th_cli_say("the configuration %s", text);
    return conclude(false, TH_LOG_INFO, "config-taken", text);
}

/* ---- values ---------------------------------------------------------------------------------- */

static size_t bytes_of(const struct th_cli_option *option)
{
    if (option->kind == TH_CLI_FLAG)
        return sizeof(bool);
    if (option->kind == TH_CLI_LIST)
        return sizeof(struct th_cli_list);
    if (option->kind == TH_CLI_RANGE)
        return 2 * sizeof(int64_t);
    return th_cli_is_number(option) ? sizeof(int64_t) : sizeof(char *);
}

static bool is_same_list(const struct th_cli_list *one, const struct th_cli_list *other)
{
    uint32_t i = 0;
    while (i < one->count && i < other->count && th_text_same(one->items[i], other->items[i]))
        i++;
    return i == one->count && i == other->count;
}

static bool is_same(const struct th_cli_option *option)
{
    const void *one = (const char *)&beside->next + option->offset;
    const void *other = (const char *)&beside->before + option->offset;
    if (option->kind == TH_CLI_SECRET || option->kind == TH_CLI_JOINED)
        return true;
    if (option->kind == TH_CLI_LIST)
        return is_same_list(one, other);
    if (option->kind == TH_CLI_FLAG || th_cli_is_number(option))
        return !memcmp(one, other, bytes_of(option));
    return th_text_same(*(const char *const *)one, *(const char *const *)other);
}

/* The queue on disk goes out in the session of this client. */
static enum th_cli_reload fate_of(const struct th_cli_option *option)
{
    bool names_client = option->offset == offsetof(struct th_cli_settings, client_id) ||
                        option->offset == offsetof(struct th_cli_settings, client_id_prefix) ||
                        option->offset == offsetof(struct th_cli_settings, persistent);
    return names_client && beside->before.spool ? TH_CLI_RESTART : option->reload;
}

static bool is_setting(const struct th_cli_option *option)
{
    return option->commands & TH_CLI_AGENT && th_cli_configfile_name(option);
}

/* Those of one kind. */
static void take_over(enum th_cli_reload what)
{
    for (size_t i = 0; i < th_cli_options_count; i++) {
        const struct th_cli_option *option = &th_cli_options[i];
        if (is_setting(option) && fate_of(option) == what)
            memcpy((char *)reload->settings + option->offset,
                   (const char *)&beside->next + option->offset, bytes_of(option));
    }
}

/* How many of each kind have changed; what needs a restart is told. */
static void compare(unsigned changed[3])
{
    char name[TH_CLI_OPTION_NAME_BYTES];
    for (size_t i = 0; i < th_cli_options_count; i++) {
        const struct th_cli_option *option = &th_cli_options[i];
        if (!is_setting(option) || is_same(option))
            continue;
        changed[fate_of(option)]++;
        if (fate_of(option) == TH_CLI_RESTART)
            th_cli_warn("%s has changed, which needs a restart",
                        th_cli_option_name(option, name));
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

/* What was wiped where it was read, or comes from a stored identity, is what it was. */
static void inherit(struct th_cli_settings *next, const struct th_cli_settings *before)
{
    next->pins = before->pins;
    next->ca_pins = before->ca_pins;
    next->password = before->password;
    next->proxy = before->proxy;
    next->psk = before->psk;
}

static void inherit_identity(struct th_cli_settings *next, const struct th_cli_settings *before)
{
    bool names_place = next->host || next->url || next->unix_path || next->srv ||
                       next->brokers.count;
    next->certificate = before->certificate;
    next->key = before->key;
    if (!next->cafile && !next->capath && !next->os_certs)
        next->cafile = reload->cafile;
    if (!next->session_file)
        next->session_file = before->session_file;
    if (!next->clock_file)
        next->clock_file = before->clock_file;
    if (!names_place)
        next->host = reload->host;
    if (!names_place && next->port == TH_CLI_UNSET)
        next->port = reload->port;
}

static bool ends_with_colon(const char *text)
{
    return *text && text[strlen(text) - 1] == ':';
}

/* Secrets of the command line are no more where they were; those of the file are there again. */
static void leave_out_wiped(struct th_cli_settings *next)
{
    char **secrets[] = {&next->password_argument, &next->proxy_argument, &next->psk_argument};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (*secrets[i] && !**secrets[i])
            *secrets[i] = NULL;
    if (!next->psk_argument)
        next->psk_identity = NULL;
}

static bool complete(struct th_cli_problem *problem)
{
    struct th_cli_settings *next = &beside->next, *before = &beside->before;
    if (!th_text_same(next->identity, before->identity))
        return th_cli_problem(problem, "another identity needs a restart");
    if (!next->password_file != !before->password_file)
        return th_cli_problem(problem, "a password file that comes or goes needs a restart");
    if (next->url && ends_with_colon(next->url))
        return th_cli_problem(problem, "the URL of the command line had a password, which is "
                              "wiped");
    inherit(next, before);
    leave_out_wiped(next);
    if (next->identity)
        inherit_identity(next, before);
    next->identity = NULL;
    bool right = th_cli_settings_complete(next, problem);
    next->identity = before->identity;
    next->psk_identity = before->psk_identity;
    return right && th_cli_template_fill(next, problem);
}

static bool read_next(struct th_cli_problem *problem)
{
    th_cli_settings_copy(&beside->before, reload->settings);
    th_agent_strip(&beside->before);
    th_cli_handlers_begin();
    if (!th_cli_configfile_reread(&beside->next, problem) || !complete(problem))
        return false;
    if (beside->next.status_topic && beside->next.will_topic)
        return th_cli_problem(problem, "--status-topic and --will-topic: give only one of them");
    return th_cli_together_still(&beside->next, problem);
}

/* ---- taking over ----------------------------------------------------------------------------- */

static void adopt(void)
{
    take_over(TH_CLI_LIVE);
    th_cli_configfile_keep(TH_CLI_LIVE);
    th_agent_renew();
}

static void keep_password(void)
{
    struct th_slice password = th_cli_secret();
    reload->password_bytes = password.len_bytes;
    if (password.data)
        memcpy(beside->password_before, password.data, password.len_bytes);
}

static void restore(void)
{
    th_cli_settings_copy(reload->settings, &beside->before);
    th_agent_complete(reload->settings);
    if (beside->next.password_file)
        th_cli_secret_keep((char *)beside->password_before, reload->password_bytes); /* wipes it */
}

/* The settings are those of the trial from now on. */
static int try(void)
{
    struct th_fault fault = {0};
    const char *password = beside->next.password_file;
    keep_password();
    th_cli_settings_copy(reload->settings, &beside->before);
    take_over(TH_CLI_TRIED);
    th_agent_complete(reload->settings);
    if (!password || th_cli_secret_read(password, &fault) == 0) {
        th_cli_say("trying the new configuration");
        return TH_CLI_ROTATE_TRIED;
    }
    restore();
    return refuse(fault.text);
}

static int begin(void)
{
    struct th_cli_problem problem = {.status = 0};
    unsigned changed[3] = {0};
    if (th_agent_handlers_are_busy())
        return TH_CLI_ROTATE_LATER;
    th_agent_notify_reloading(true);
    if (!read_next(&problem))
        return refuse(problem.text);
    compare(changed);
    reload->files_next = sum_of_files(&beside->next);
    if (changed[TH_CLI_TRIED] || reload->files != reload->files_next)
        return try();
    adopt();
    return confirm("was read again");
}

static void settle(const char *why)
{
    if (why) {
        restore();
        refuse(why);
        return;
    }
    explicit_bzero(beside->password_before, TH_CLI_SECRET_BYTES);
    reload->files = reload->files_next;
    th_cli_configfile_keep(TH_CLI_TRIED);
    adopt();
    confirm("has proved itself; it counts now");
}

static const struct th_cli_rotate_settings trial = {begin, settle};

static bool is_from_file(const char *name)
{
    const char *origin = th_cli_configfile_origin(reload->settings, th_cli_option_find(name));
    return origin && *origin == 'f';
}

void th_agent_reload_open(struct th_cli_settings *settings)
{
    reload->settings = settings;
    reload->files = sum_of_files(settings);
    reload->host = is_from_file("--host") ? NULL : settings->host;
    reload->port = is_from_file("--port") ? TH_CLI_UNSET : settings->port;
    reload->cafile = is_from_file("--cafile") ? NULL : settings->cafile;
    th_cli_rotate_also(&trial);
}

bool th_agent_reload_refused(void)
{
    return reload->refused;
}

bool th_agent_reload_handlers(uint32_t sum)
{
    struct th_cli_problem problem = {.status = 0};
    th_cli_handlers_begin();
    if (!th_cli_configfile_reread(&beside->next, &problem) || sum != th_cli_configfile_sum() ||
        !th_cli_template_fill(&beside->next, &problem))
        return false;
    th_cli_configfile_keep(TH_CLI_LIVE);
    th_cli_handlers_keep();
    th_cli_print_open(&beside->next);
    return true;
}

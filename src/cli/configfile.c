#include "cli/configfile.h"

#include "base/err.h"
#include "base/file.h"
#include "base/format.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "base/sum.h"
#include "base/text.h"
#include "cli/exit.h"
#include "cli/given.h"
#include "cli/handlers.h"
#include "cli/lane.h"
#include "cli/nearest.h"
#include "cli/show.h"
#include "cli/template.h"
#include "json/walk.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_BYTES 64
#define OPTIONS_MAX 192

enum { UNKNOWN, FROM_FILE, FROM_FLAG };

/* One that was read first, for what stays until a restart; one for what the connection was made
 * with; one for the rest; and one to read into. */
typedef char file_text[TH_CLI_CONFIGFILE_BYTES + 1];
TH_LANE_ARRAY(file_text, content, TH_CLI_CONFIGFILE_PLACES);

/* Where each option's value stands. */
struct spot {
    uint16_t line, column;
};
TH_LANE_ARRAY(struct spot, spots, OPTIONS_MAX);
_Static_assert(TH_CLI_CONFIGFILE_BYTES <= UINT16_MAX, "lines and columns have room in a spot");

/* The first one's is read for all, and kept where it is not read to soon. */
#define FOR_OTHERS content_first[TH_CLI_CONFIGFILE_PLACES - 1]
static ssize_t bytes_for_others;

static TH_HEADED struct th_cli_settings from_words; /* what the command line said */

struct lane {
    struct th_cli_settings *settings;
    struct th_cli_problem *problem;
    const char *path;
    uint8_t place, tried_place, live_place;
    bool again;
    uint32_t sum;
    uint32_t fixed_sum, first_fixed_sum; /* of what is fixed until a restart */
    unsigned connections, first_connections; /* 0: the file names none */
    const char *name, *first_name;           /* of ours */
    struct th_json_place begins;             /* where ours begins, or the whole of them */
    struct th_json_place named;
    uint8_t origins[OPTIONS_MAX]; /* of the options of the table, in its order */
};
TH_LANE(struct lane, own);

/* ---- names ----------------------------------------------------------------------------------- */

/* Objects that only group. */
static const char headings[] = "mqtt\0tls\0network\0memory\0log\0agent\0";

/* Other names, those of options without a long one, and "!": the opposite of a flag. */
static const char aliases[] = "broker\0--host\0client-id\0--id\0"
                              "use-tls\0!--no-tls\0password\0--pw\0"
                              "clean-session\0!--disable-clean-session\0"
                              "clean-start\0!--disable-clean-session\0"
                              "session-expiry\0-x\0srv\0-S\0max-inflight\0-M\0format\0-F\0";

static const char *behind(const char *word)
{
    return word + strlen(word) + 1;
}

static bool is_heading(const char *name)
{
    const char *word = headings;
    while (*word && strcmp(word, name))
        word = behind(word);
    return *word;
}

static bool may_stand_here(const struct th_cli_option *option)
{
    static const uint16_t others[] = {
        offsetof(struct th_cli_settings, config_file), offsetof(struct th_cli_settings, help),
        offsetof(struct th_cli_settings, version_wanted),
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (option->offset == others[i])
            return false;
    return option->commands & TH_CLI_ALL && option->kind < TH_CLI_PROPERTY;
}

const char *th_cli_configfile_name(const struct th_cli_option *option)
{
    const char *name = th_cli_long(option);
    for (const char *alias = aliases; *alias && !name; alias = behind(behind(alias)))
        name = behind(alias)[1] == (char)option->letter ? alias : NULL;
    return may_stand_here(option) ? name : NULL;
}

static const struct th_cli_option *option_named(const char *word)
{
    const struct th_cli_option *option = th_cli_option_find(word);
    return option && th_cli_configfile_name(option) ? option : NULL;
}

/* "--name" begins the text that is looked for. */
static const struct th_cli_option *find_word(const char *word, bool *opposite)
{
    const char *alias = aliases;
    while (*alias && strcmp(alias, word + 2))
        alias = behind(behind(alias));
    const char *meant = *alias ? behind(alias) : word;
    *opposite = *meant == '!';
    return option_named(meant + *opposite);
}

/* The names behind the first `skip`, with hyphens. */
static void join(const struct th_json_leaf *leaf, unsigned skip, char word[NAME_BYTES])
{
    size_t used = (size_t)th_format(word, NAME_BYTES, "-");
    for (; skip < leaf->depth && used < NAME_BYTES; skip++)
        if (leaf->names[skip])
            used += (size_t)th_format(word + used, NAME_BYTES - used, "-%s", leaf->names[skip]);
    while ((word = strchr(word, '_')))
        *word = '-';
}

/* "will": {"topic": ...} is will-topic; "tls": {"cafile": ...} is cafile. */
static const struct th_cli_option *find(const struct th_json_leaf *leaf, bool *opposite)
{
    char word[NAME_BYTES];
    for (unsigned skip = 0;; skip++) {
        join(leaf, skip, word);
        const struct th_cli_option *option = find_word(word, opposite);
        if (option || !leaf->names[skip] || !is_heading(leaf->names[skip]))
            return option;
    }
}

/* ---- mistakes -------------------------------------------------------------------------------- */

static bool refuse_at(struct th_json_place place, const char *format, const char *what)
{
    char shown[TH_CLI_SHOWN_BYTES];
    int used = th_format(own->problem->text, sizeof own->problem->text, "%s:%u:%u: ",
                         th_cli_show(own->path, shown), place.line, place.column);
    th_format(own->problem->text + used, sizeof own->problem->text - (size_t)used, format, what);
    own->problem->status = TH_CLI_FILE_FORMAT;
    return false;
}

/* Names of the table, then the others. */
static const char *name_of(size_t i)
{
    const char *alias = aliases;
    if (i < th_cli_options_count)
        return th_cli_configfile_name(&th_cli_options[i]);
    for (i -= th_cli_options_count; i > 0 && *alias; i--)
        alias = behind(behind(alias));
    return *alias ? alias : NULL;
}

static bool refuse_unknown(const struct th_json_leaf *leaf)
{
    char word[NAME_BYTES], shown[TH_CLI_SHOWN_BYTES], text[2 * NAME_BYTES];
    unsigned last = leaf->depth - 1;
    while (last > 0 && !leaf->names[last])
        last--;
    join(leaf, last, word);
    const char *nearest = th_cli_nearest(word + 2, name_of, th_cli_options_count + 16);
    join(leaf, 0, word);
    th_format(text, sizeof text,
              nearest ? "%s: no such name; did you mean %s?" : "%s: no such name",
              th_cli_show(nearest ? leaf->names[last] : word + 2, shown), nearest);
    return refuse_at(leaf->name, "%s", text);
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool is_from_url(uint16_t offset)
{
    return offset == offsetof(struct th_cli_settings, host) ||
           offset == offsetof(struct th_cli_settings, port);
}

/* The command line says another thing, the environment will, or it means nothing here. */
static bool is_passed_over(const struct th_cli_option *option, unsigned origin)
{
    const struct th_cli_settings *s = own->settings;
    const char *variable = th_cli_variable(option), *value = variable ? getenv(variable) : NULL;
    bool elsewhere = is_from_url(option->offset)
                         ? s->url != NULL
                         : option->offset == offsetof(struct th_cli_settings, url) && s->host;
    return origin == FROM_FLAG || (value && *value) || elsewhere ||
           !(option->commands & s->command) || (s->no_tls && th_cli_is_of_tls(option));
}

static bool is_true(const struct th_json_leaf *leaf)
{
    return !strcmp(leaf->text, "true");
}

/* What sends all in the clear is called so. */
static const char *wrong_with_flag(const struct th_cli_option *option,
                                   const struct th_json_leaf *leaf, bool opposite)
{
    if (leaf->is_text || (!is_true(leaf) && strcmp(leaf->text, "false")))
        return "%s: give true or false";
    return opposite && !is_true(leaf) && option->offset == offsetof(struct th_cli_settings, no_tls)
               ? "%s: if all may be sent in the clear, give \"no_tls\": true" : NULL;
}

static bool give(const struct th_cli_option *option, const struct th_json_leaf *leaf, bool opposite)
{
    char shown[TH_CLI_SHOWN_BYTES], word[NAME_BYTES];
    struct th_cli_problem inner = {.status = 0};
    char *value = leaf->text;
    join(leaf, 0, word);
    if (option->kind == TH_CLI_FLAG) {
        const char *wrong = wrong_with_flag(option, leaf, opposite);
        if (wrong)
            return refuse_at(leaf->value, wrong, th_cli_show(word + 2, shown));
        if (is_true(leaf) == opposite)
            return true;
        value = NULL;
    }
    return th_cli_option_give(own->settings, option, word + 2, value, &inner) ||
           refuse_at(leaf->value, "%s", inner.text);
}

static bool names_values(const struct th_cli_option *option, const struct th_json_leaf *leaf)
{
    char shown[TH_CLI_SHOWN_BYTES];
    struct th_slice name;
    return own->settings->command != TH_CLI_AGENT || !th_cli_template_is(option->offset) ||
           th_cli_template_check(leaf->text, &name) ||
           refuse_at(leaf->value, TH_CLI_TEMPLATE_UNKNOWN, th_cli_show_slice(name, shown));
}

/* Where `name` stands among its names, outside of which there are only headings; or its depth. */
static unsigned place_of(const char *name, const struct th_json_leaf *leaf)
{
    unsigned at = 0;
    while (at < leaf->depth && leaf->names[at] && is_heading(leaf->names[at]))
        at++;
    bool found = at < leaf->depth && leaf->names[at] && !strcmp(leaf->names[at], name);
    return found ? at : leaf->depth;
}

static bool take_handler(const struct th_json_leaf *leaf, unsigned at)
{
    char shown[TH_CLI_SHOWN_BYTES];
    unsigned last = at + 2 < leaf->depth && leaf->names[at + 2] ? at + 2 : at;
    const char *wrong = th_cli_handlers_take(leaf, at);
    return !wrong || refuse_at(leaf->value, wrong, th_cli_show(leaf->names[last], shown));
}

/* Secrets are wiped where they were read, and pins are put together elsewhere: neither can be
 * compared with what there was, nor be told from what the command line said. */
static bool is_fixed(const struct th_cli_option *option, const struct th_json_leaf *leaf)
{
    if (option->kind == TH_CLI_SECRET || option->kind == TH_CLI_JOINED)
        own->fixed_sum = th_sum(th_sum(own->fixed_sum, th_slice_of(&option->offset,
                                                                   sizeof option->offset)),
                                th_slice_text(leaf->text));
    return own->again && option->kind == TH_CLI_JOINED;
}

static bool wants_clean_session(const struct th_cli_option *option,
                                const struct th_json_leaf *leaf, bool opposite)
{
    return own->settings->command == TH_CLI_AGENT && is_true(leaf) == opposite &&
           option->offset == offsetof(struct th_cli_settings, persistent);
}

/* `of_one`: of several connections. */
static bool take_setting(const struct th_json_leaf *leaf, bool of_one)
{
    bool opposite;
    unsigned handlers = place_of("handlers", leaf);
    if (handlers < leaf->depth)
        return take_handler(leaf, handlers);
    const struct th_cli_option *option = find(leaf, &opposite);
    if (!option)
        return refuse_unknown(leaf);
    if (of_one && option->common)
        return refuse_at(leaf->name, "%s is of all connections: give it at the top",
                         *leaf->names);
    if (wants_clean_session(option, leaf, opposite))
        return refuse_at(leaf->name, "an agent keeps its session; without id there is none%s", "");
    uint8_t *origin = &own->origins[option - th_cli_options];
    bool none = !leaf->is_text && !strcmp(leaf->text, "null");
    if (none || is_fixed(option, leaf) || is_passed_over(option, *origin))
        return true;
    if (*origin && option->kind != TH_CLI_LIST && option->kind != TH_CLI_JOINED)
        return refuse_at(leaf->name, "%s: given twice", *leaf->names);
    *origin = FROM_FILE;
    spots[option - th_cli_options] = (struct spot){(uint16_t)leaf->value.line,
                                                   (uint16_t)leaf->value.column};
    return names_values(option, leaf) && give(option, leaf, opposite);
}

/* ---- connections ----------------------------------------------------------------------------- */

static bool is_name(const char *text)
{
    size_t bytes = 0;
    while (text[bytes] > ' ' && text[bytes] <= '~' && !strchr("\"\\", text[bytes]))
        bytes++;
    return bytes && !text[bytes] && bytes < TH_CLI_CONNECTION_NAME_BYTES;
}

static bool take_name(const struct th_json_leaf *leaf)
{
    if (!leaf->is_text || !is_name(leaf->text))
        return refuse_at(leaf->value, "name: give at most 31 letters, digits and signs, without \" "
                         "and \\%s", "");
    if (own->name)
        return refuse_at(leaf->name, "given twice%s", "");
    own->name = leaf->text;
    own->named = leaf->value;
    return true;
}

static bool is_empty(const struct th_json_leaf *leaf)
{
    return !leaf->is_text && !*leaf->text;
}

/* As if it stood at the top. */
static bool take_ours(struct th_json_leaf leaf, unsigned skip)
{
    leaf.names += skip;
    leaf.elements += skip;
    leaf.depth -= skip;
    if (!own->begins.line)
        own->begins = leaf.value;
    if (leaf.depth == 1 && !strcmp(*leaf.names, "name"))
        return take_name(&leaf);
    return is_empty(&leaf) || take_setting(&leaf, true);
}

/* Those of the others are read when it is their turn. */
static bool take_connection(const struct th_json_leaf *leaf, unsigned at)
{
    static const char most[] = {'0' + TH_LANES, '\0'};
    _Static_assert(TH_LANES < 10, "one digit says how many there may be");
    if (own->settings->command != TH_CLI_AGENT)
        return refuse_at(leaf->name, "connections: only the agent has them%s", "");
    if (leaf->depth < at + 3 || leaf->names[at + 1] || !leaf->names[at + 2])
        return refuse_at(leaf->value, "connections: give an array of objects%s", "");
    unsigned index = leaf->elements[at + 1];
    if (index >= TH_LANES)
        return refuse_at(leaf->name, "connections: at most %s of them", most);
    if (index >= own->connections)
        own->connections = index + 1;
    return index != th_cli_lane() || take_ours(*leaf, at + 2);
}

static bool take(void *arg, const struct th_json_leaf *leaf)
{
    unsigned at = place_of("connections", leaf);
    (void)arg;
    if (at < leaf->depth)
        return take_connection(leaf, at);
    return is_empty(leaf) || take_setting(leaf, false);
}

/* They are wiped where the first connection reads them. */
static bool are_secrets_in_words(void)
{
    const struct th_cli_settings *s = &from_words;
    const char *password = getenv("THIMBLE_PASSWORD");
    return s->url || s->password_argument || s->proxy_argument || s->psk_argument ||
           (password && *password);
}

static bool check_connections(void)
{
    if (th_cli_lane() < own->connections && !own->name)
        return refuse_at(own->begins, "this connection has no name%s", "");
    return own->connections < 2 || !are_secrets_in_words() ||
           th_cli_problem(own->problem, "-L, -P, --proxy, --psk: give those of several connections "
                          "in the configuration");
}

unsigned th_cli_configfile_connections(void)
{
    return own->connections;
}

const char *th_cli_configfile_connection(void)
{
    return own->first_name;
}

/* What the command line did not say has none. */
static struct th_json_place place_of_option(uint16_t offset)
{
    size_t i = (size_t)(th_cli_option_at(offset) - th_cli_options);
    return own->origins[i] ? (struct th_json_place){spots[i].line, spots[i].column} : own->begins;
}

bool th_cli_configfile_locate(struct th_cli_problem *problem, uint16_t offset)
{
    char text[sizeof problem->text];
    struct th_json_place place = offset ? place_of_option(offset) : own->named;
    own->problem = problem;
    th_format(text, sizeof text, "%s", problem->text);
    return place.line ? refuse_at(place, "%s", text)
                      : th_cli_problem(problem, "for all connections: %s", text);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void note_flags(const struct th_cli_settings *s)
{
    for (size_t i = 0; i < th_cli_options_count; i++)
        own->origins[i] = th_cli_option_is_given(s, &th_cli_options[i]) ? FROM_FLAG : UNKNOWN;
}

static bool check_handlers(void)
{
    struct th_json_place place;
    const char *lacks = th_cli_handlers_check(&place);
    return !lacks || refuse_at(place, lacks, "");
}

bool th_cli_configfile_parse(struct th_cli_settings *settings, char *text, size_t bytes,
                             const char *path, struct th_cli_problem *problem)
{
    struct th_json_walk walk = {.take = take, .tells_empty = true};
    own->settings = settings;
    own->problem = problem;
    own->path = path;
    own->fixed_sum = own->connections = 0;
    own->name = NULL;
    own->begins.line = 0;
    memset(spots, 0, OPTIONS_MAX * sizeof *spots);
    note_flags(settings);
    th_cli_handlers_clear();
    if (th_json_walk(&walk, text, bytes))
        return check_handlers() && check_connections();
    return walk.wanted ? refuse_at(walk.stopped, "not JSON here, which wants %s", walk.wanted)
                       : false;
}

static bool refuse_file(struct th_cli_problem *problem, const char *path)
{
    struct th_fault fault = {0};
    th_fault_set_errno(&fault, TH_E_FILE, "cannot read %.160s", path);
    problem->status = TH_CLI_FILE;
    return th_cli_problem(problem, "%s", fault.text);
}

/* As it is before it is written over: a pipe cannot be read again, and a file may be another one
 * by then. */
static void keep_for_others(size_t bytes)
{
    bytes_for_others = (ssize_t)bytes;
    if (th_text_find(*content, "\"connections\""))
        memcpy(FOR_OTHERS, *content, bytes);
}

static ssize_t fetch(const char *path)
{
    const int waits = own->again ? O_NONBLOCK : 0; /* for whoever writes to a pipe */
    if (th_cli_lane() && !own->again) {
        memcpy(*content, FOR_OTHERS, (size_t)bytes_for_others);
        return bytes_for_others;
    }
    int file = th_file_open(path, O_RDONLY | O_NOCTTY | waits, 0);
    ssize_t bytes = file < 0 ? -1 : th_file_read(file, content[own->place], sizeof *content);
    th_file_close(&file);
    if (bytes >= 0 && !own->again)
        keep_for_others((size_t)bytes);
    return bytes;
}

static bool read_file(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    ssize_t bytes = fetch(s->config_file);
    if (bytes < 0)
        return refuse_file(problem, s->config_file);
    own->sum = th_sum(0, th_slice_of(content[own->place], (size_t)bytes));
    if (bytes <= TH_CLI_CONFIGFILE_BYTES)
        return th_cli_configfile_parse(s, content[own->place], (size_t)bytes, s->config_file,
                                       problem);
    problem->status = TH_CLI_FILE_FORMAT;
    return th_cli_problem(problem, "%.160s: too large; a configuration has at most 16384 bytes",
                          s->config_file);
}

static bool read_first(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    bool right = read_file(s, problem);
    own->first_fixed_sum = own->fixed_sum;
    own->first_connections = own->connections;
    own->first_name = own->name;
    return right;
}

bool th_cli_configfile_read(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    if (!s->config_file)
        return true;
    if (s->command == TH_CLI_AGENT)
        th_cli_settings_copy(&from_words, s);
    return read_first(s, problem);
}

bool th_cli_configfile_read_another(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    th_cli_settings_copy(s, &from_words);
    return read_first(s, problem);
}

static uint8_t free_place(void)
{
    uint8_t place = 1;
    while (place == own->tried_place || place == own->live_place)
        place++;
    return place;
}

/* The name is one of the first file that was read. */
static bool are_the_same_connections(void)
{
    const char *name = own->name;
    bool same = own->connections == own->first_connections &&
                (!name || !strcmp(name, own->first_name));
    own->name = own->first_name;
    return same;
}

bool th_cli_configfile_reread(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    th_cli_settings_copy(s, &from_words);
    own->place = free_place();
    own->again = true;
    if (!read_file(s, problem))
        return false;
    if (!are_the_same_connections())
        return th_cli_problem(problem, "%.160s: connections come and go with a restart only",
                              s->config_file);
    return own->fixed_sum == own->first_fixed_sum ||
           th_cli_problem(problem, "%.160s: secrets or pins have changed, which needs a restart",
                          s->config_file);
}

void th_cli_configfile_keep(enum th_cli_reload what)
{
    *(what == TH_CLI_LIVE ? &own->live_place : &own->tried_place) = own->place;
}

unsigned th_cli_configfile_place(void)
{
    return own->place;
}

uint32_t th_cli_configfile_sum(void)
{
    return own->sum;
}

const char *th_cli_configfile_origin(const struct th_cli_settings *s,
                                     const struct th_cli_option *option)
{
    const char *variable = th_cli_variable(option), *value = variable ? getenv(variable) : NULL;
    uint8_t origin = own->origins[option - th_cli_options];
    if (!origin && s->url && is_from_url(option->offset))
        origin = own->origins[th_cli_option_find("--url") - th_cli_options];
    if (!origin && value && *value)
        return "environment";
    return origin == FROM_FILE ? "file" : origin ? "flag" : NULL;
}

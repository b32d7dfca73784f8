#include "cli/command.h"

#include "base/format.h"
#include "cli/check.h"
#include "cli/configfile.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/given.h"
#include "cli/handlers.h"
#include "cli/lane.h"
#include "cli/out.h"
#include "cli/printed.h"
#include "cli/read.h"
#include "cli/say.h"
#include "cli/together.h"
#include <string.h>

#define VALUE_BYTES 320
#define CALLED "config"
#define ROW "%-22s %-12s %s"

/* ---- what a value looks like ----------------------------------------------------------------- */

static const char *word_of(const struct th_cli_option *option, int64_t number)
{
    const struct th_cli_word *word = th_cli_word_list(option);
    while (word && word->text && word->number != number)
        word++;
    return word ? word->text : NULL;
}

static void write_seconds(char text[VALUE_BYTES], int64_t ms)
{
    th_format(text, VALUE_BYTES, ms % 1000 ? "%lld.%03lld" : "%lld", (long long)ms / 1000,
              (long long)ms % 1000);
}

static void write_range(char text[VALUE_BYTES], const int64_t *ms)
{
    char most[VALUE_BYTES];
    write_seconds(text, ms[0]);
    write_seconds(most, ms[1]);
    th_format(text + strlen(text), 40, "..%.30s", most);
}

static void write_list(char text[VALUE_BYTES], const struct th_cli_list *list)
{
    size_t used = 0;
    for (uint32_t i = 0; i < list->count && used < VALUE_BYTES; i++)
        used += (size_t)th_format(text + used, VALUE_BYTES - used, i ? " %s" : "%s",
                                  list->items[i]);
}

static void write_number(char text[VALUE_BYTES], const struct th_cli_option *option, int64_t number)
{
    const char *word = word_of(option, number);
    if (word)
        th_format(text, VALUE_BYTES, "%s", word);
    else
        th_format(text, VALUE_BYTES, "%lld", (long long)number);
}

static void write_value(char text[VALUE_BYTES], const struct th_cli_option *option)
{
    const struct th_cli_settings *settings = th_cli_its_settings();
    const void *place = (const char *)settings + option->offset;
    const int64_t *number = place;
    if (option->kind == TH_CLI_FLAG || option->kind == TH_CLI_SECRET)
        th_format(text, VALUE_BYTES, option->kind == TH_CLI_FLAG ? "true" : "(hidden)");
    else if (option->kind == TH_CLI_LIST)
        write_list(text, place);
    else if (option->kind == TH_CLI_RANGE && *number)
        write_range(text, number);
    else if (option->kind == TH_CLI_SECONDS || option->kind == TH_CLI_MAYBE_SECONDS)
        write_seconds(text, *number);
    else if (th_cli_is_number(option))
        write_number(text, option, *number);
    else
        th_format(text, VALUE_BYTES, "%s", *(const char *const *)place);
}

/* ---- the verbs ------------------------------------------------------------------------------- */

static void show_handlers(void)
{
    const struct th_cli_handlers *all = th_cli_handlers();
    for (unsigned i = 0; i < all->count; i++)
        th_cli_out_format(ROW " %s\n", "handlers", "file", all->list[i].topic,
                          *all->list[i].run);
}

/* A default that means nothing: 0 where that is no value, or beside what else was given. */
static bool is_idle(const struct th_cli_option *option)
{
    const struct th_cli_settings *settings = th_cli_its_settings();
    const int64_t *number = (const void *)((const char *)settings + option->offset);
    bool is_none = th_cli_is_number(option) && !*number && !word_of(option, 0) &&
                   (option->min || option->words);
    return is_none || (settings->no_tls && th_cli_is_of_tls(option)) ||
           th_cli_check_is_idle(settings, option->offset);
}

static void show_option(const struct th_cli_option *option)
{
    char value[VALUE_BYTES];
    const struct th_cli_settings *settings = th_cli_its_settings();
    const char *name = th_cli_configfile_name(option);
    const char *origin = th_cli_configfile_origin(settings, option);
    if (!(option->commands & TH_CLI_AGENT) || !name ||
        !th_cli_option_is_given(settings, option) || (!origin && is_idle(option)))
        return;
    write_value(value, option);
    th_cli_out_format(ROW "\n", name, origin ? origin : "default", value);
}

/* Of several connections, what is common to them, or what is not. */
static void show_options(bool common)
{
    for (size_t i = 0; i < th_cli_options_count; i++)
        if (th_cli_lanes() == 1 || th_cli_options[i].common == common)
            show_option(&th_cli_options[i]);
}

static void show_one(void)
{
    const char *name = th_cli_configfile_connection();
    if (name)
        th_cli_out_format(ROW "\n", "name", "file", name);
    show_options(false);
    show_handlers();
}

static int show(void)
{
    th_cli_lane_enter(0);
    if (th_cli_lanes() > 1)
        show_options(true);
    do
        show_one();
    while (th_cli_lane_next());
    return th_cli_printed();
}

/* Whatever is opened for reading is opened; nothing is written, nobody is connected. */
static int open_one(void)
{
    static const struct th_cli_work nothing;
    struct th_cli_settings *settings = th_cli_its_settings();
    settings->events = settings->report = settings->memory_trace = settings->keylog = NULL;
    settings->status_socket = settings->session_file = NULL;
    settings->clock = TH_CLI_CLOCK_IGNORE;
    return th_cli_connection_open(settings, &nothing);
}

static int check(void)
{
    int status;
    th_cli_lane_enter(0);
    do
        status = th_cli_connection_close(open_one());
    while (status == TH_CLI_OK && th_cli_lane_next());
    if (status == TH_CLI_OK)
        th_cli_out_format("%s: can be used\n", th_cli_its_settings()->config_file);
    return status ? status : th_cli_printed();
}

static int usage(void)
{
    th_cli_out_text("  thimble config check FILE            whether it can be used, with its "
                    "files\n"
                    "  thimble config show --effective FILE each value, and where it comes from\n\n"
                    "Options behind it are those of the agent. More: man 5 thimble-config.\n");
    return th_cli_printed();
}

static int refuse(const char *why)
{
    return th_cli_complain("%s", why);
}

static int run(int argc, char *argv[], bool shows)
{
    struct th_cli_problem problem = {.status = TH_CLI_USAGE};
    argv[0] = "--config";
    if (th_cli_settings_read(th_cli_its_settings(), TH_CLI_AGENT, argc, argv, &problem) &&
        th_cli_together(CALLED, &problem))
        return shows ? show() : check();
    th_cli_voice_call(CALLED, th_cli_configfile_connection());
    refuse(problem.text);
    return problem.status;
}

int th_cli_config(int argc, char *argv[])
{
    th_cli_voice_call(CALLED, NULL);
    if (argc == 0)
        return usage();
    if (argc > 1 && !strcmp(argv[0], "check"))
        return run(argc, argv, false);
    if (argc > 2 && !strcmp(argv[0], "show") && !strcmp(argv[1], "--effective"))
        return run(argc - 1, argv + 1, true);
    return refuse("these words do not fit; see thimble config");
}

/* thimble status */
#include "cli/command.h"

#include "agent/show.h"
#include "cli/ask.h"
#include "cli/connection.h"
#include "cli/out.h"
#include "cli/printed.h"
#include "cli/read.h"
#include "cli/say.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWERS_MAX 16 /* of an agent of another build, too */

static struct {
    bool as_json;
    const char *connection; /* of the only one that is asked for; NULL: all are */
    struct th_agent_view view;
    struct th_agent_answer answers[ANSWERS_MAX];
    size_t count;
    struct th_cli_settings settings; /* of the agent */
} status_asked;

static int usage(void)
{
    th_cli_out_text("  thimble status [--json | --prom] [--connection NAME] "
                    "{SOCKET | PID | -c FILE}\n\n"
                    "How an agent is, asked through its --status-socket; FILE is its "
                    "configuration,\nNAME one of its connections.\n"
                    "Exit code: 0 connected, 1 not as it should be, 2 failed or not there, 3 who "
                    "knows.\n");
    return th_cli_printed();
}

static int refuse(const char *why)
{
    th_cli_complain("%s", why);
    return TH_AGENT_UNKNOWN;
}

/* The words are those of the agent from its -c on. NULL after having said why. */
static const char *socket_of(int argc, char *argv[])
{
    struct th_cli_problem problem = {0};
    argv[0] = "--config";
    bool is_read = th_cli_settings_read(&status_asked.settings, TH_CLI_AGENT, argc, argv, &problem);
    if (is_read && status_asked.settings.status_socket)
        return status_asked.settings.status_socket;
    refuse(is_read ? "the configuration has no status-socket" : problem.text);
    return NULL;
}

/* How many words are options. */
static int take_option(int argc, char *argv[])
{
    bool as_prom = !strcmp(argv[0], "--prom"), as_json = !strcmp(argv[0], "--json");
    bool is_name = argc > 1 && !strcmp(argv[0], "--connection");
    status_asked.as_json |= as_json;
    status_asked.view.for_prometheus |= as_prom;
    if (is_name)
        status_asked.connection = argv[1];
    return as_prom + as_json + 2 * is_name;
}

static int take_options(int argc, char *argv[])
{
    int used = 0;
    for (int more = 1; more && used < argc; used += more)
        more = take_option(argc - used, argv + used);
    return used;
}

/* Behind words of the agent, which has others of the same name. */
static int without_last_options(int argc, char *argv[])
{
    int more = 1;
    while (more && argc > 2) {
        more = take_option(1, argv + argc - 1);
        if (!more && take_option(2, argv + argc - 2) == 2)
            more = 2;
        argc -= more;
    }
    argv[argc] = NULL;
    return argc;
}

static bool wants_colour(void)
{
    const char *none = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(none && *none);
}

/* JSON goes out as it came; it is looked at for its verdict only. */
static void write_nothing(const void *data, size_t bytes)
{
    (void)data, (void)bytes;
}

static bool is_wanted(const char *object)
{
    const char *wanted = status_asked.connection, *name = th_cli_ask_connection(object);
    return !wanted || (name && !strncmp(name, wanted, strlen(wanted)) &&
                       name[strlen(wanted)] == '"');
}

static void choose(char *text)
{
    char *next;
    do {
        next = th_cli_ask_behind(text);
        if (is_wanted(text))
            status_asked.answers[status_asked.count++] =
                (struct th_agent_answer){text, (size_t)(next - text)};
        text = next;
    } while (*text && status_asked.count < ANSWERS_MAX);
}

/* One, or all of them, as they follow each other. */
static void print_as_json(void)
{
    const struct th_agent_answer *first = status_asked.answers;
    const struct th_agent_answer *last = first + status_asked.count - 1;
    th_cli_ask_print(first->text, (size_t)(last->text - first->text) + last->bytes);
}

static int show(void)
{
    if (status_asked.as_json)
        print_as_json();
    status_asked.view.write = status_asked.as_json ? write_nothing : th_cli_out;
    status_asked.view.coloured = wants_colour();
    enum th_agent_verdict verdict = th_agent_show(status_asked.answers, status_asked.count,
                                                  &status_asked.view);
    if (verdict == TH_AGENT_UNKNOWN) {
        th_cli_ask_refuse("an agent");
        th_cli_say_fault(th_cli_ask_fault());
    }
    return th_cli_printed() ? TH_AGENT_UNKNOWN : (int)verdict;
}

static int take_answer(char *text, size_t bytes)
{
    choose(text);
    status_asked.view.room = text + bytes + 1;
    return status_asked.count ? show() : refuse("no connection of this agent has that name");
}

static int ask(const char *word)
{
    char *answer;
    int bytes = word ? th_cli_ask(word, &answer) : 0;
    if (bytes > 0)
        return take_answer(answer, (size_t)bytes);
    if (!word)
        return TH_AGENT_UNKNOWN;
    th_cli_say_fault(th_cli_ask_fault());
    return TH_AGENT_FAILED;
}

int th_cli_status(int argc, char *argv[])
{
    th_cli_voice_call("status", NULL);
    int used = take_options(argc, argv);
    argc -= used, argv += used;
    if (argc == 0)
        return usage();
    bool by_file = !strcmp(argv[0], "-c") || !strcmp(argv[0], "--config");
    if (by_file && argc > 1)
        return ask(socket_of(without_last_options(argc, argv), argv));
    if (*argv[0] != '-' && 1 + take_options(argc - 1, argv + 1) == argc)
        return ask(argv[0]);
    return refuse("these words do not fit; see thimble status --help");
}

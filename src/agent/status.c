/* thimble status */
#include "cli/command.h"

#include "agent/show.h"
#include "cli/ask.h"
#include "cli/connection.h"
#include "cli/out.h"
#include "cli/payload.h"
#include "cli/printed.h"
#include "cli/read.h"
#include "cli/say.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    bool as_json;
    struct th_agent_view view;
    struct th_cli_settings settings; /* of the agent */
} status_asked;

static int usage(void)
{
    th_cli_out_text("  thimble status [--json | --prom] {SOCKET | PID | -c FILE}\n\n"
                    "How an agent is, asked through its --status-socket; FILE is its "
                    "configuration.\n"
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

static bool take_form(const char *word)
{
    bool as_prom = !strcmp(word, "--prom");
    status_asked.as_json |= !strcmp(word, "--json");
    status_asked.view.for_prometheus |= as_prom;
    return as_prom || !strcmp(word, "--json");
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

static int show(size_t bytes)
{
    if (status_asked.as_json)
        th_cli_ask_print(bytes);
    status_asked.view.write = status_asked.as_json ? write_nothing : th_cli_out;
    status_asked.view.coloured = wants_colour();
    enum th_agent_verdict verdict = th_agent_show((char *)th_cli_payload_buffer, bytes,
                                                  &status_asked.view);
    if (verdict == TH_AGENT_UNKNOWN) {
        th_cli_ask_refuse("an agent");
        th_cli_say_fault(th_cli_ask_fault());
    }
    return th_cli_printed() ? TH_AGENT_UNKNOWN : (int)verdict;
}

static int ask(const char *word)
{
    int bytes = word ? th_cli_ask(word) : 0;
    if (bytes > 0)
        return show((size_t)bytes);
    if (!word)
        return TH_AGENT_UNKNOWN;
    th_cli_say_fault(th_cli_ask_fault());
    return TH_AGENT_FAILED;
}

int th_cli_status(int argc, char *argv[])
{
    th_cli_voice_set(&(struct th_cli_voice){.command = "status", .danger = ""});
    while (argc > 0 && take_form(argv[0]))
        argc--, argv++;
    if (argc == 0)
        return usage();
    bool by_file = !strcmp(argv[0], "-c") || !strcmp(argv[0], "--config");
    if (by_file && argc > 1)
        return ask(socket_of(argc, argv));
    while (argc > 1 && take_form(argv[argc - 1]))
        argc--;
    if (argc == 1 && *argv[0] != '-')
        return ask(argv[0]);
    return refuse("these words do not fit; see thimble status --help");
}

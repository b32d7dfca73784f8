/* thimble mem plan: what a command line would need of every pool, from files alone. */
#include "cli/mem.h"

#include "base/slice.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/lane.h"
#include "cli/names.h"
#include "cli/number.h"
#include "cli/out.h"
#include "cli/payload.h"
#include "cli/printed.h"
#include "cli/say.h"
#include "cli/show.h"
#include "cli/together.h"
#include <string.h>
#include <thimble/plan.h>

enum { RECORD_BYTES, PACKET_BYTES, MESSAGES, MESSAGE_BYTES, WISHES };

static const struct wish {
    const char *name;
    int64_t most;
} wishes[WISHES] = {
    [RECORD_BYTES] = {"--record-bytes=", 16384},
    [PACKET_BYTES] = {"--packet-bytes=", 268435460},
    [MESSAGES] = {"--messages=", 65535},
    [MESSAGE_BYTES] = {"--message-bytes=", TH_OUTBOX_BYTES},
};

static bool take_wish(const char *word, int64_t values[WISHES])
{
    for (size_t i = 0; i < WISHES; i++) {
        size_t name_bytes = strlen(wishes[i].name);
        if (!strncmp(word, wishes[i].name, name_bytes))
            return th_cli_number_parse(word + name_bytes, 0, wishes[i].most, &values[i]);
    }
    return false;
}

static int refuse(const char *word)
{
    char shown[TH_CLI_SHOWN_BYTES];
    return th_cli_complain("mem plan: %s does not fit here; thimble mem plan CHAIN pub, sub or rr, "
                           "and its options", th_cli_show(word ? word : "nothing", shown));
}

static int queue(const struct th_cli_settings *settings, const int64_t values[WISHES])
{
    const struct th_message message = {
        .topic = th_slice_text(settings->topics.count ? settings->topics.items[0] : "t"),
        .payload = {th_cli_payload_buffer, (size_t)values[MESSAGE_BYTES]},
        .qos = 1,
    };
    struct th_client *client = th_cli_connection_client();
    int64_t queued = 0;
    while (queued < values[MESSAGES] && th_publish(client, &message) > 0)
        queued++;
    if (queued == values[MESSAGES])
        return 0;
    th_cli_say_status(TH_CLI_MEMORY, "the outbox takes %d of %d messages: %s", (int)queued,
                      (int)values[MESSAGES], th_request_fault(client)->text);
    return TH_CLI_MEMORY;
}

/* The TLS heap, and what is leased for the handshake. */
static unsigned size_of(const struct th_report *report, int pool)
{
    return report->pools[pool].size_bytes +
           (pool == TH_REPORT_TLS_HEAP ? TH_HANDSHAKE_HEAP_BYTES : 0);
}

static int show(const struct th_plan *plan, bool as_json)
{
    struct th_report report;
    const char *row = as_json ? "%s  \"%s\": {\"needed_bytes\": %u, \"size_bytes\": %u}"
                              : "%s%-14s%8u of%8u B";
    th_report(th_cli_connection_client(), &report);
    th_cli_out_text(as_json ? "{\n" : "");
    if (th_cli_voice_connection())
        th_cli_out_format(as_json ? "  \"name\": \"%s\",\n" : "connection %s\n",
                          th_cli_voice_connection());
    for (int i = 0; i < TH_REPORT_PROCESS_HEAP; i++)
        th_cli_out_format(row, i ? as_json ? ",\n" : "\n" : "", th_report_pool_name(i),
                          plan->needed_bytes[i], size_of(&report, i));
    th_cli_out_text(as_json ? "\n}\n" : "\n");
    return th_cli_printed();
}

static int plan(const struct th_cli_settings *settings, const char *chain,
                const int64_t values[WISHES], bool as_json)
{
    struct th_fault fault = {0};
    struct th_plan result;
    const struct th_plan_config config = {
        .server_chain.path = chain,
        .record_bytes = (uint32_t)values[RECORD_BYTES],
        .packet_bytes = (uint32_t)values[PACKET_BYTES],
    };
    int status = queue(settings, values);
    if (status)
        return status;
    if (th_plan(th_cli_connection_client(), &config, &result, &fault) < 0)
        return th_cli_say_fault(&fault);
    return show(&result, as_json);
}

int th_cli_mem_plan(char *words[], bool as_json)
{
    static const struct th_cli_work nothing;
    int64_t values[WISHES] = {0};
    while (*words && take_wish(*words, values))
        words++;
    const char *chain = *words;
    int command = chain && words[1] ? th_cli_command_named(words[1]) & TH_CLI_ALL : 0;
    if (!command)
        return refuse(chain && *chain != '-' ? words[1] : chain);
    int argc = 0, status;
    while (words[2 + argc])
        argc++;
    if (!th_cli_begin(th_cli_its_settings(), command, argc, words + 2, &status))
        return status;
    if (command == TH_CLI_AGENT && (status = th_cli_begin_others()))
        return status;
    do {
        status = th_cli_connection_open(th_cli_its_settings(), &nothing);
        if (status == 0)
            status = plan(th_cli_its_settings(), chain, values, as_json);
        status = th_cli_connection_close(status);
    } while (status == 0 && th_cli_lane_next());
    return status;
}

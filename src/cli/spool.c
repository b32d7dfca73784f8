/* thimble spool: what lies in a queue on disk, while an agent has it open or not. */
#include "cli/command.h"
#include "cli/exit.h"
#include "cli/facts.h"
#include "cli/misfit.h"
#include "cli/number.h"
#include "cli/out.h"
#include "cli/printed.h"
#include "cli/say.h"

#include "base/format.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "json/flow.h"
#include "spool/spool.h"
#include <string.h>

#define ALL ((uint64_t)INT64_MAX)

static TH_ROOMY struct th_spool spool;
static struct th_fault fault;

static const char states[][10] = {"waiting", "sent", "released"};

struct view {
    const char *name; /* behind its NUL: the words, and what it does */
    int (*run)(uint64_t seq, bool as_json);
    uint8_t most;     /* words it takes */
    bool drops;
};

/* ---- views ----------------------------------------------------------------------------------- */

static int next(struct th_spool_item *item)
{
    return th_spool_next(&spool, (uint64_t)th_calendar_s(), item, &fault);
}

static void number(struct th_json_flow *flow, const char *name, uint64_t value)
{
    th_json_flow_member(flow, name);
    th_json_flow_integer(flow, value);
}

static void text(struct th_json_flow *flow, const char *name, struct th_slice value)
{
    th_json_flow_member(flow, name);
    th_json_flow_string(flow, value);
}

static void put_line(const struct th_spool_item *item)
{
    const struct th_spool_message *message = &item->message;
    struct th_json_flow flow = {.write = th_cli_out};
    th_json_flow_open(&flow, '{');
    number(&flow, "seq", item->seq);
    number(&flow, "accepted_at", item->accepted_s);
    text(&flow, "topic", message->topic);
    number(&flow, "qos", message->qos);
    number(&flow, "retain", message->retain);
    number(&flow, "bytes", item->payload_bytes);
    text(&flow, "state", th_slice_text(states[item->state]));
    number(&flow, "mid", item->packet_id);
    if (message->expires)
        number(&flow, "expires_in_s", message->expiry_s);
    text(&flow, "id", message->id);
    th_json_flow_shut(&flow, '}');
    th_cli_out_text("\n");
}

static void put_row(const struct th_spool_item *item)
{
    char when[TH_CLI_TIME_TEXT_BYTES];
    const struct th_spool_message *message = &item->message;
    th_cli_out_format("%8llu %s %u%c %7u %-9s", (unsigned long long)item->seq,
                      th_cli_time_text((int64_t)item->accepted_s, when), message->qos,
                      message->retain ? 'r' : ' ', (unsigned)item->payload_bytes,
                      states[item->state]);
    th_cli_out_foreign(message->topic.data, message->topic.len_bytes);
    th_cli_out_foreign_end();
    th_cli_out_text("\n");
}

static int list(uint64_t seq, bool as_json)
{
    struct th_spool_item item;
    int got;
    (void)seq;
    th_cli_out_guard(true);
    while ((got = next(&item)) == 1)
        if (as_json)
            put_line(&item);
        else
            put_row(&item);
    return got;
}

static int put_payload(const struct th_spool_item *item)
{
    uint8_t piece[512];
    uint64_t at = 0;
    int got;
    while ((got = th_spool_payload(&spool, item->seq, at, piece, sizeof piece, &fault)) > 0) {
        th_cli_out_foreign(piece, (size_t)got);
        at += (uint64_t)got;
    }
    th_cli_out_foreign_end();
    return got;
}

/* One as it is; all with a newline behind each. */
static int print(uint64_t seq, bool as_json)
{
    struct th_spool_item item;
    int got;
    (void)as_json;
    th_cli_out_guard(false);
    while ((got = next(&item)) == 1)
        if (seq == ALL || seq == item.seq) {
            if ((got = put_payload(&item)) < 0 || seq == item.seq)
                return got;
            th_cli_out_text("\n");
        }
    if (got < 0 || seq == ALL)
        return got;
    th_cli_say_status(TH_CLI_FILE, "there is no message %llu; see thimble spool ls",
                      (unsigned long long)seq);
    return TH_CLI_FILE;
}

static int show(uint64_t seq, bool as_json)
{
    struct th_spool_stat stat;
    (void)seq;
    th_spool_look(&spool, &stat);
    th_cli_facts_begin(as_json);
    th_cli_fact_number("messages", (int64_t)stat.messages);
    th_cli_fact_number("open", stat.open);
    th_cli_fact_number("disk_bytes", (int64_t)stat.disk_bytes);
    th_cli_fact_number("segments", (int64_t)stat.last_segment - stat.first_segment + 1);
    if (stat.messages)
        th_cli_fact_time("oldest", (int64_t)stat.oldest_s);
    th_cli_fact_number("written_today", (int64_t)stat.written_today_bytes);
    for (int cause = 0; cause < TH_SPOOL_CAUSES; cause++)
        th_cli_fact_number(th_spool_cause_name(cause), (int64_t)stat.dropped[cause]);
    th_cli_fact_number("damaged_bytes", (int64_t)stat.damaged_bytes);
    th_cli_facts_end();
    return 0;
}

static int drop(uint64_t seq, bool as_json)
{
    int64_t dropped = th_spool_drop(&spool, seq, &fault);
    int result = dropped < 0 ? (int)dropped
                             : th_spool_sync(&spool, (uint64_t)th_calendar_s(), &fault);
    if (result == 0)
        th_cli_out_format(as_json ? "{\"dropped\": %lld}\n" : "%lld messages dropped\n",
                          (long long)dropped);
    return result;
}

/* ---- words ----------------------------------------------------------------------------------- */

static const struct view views[] = {
    {"stat\0DIR        " TH_EXPLAINED("how full it is, and what was dropped"), show, 1, false},
    {"ls\0DIR        " TH_EXPLAINED("a line for each message, the oldest first"), list, 1, false},
    {"cat\0DIR [SEQ]  " TH_EXPLAINED("the payload of one message, or of all"), print, 2, false},
    {"drop\0DIR [SEQ]  " TH_EXPLAINED("forget all messages, or those up to SEQ"), drop, 2, true},
};

#define VIEWS (sizeof views / sizeof *views)

static int help(void)
{
    for (size_t i = 0; i < VIEWS; i++)
        th_cli_out_format("  thimble spool %-4s %s\n", views[i].name,
                          views[i].name + strlen(views[i].name) + 1);
    th_cli_out_text("\nWith --json behind it, as JSON. More: man thimble-spool.\n");
    return th_cli_printed();
}

static int refuse(const char *word)
{
    return th_cli_misfit(word, "spool");
}

/* What could be read was printed. */
static int judge(const char *path, int result)
{
    int status = result < 0 ? th_cli_exit_of(&fault) : result;
    if (result < 0)
        th_cli_say_status(status, "%s: %s", path, fault.text);
    else if (status == TH_CLI_OK && spool.damaged_bytes) {
        status = TH_CLI_CORRUPTED;
        th_cli_say_status(status, "%s: %llu bytes are damaged, and left out", path,
                          (unsigned long long)spool.damaged_bytes);
    }
    int printed = th_cli_printed();
    return status ? status : printed;
}

static int run(const struct view *view, const char *path, uint64_t seq, bool as_json)
{
    const struct th_spool_config config = {.path = path};
    int result = th_spool_open(&spool, &config, view->drops ? TH_SPOOL_TAKE : TH_SPOOL_LOOK,
                               (uint64_t)th_calendar_s(), &fault);
    if (result == 0)
        result = view->run(seq, as_json);
    int status = judge(path, result);
    th_spool_close(&spool);
    return status;
}

static int read_words(const struct view *view, int argc, char *argv[])
{
    int64_t seq = INT64_MAX;
    bool as_json = argc > 0 && !strcmp(argv[argc - 1], "--json");
    argc -= as_json;
    if (argc < 1 || argc > view->most)
        return refuse(argc ? argv[argc - 1] : view->name);
    if (argc > 1 && !th_cli_number_parse(argv[1], 1, INT64_MAX - 1, &seq))
        return refuse(argv[1]);
    return run(view, argv[0], (uint64_t)seq, as_json);
}

int th_cli_spool(int argc, char *argv[])
{
    if (argc == 0)
        return help();
    th_cli_voice_call("spool", NULL);
    for (size_t i = 0; i < VIEWS; i++)
        if (!strcmp(views[i].name, argv[0]))
            return read_words(&views[i], argc - 1, argv + 1);
    return refuse(argv[0]);
}

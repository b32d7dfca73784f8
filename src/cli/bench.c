/* thimble bench: opens connections that have nothing to do, and tells what each of them costs. */
#include "cli/command.h"

#include "base/clock.h"
#include "base/roomy.h"
#include "cli/configure.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/out.h"
#include "cli/printed.h"
#include "cli/say.h"
#include "cli/several.h"
#include "cli/signals.h"
#include "report/report.h"

/* The first ones dial one after the other: what several at once have leased stays touched, which is
 * no connection's own. Then so many at a time: a broker's queue is not endless. */
#define ONE_BY_ONE 10
#define DIALLING_MOST 32

/* Until the pages of what a handshake took have gone back. */
#define SETTLE_MS (TH_SETTLE_MS + 400)

#define DEFAULT_CONNECTIONS (TH_CONNECTIONS < 10 ? TH_CONNECTIONS : 10)
#define DEFAULT_HOLD_MS 2000

/* What the block of an idle connection keeps: not its buffers; in whole pages, wherever they
 * begin. */
#define PAGE_BYTES 4096
#define BUFFERS_BYTES (TH_TCP_CELL_BYTES + TH_OWN_CELL_BYTES + TH_PACKET_WINDOW_BYTES + \
                       TH_OUTBOX_BYTES + TH_ALIAS_IN_BYTES + TH_PIECE_BYTES + TH_ALIAS_OUT_BYTES + \
                       4 * TH_RECEIVED_WORDS)

static TH_ROOMY struct {
    struct th_cli_settings settings;
    struct th_context *context;
    struct th_config config;
    struct th_client *clients[TH_CONNECTIONS];
    bool is_up[TH_CONNECTIONS];
    struct pollfd awaited[TH_CONNECTIONS + 1]; /* the last one is of the signals */
    unsigned opened, up, wanted;
    struct th_fault fault; /* that ends it early */
    uint32_t dirty_bytes, measured; /* when so many connections were open */
    struct th_report report;
} bench;

/* ---- connections ----------------------------------------------------------------------------- */

static void note_up(bool *is_up, bool now)
{
    bench.up += (unsigned)now - *is_up;
    *is_up = now;
}

static void on_event(void *arg, const struct th_event *event)
{
    if (event->kind == TH_EVENT_CONNECTED)
        note_up(arg, true);
    if (event->kind != TH_EVENT_DISCONNECTED)
        return;
    note_up(arg, false);
    if (event->redial_in_ms < 0)
        bench.fault = *event->fault;
}

static void on_delivery(void *arg, const struct th_delivery *delivery)
{
    (void)arg, (void)delivery;
}

static void open_one(void)
{
    struct th_client **client = &bench.clients[bench.opened];
    size_t bytes;
    void *block = th_cli_several_block(bench.opened, &bytes);
    bench.config.arg = &bench.is_up[bench.opened];
    if (th_open(client, block, bytes, bench.context, &bench.config, &bench.fault) < 0)
        return;
    th_connect(*client);
    th_step(*client);
    bench.opened++;
}

static int await_some(int wait_ms)
{
    for (unsigned i = 0; i < bench.opened; i++) {
        const struct th_client *client = bench.clients[i];
        bench.awaited[i] = (struct pollfd){.fd = th_fd(client), .events = th_poll_events(client)};
        wait_ms = th_clock_shorter_ms(wait_ms, th_wait_ms(client));
    }
    return th_cli_signals_poll(bench.awaited, bench.opened, wait_ms);
}

static void turn(int wait_ms)
{
    await_some(wait_ms);
    for (unsigned i = 0; i < bench.opened; i++)
        if (bench.awaited[i].revents || th_wait_ms(bench.clients[i]) == 0)
            th_step(bench.clients[i]);
}

static bool goes_on(void)
{
    return !bench.fault.code && !th_cli_signals_count();
}

static void open_up_to(unsigned wanted)
{
    while (goes_on() && bench.up < wanted) {
        unsigned at_once = bench.opened < ONE_BY_ONE ? 1 : DIALLING_MOST;
        while (goes_on() && bench.opened < wanted && bench.opened < bench.up + at_once)
            open_one();
        if (goes_on())
            turn(-1);
    }
}

static void rest(int64_t for_ms)
{
    uint64_t until_ms = th_clock_ms() + (uint64_t)for_ms;
    for (uint64_t now_ms; goes_on() && (now_ms = th_clock_ms()) < until_ms;)
        turn(th_clock_wait_ms(until_ms, now_ms));
}

/* ---- what they cost -------------------------------------------------------------------------- */

static const struct {
    const char *head, *row, *next, *tail;
} forms[] = {
    {"connections  opened/s  private dirty        each      planned  CPU of each\n",
     "%11u %9u %12u B %9u B %10u B %7u us/s\n", "", ""},
    {"[\n", "  {\"connections\": %u, \"opened_per_s\": %u, \"private_dirty_bytes\": %u, "
              "\"private_dirty_each_bytes\": %u, \"planned_each_bytes\": %u, "
              "\"cpu_each_us_per_s\": %u}", ",\n", "\n]\n"},
};

static unsigned planned_bytes(void)
{
    size_t kept_bytes = th_need_bytes() - BUFFERS_BYTES;
    return (unsigned)((kept_bytes + 2 * PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
}

/* Of each since the last time; of the first one, all. */
static unsigned each_bytes(void)
{
    uint32_t before_bytes = bench.dirty_bytes, before = bench.measured;
    bench.dirty_bytes = bench.report.process.private_dirty_bytes;
    bench.measured = bench.opened;
    return bench.dirty_bytes > before_bytes
               ? (bench.dirty_bytes - before_bytes) / (bench.measured - before)
               : 0;
}

static void measure(unsigned wanted)
{
    const struct th_cli_settings *s = &bench.settings;
    unsigned more = wanted - bench.opened;
    uint64_t began_us = th_clock_us();
    open_up_to(wanted);
    uint64_t took_us = th_clock_us() - began_us;
    rest(SETTLE_MS);
    uint64_t used_us = th_clock_cpu_us();
    rest(s->hold_ms);
    used_us = th_clock_cpu_us() - used_us;
    if (!goes_on())
        return;
    th_report_process(&bench.report);
    unsigned each = each_bytes();
    th_cli_out_format(forms[s->json].row, bench.opened,
                      (unsigned)(more * UINT64_C(1000000) / (took_us + 1)), bench.dirty_bytes,
                      each, planned_bytes(),
                      (unsigned)(used_us * 1000 / (uint64_t)s->hold_ms / bench.opened));
    th_cli_out_text(wanted < bench.wanted ? forms[s->json].next : forms[s->json].tail);
    th_cli_out_flush();
}

static int measure_all(void)
{
    th_cli_out_text(forms[bench.settings.json].head);
    for (unsigned wanted = 1; goes_on(); wanted *= 10) {
        measure(wanted < bench.wanted ? wanted : bench.wanted);
        if (wanted >= bench.wanted)
            break;
    }
    if (bench.fault.code)
        return th_cli_say_fault(&bench.fault);
    return th_cli_signals_count() ? 128 + th_cli_signals_first() : th_cli_printed();
}

/* ---- the command ----------------------------------------------------------------------------- */

static void preset(int64_t *number, int64_t value)
{
    if (*number == TH_CLI_UNSET)
        *number = value;
}

static void configure(void)
{
    preset(&bench.settings.connections, DEFAULT_CONNECTIONS);
    preset(&bench.settings.hold_ms, DEFAULT_HOLD_MS);
    bench.wanted = (unsigned)bench.settings.connections;
    th_cli_configure(&bench.config, &bench.settings);
    bench.config.on_event = on_event;
    bench.config.on_delivery = on_delivery;
    th_report_process_keep();
}

static int run(void)
{
    int status = th_cli_several_begin(&bench.settings, bench.context);
    if (status == TH_CLI_OK)
        status = measure_all();
    th_cli_signals_leave();
    return status;
}

static void close_all(void)
{
    for (unsigned i = 0; i < bench.opened; i++)
        th_close(bench.clients[i]);
    th_context_close(bench.context);
}

int th_cli_bench(int argc, char *argv[])
{
    int status;
    if (!th_cli_begin(&bench.settings, TH_CLI_BENCH, argc, argv, &status))
        return status;
    status = th_cli_several_open(&bench.context, &bench.settings);
    configure();
    if (status == TH_CLI_OK)
        status = run();
    close_all();
    return status;
}

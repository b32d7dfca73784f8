/* Two connections at once, which no command of the program has: the objects of the shipped binary
 * with this in the place of its commands.
 *
 *     two HOST PORT CA CERT KEY REPORT REPORT
 *
 * Both are in their handshakes at the same time; once both are up, the first publishes what the
 * second has subscribed to. A report in JSON of each when both have ended. */
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <thimble.h>
#include <unistd.h>

#include "mem/run.h"
#include "report/report.h"

enum { CONTEXT_BYTES = 40 * 1024, CLIENT_BYTES = 128 * 1024, MOST_TURNS = 1000, PATIENCE_MS = 50,
       SETTLE_US = 20000 };

static _Alignas(16) uint8_t context_block[CONTEXT_BYTES];
static _Alignas(16) uint8_t client_blocks[2][CLIENT_BYTES];
static struct th_context *context;
static struct th_client *clients[2];
static struct th_report reports[2];
static bool ended[2];
static bool subscribed;
static unsigned connected;
static unsigned delivered;
static char **words;

static struct th_slice text(const char *string)
{
    return (struct th_slice){(const uint8_t *)string, strlen(string)};
}

static void publish_when_both_are_there(void)
{
    const struct th_message message = {.topic = text("audit/two"), .payload = text("x"), .qos = 1};
    if (connected == 2 && subscribed)
        th_publish(clients[0], &message);
}

static void on_event(void *arg, const struct th_event *event)
{
    const struct th_filter filter = {.filter = text("audit/two"), .qos = 1};
    if (event->kind == TH_EVENT_CONNECTED)
        connected++;
    if (event->kind == TH_EVENT_CONNECTED && arg == &clients[1])
        th_subscribe(clients[1], &filter, 1, NULL);
    if (event->kind == TH_EVENT_SUBSCRIBED)
        subscribed = true;
    if (event->kind == TH_EVENT_CONNECTED || event->kind == TH_EVENT_SUBSCRIBED)
        publish_when_both_are_there();
    if (event->kind == TH_EVENT_PUBLISHED)
        th_disconnect(clients[0], 0, NULL);
}

static void on_delivery(void *arg, const struct th_delivery *delivery)
{
    (void)arg, (void)delivery;
    delivered++;
    th_disconnect(clients[1], 0, NULL);
}

static int open_client(int i, struct th_fault *fault)
{
    const struct th_config config = {
        .host = words[1],
        .port = (uint16_t)atoi(words[2]),
        .clean_start = true,
        .stack_low = th_stack_run_low(),
        .stack_bytes = th_stack_run_bytes(),
        .on_event = on_event,
        .on_delivery = on_delivery,
        .arg = &clients[i],
    };
    int rc = th_open(&clients[i], client_blocks[i], CLIENT_BYTES, context, &config, fault);
    return rc < 0 ? rc : th_connect(clients[i]);
}

static bool open_all(void)
{
    struct th_fault fault;
    const struct th_context_config trust = {
        .roots.path = words[3], .certificate.path = words[4], .key.path = words[5]};
    return th_context_open(&context, context_block, CONTEXT_BYTES, &trust, &fault) >= 0 &&
           open_client(0, &fault) >= 0 && open_client(1, &fault) >= 0;
}

static void await(const struct th_client *client)
{
    struct pollfd awaited = {.fd = th_fd(client), .events = th_poll_events(client)};
    poll(&awaited, 1, PATIENCE_MS);
}

/* One step of each in turn, when all that either waits for is there: so their handshakes advance
 * side by side, and in the same way each time. */
static void step_both(void)
{
    for (int i = 0; i < 2; i++)
        if (!ended[i])
            await(clients[i]);
    usleep(SETTLE_US);
    for (int i = 0; i < 2; i++)
        ended[i] = ended[i] || th_step(clients[i]) < 0;
}

static bool write_report(int i)
{
    struct th_fault fault;
    return th_report_json_file(&reports[i], words[6 + i], &fault) >= 0;
}

static void take_reports(void)
{
    for (int i = 0; i < 2; i++) {
        th_report(clients[i], &reports[i]);
        th_report_process(&reports[i]);
        th_report_process_heap(&reports[i]);
    }
}

static int run(void *arg)
{
    words = arg;
    if (!open_all())
        return EXIT_FAILURE;
    for (int turns = 0; turns < MOST_TURNS && !(ended[0] && ended[1]); turns++)
        step_both();
    take_reports();
    bool told = write_report(0) && write_report(1);
    th_close(clients[0]);
    th_close(clients[1]);
    th_context_close(context);
    return told && delivered == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
    return argc == 8 ? th_stack_run(run, argv) : EXIT_FAILURE;
}

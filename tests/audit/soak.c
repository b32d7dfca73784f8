/* Connects, and when that has ended, however it has, again: the objects of the shipped binary with
 * this in the place of its commands. Those end when trying again cannot help; this does not, so
 * that refused certificates and refused clients can be met ten thousand times by one process.
 *
 *     soak HOST PORT CA CERT KEY DEADLINE-MS
 *
 * One attempt for each byte on standard input, and for each attempt one line on standard output:
 * its error, live bytes of the process, of them in the shared heap, blocks of the connection that
 * were not returned, allocations that were refused. */
#include <stdlib.h>
#include <string.h>
#include <thimble.h>
#include <thimble/report.h>
#include <unistd.h>

#include "base/format.h"
#include "mem/run.h"

enum { CONTEXT_BYTES = 40 * 1024, CLIENT_BYTES = 128 * 1024, LINE_BYTES = 160 };

static _Alignas(16) uint8_t context_block[CONTEXT_BYTES];
static _Alignas(16) uint8_t client_block[CLIENT_BYTES];
static struct th_context *context;
static struct th_client *client;
static struct th_report report;
static char **words;

static void on_event(void *arg, const struct th_event *event)
{
    const struct th_filter filter = {.filter = {(const uint8_t *)"soak", 4}, .qos = 1};
    (void)arg;
    if (event->kind == TH_EVENT_CONNECTED)
        th_subscribe(client, &filter, 1, NULL);
}

static bool open_all(void)
{
    struct th_fault fault;
    uint32_t deadline_ms = (uint32_t)atoi(words[6]);
    const struct th_context_config trust = {
        .roots.path = words[3], .certificate.path = words[4], .key.path = words[5]};
    const struct th_config config = {
        .host = words[1],
        .port = (uint16_t)atoi(words[2]),
        .clean_start = true,
        .deadlines = {.tls_ms = deadline_ms, .connack_ms = deadline_ms, .ack_ms = deadline_ms},
        .stack_low = th_stack_run_low(),
        .stack_bytes = th_stack_run_bytes(),
        .on_event = on_event,
    };
    return th_context_open(&context, context_block, CONTEXT_BYTES, &trust, &fault) >= 0 &&
           th_open(&client, client_block, CLIENT_BYTES, context, &config, &fault) >= 0;
}

static void tell(int error)
{
    char line[LINE_BYTES];
    th_report(client, &report);
    th_report_process(&report);
    th_format(line, sizeof line, "%s %u %u %u %u\n", th_error_name(error),
              report.process.live_bytes, report.pools[TH_REPORT_SHARED_HEAP].live_bytes,
              report.taken - report.returned, report.refused);
    if (write(STDOUT_FILENO, line, strlen(line)) < 0)
        _exit(EXIT_FAILURE);
}

static int attempt(void)
{
    int rc = th_connect(client);
    while (rc >= 0)
        rc = th_run(client, -1);
    return rc;
}

static int run(void *arg)
{
    words = arg;
    if (!open_all())
        return EXIT_FAILURE;
    for (char asked; read(STDIN_FILENO, &asked, 1) == 1;)
        tell(attempt());
    th_close(client);
    th_context_close(context);
    return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    return argc == 7 ? th_stack_run(run, argv) : EXIT_FAILURE;
}

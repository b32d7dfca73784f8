/* A complete program: subscribe, publish one message at QoS 1, wait until it comes back, leave.
 *
 *     cc example.c $(pkg-config --cflags --libs thimble) -o example
 *     ./example localhost 8883 ca.pem client.pem client.key
 */
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thimble.h>

/* Every byte the library will use. Ask th_need_bytes() and th_context_need_bytes() how many. */
static alignas(16) unsigned char context_block[64 * 1024];
static alignas(16) unsigned char client_block[128 * 1024];

static struct th_client *client;

static struct th_slice text(const char *string)
{
    return (struct th_slice){(const uint8_t *)string, strlen(string)};
}

static void on_event(void *arg, const struct th_event *event)
{
    (void)arg;
    const struct th_filter filter = {.filter = text("thimble/example"), .qos = 1};
    const struct th_message message = {
        .topic = filter.filter, .payload = text("hello from a thimble"), .qos = 1};

    if (event->kind == TH_EVENT_CONNECTED)
        th_subscribe(client, &filter, 1, NULL);
    if (event->kind == TH_EVENT_SUBSCRIBED)
        th_publish(client, &message);
}

static void on_delivery(void *arg, const struct th_delivery *delivery)
{
    (void)arg;
    printf("%.*s: %.*s\n", (int)delivery->topic.len_bytes, (const char *)delivery->topic.data,
           (int)delivery->payload.len_bytes, (const char *)delivery->payload.data);
    th_disconnect(client, 0, NULL);
}

static int complain(const struct th_fault *fault)
{
    fprintf(stderr, "%s while %s: %s\n", th_error_name(fault->code), th_phase_name(fault->phase),
            fault->text);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return fprintf(stderr, "usage: example HOST PORT CA CERT KEY\n"), EXIT_FAILURE;

    struct th_fault fault;
    struct th_context *context;
    const struct th_context_config trust = {
        .roots.path = argv[3], .certificate.path = argv[4], .key.path = argv[5]};
    if (th_context_open(&context, context_block, sizeof context_block, &trust, &fault) < 0)
        return complain(&fault);

    const struct th_config config = {
        .host = argv[1],
        .port = (uint16_t)atoi(argv[2]),
        .version = TH_MQTT_5,
        .clean_start = true,
        .keep_alive_s = 60,
        .on_event = on_event,
        .on_delivery = on_delivery,
    };
    if (th_open(&client, client_block, sizeof client_block, context, &config, &fault) < 0)
        return complain(&fault);

    int result = th_connect(client);
    while (result >= 0)
        result = th_run(client, -1);

    int status = EXIT_SUCCESS; /* after th_disconnect() the result is TH_E_CLOSED, no fault */
    if (th_fault(client)->code)
        status = complain(th_fault(client));
    th_close(client);
    th_context_close(context);
    return status;
}

/* A client of the public interface with exact blocks, what it was told, and a driver that steps it
 * only when its descriptor, its events and its wait allow it. */
#ifndef TEST_CLIENT_DEVICE_H
#define TEST_CLIENT_DEVICE_H

#include "broker.h"

#include "client/client.h"

#define NOTED_MAX 256
#define PAYLOAD_MAX_BYTES (128 * 1024)

struct noted {
    enum th_event_kind kind;
    uint16_t packet_id;
    uint8_t reason;
    bool session_present;
    int redial_in_ms;
    int fault_code;
    enum th_phase phase; /* when it was told */
    uint8_t codes[8];
    size_t codes_bytes;
};

struct device {
    struct th_config config;
    struct th_client *client;
    void *block;
    struct th_fault fault; /* of th_open() */
    struct broker *broker; /* collected from while waiting; may be NULL */
    int result;            /* of the last th_step() */
    unsigned steps;

    struct noted events[NOTED_MAX];
    unsigned event_count;

    unsigned deliveries, pieces; /* whole messages, calls */
    struct th_delivery last;     /* slices are not valid */
    char topic[256];
    size_t payload_bytes;

    void (*on_event)(struct device *device, const struct th_event *event);
    void (*on_delivery)(struct device *device, const struct th_delivery *delivery);
    int number; /* for the hooks */
    unsigned warnings;
    char log[256]; /* the last line */
    uint8_t payload[PAYLOAD_MAX_BYTES];
};

/* ---- what it was told ------------------------------------------------------------------------ */

static inline void note_event(void *arg, const struct th_event *event)
{
    struct device *device = arg;
    assert_true(device->event_count < NOTED_MAX);
    struct noted *noted = &device->events[device->event_count++];
    *noted = (struct noted){
        .kind = event->kind, .packet_id = event->packet_id, .reason = event->reason,
        .session_present = event->session_present, .redial_in_ms = event->redial_in_ms,
        .fault_code = event->fault ? event->fault->code : 0,
        .phase = device->client ? th_phase(device->client) : TH_PHASE_RESTING,
        .codes_bytes = event->codes.len_bytes,
    };
    assert_true(event->codes.len_bytes <= sizeof noted->codes);
    if (event->codes.len_bytes)
        memcpy(noted->codes, event->codes.data, event->codes.len_bytes);
    if (device->on_event)
        device->on_event(device, event);
}

static inline void note_delivery(void *arg, const struct th_delivery *delivery)
{
    struct device *device = arg;
    size_t end_bytes = delivery->offset_bytes + delivery->payload.len_bytes;
    if (delivery->offset_bytes == 0)
        device->payload_bytes = 0;
    assert_int_equal(delivery->offset_bytes, device->payload_bytes);
    assert_true(end_bytes <= PAYLOAD_MAX_BYTES && end_bytes <= delivery->total_bytes);
    if (delivery->payload.len_bytes)
        memcpy(device->payload + device->payload_bytes, delivery->payload.data,
               delivery->payload.len_bytes);
    device->payload_bytes = end_bytes;
    snprintf(device->topic, sizeof device->topic, "%.*s", (int)delivery->topic.len_bytes,
             (const char *)delivery->topic.data);
    device->last = *delivery;
    device->pieces++;
    device->deliveries += end_bytes == delivery->total_bytes;
    if (device->on_delivery)
        device->on_delivery(device, delivery);
}

static inline void note_line(void *arg, enum th_log_level level, const char *text)
{
    struct device *device = arg;
    device->warnings += level <= TH_LOG_WARNING;
    snprintf(device->log, sizeof device->log, "%s", text);
}

static inline unsigned count_events(const struct device *device, enum th_event_kind kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < device->event_count; i++)
        count += device->events[i].kind == kind;
    return count;
}

static inline const struct noted *last_event(const struct device *device)
{
    return device->event_count ? &device->events[device->event_count - 1] : NULL;
}

/* ---- opening --------------------------------------------------------------------------------- */

static inline struct th_config plain_config(uint16_t port, enum th_mqtt_version version)
{
    return (struct th_config){
        .host = "127.0.0.1", .port = port, .insecure_plaintext = true, .version = version,
        .client_id = "c", .clean_start = true,
    };
}

static inline int device_open(struct device *device, struct th_context *context,
                              struct th_config config)
{
    memset(device, 0, offsetof(struct device, payload));
    device->config = config;
    device->config.on_event = note_event;
    device->config.on_delivery = note_delivery;
    device->config.log = (struct th_log){note_line, device, TH_LOG_DEBUG};
    device->config.arg = device;
    device->block = aligned_alloc(16, (th_need_bytes() + 15) & ~(size_t)15);
    return th_open(&device->client, device->block, th_need_bytes(), context, &device->config,
                   &device->fault);
}

static inline void assert_nothing_held(const struct device *device)
{
    const struct th_payer *payer = &device->client->link.payer;
    assert_int_equal(payer->ledger.live_bytes, 0);
    assert_int_equal(payer->heap.live_blocks, 0);
    assert_int_equal(th_payer_strays(payer), 0);
    assert_int_equal(th_payer_lost_strays(), 0);
}

static inline void device_close(struct device *device)
{
    if (device->client && th_phase(device->client) == TH_PHASE_RESTING)
        assert_nothing_held(device);
    th_close(device->client);
    device->client = NULL;
    free(device->block);
    device->block = NULL;
}

/* ---- driving --------------------------------------------------------------------------------- */

static inline int sooner(int a_ms, int b_ms)
{
    return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

static inline void step(struct device *device)
{
    device->result = th_step(device->client);
    device->steps++;
}

/* Waits at most `most_ms` for something to do, and steps the client if it is its turn. */
static inline void turn(struct device *device, int most_ms)
{
    int wait_ms = th_wait_ms(device->client);
    uint64_t due_ms = wait_ms < 0 ? UINT64_MAX : clock_ms() + (unsigned)wait_ms;
    struct broker *broker = device->broker;
    struct pollfd awaited[] = {
        {.fd = th_fd(device->client), .events = th_poll_events(device->client)},
        {.fd = broker && broker->fd >= 0 && !broker->ended ? broker->fd : -1, .events = POLLIN},
        {.fd = broker && broker->fd < 0 ? broker->listener : -1, .events = POLLIN},
    };
    poll(awaited, 3, sooner(wait_ms, most_ms));
    if (awaited[0].revents || clock_ms() >= due_ms)
        step(device);
    if (broker && broker_accepts(broker))
        broker_collect(broker);
}

/* Turns until the condition holds; fails after PATIENCE_MS. */
#define UNTIL(device, condition)                                                              \
    for (uint64_t until_ms = clock_ms() + PATIENCE_MS; !(condition); turn(device, 50))        \
        if (clock_ms() >= until_ms)                                                           \
            fail_msg("%s:%d: %s did not come true; %s: %s", __FILE__, __LINE__, #condition,   \
                     th_phase_name(th_phase((device)->client)), th_fault((device)->client)->text)

/* For a while. */
#define FOR_MS(device, ms)                                                                    \
    for (uint64_t until_ms = clock_ms() + (ms); clock_ms() < until_ms;)                       \
        turn(device, (int)(until_ms - clock_ms()))

static inline void print_bytes(const char *what, const uint8_t *bytes, size_t len)
{
    fprintf(stderr, "%s:", what);
    for (size_t i = 0; i < len && i < 64; i++)
        fprintf(stderr, " %02x", bytes[i]);
    fprintf(stderr, "\n");
}

/* The next bytes the broker gets are these. */
static inline void gets(struct device *device, const char *text)
{
    struct wire expected = wire_of(text);
    struct broker *broker = device->broker;
    UNTIL(device, broker->in_bytes >= expected.len || broker->ended);
    bool same = broker->in_bytes >= expected.len &&
                !memcmp(broker->in, expected.bytes, expected.len);
    if (!same) {
        print_bytes("got", broker->in, broker->in_bytes);
        fail_msg("the broker did not get %s", text);
    }
    broker_forget(broker, expected.len);
}

static inline void gets_nothing_more(struct device *device)
{
    if (device->broker->in_bytes)
        print_bytes("got", device->broker->in, device->broker->in_bytes);
    assert_int_equal(device->broker->in_bytes, 0);
}

#define CONNECT_3 "10 0f 0006'MQIsdp' 03 02 0000 0001'c'"
#define CONNECT_4 "10 0d 0004'MQTT' 04 02 0000 0001'c'"
#define CONNECT_5 "10 11 0004'MQTT' 05 02 0000 03 210040 0001'c'"

static inline const char *connect_of(const struct device *device)
{
    static const char *const texts[] = {[TH_MQTT_3_1] = CONNECT_3, [TH_MQTT_3_1_1] = CONNECT_4,
                                        [TH_MQTT_5] = CONNECT_5};
    return texts[device->config.version];
}

static inline const char *connack(const struct device *device)
{
    return device->config.version == TH_MQTT_5 ? "20 03 00 00 00" : "20 02 00 00";
}

static inline void greet(struct device *device)
{
    gets(device, connect_of(device));
    broker_sends(device->broker, connack(device));
    UNTIL(device, th_phase(device->client) == TH_PHASE_UP);
}

/* A device that is up, over a plain connection. */
static inline void device_up_with(struct device *device, struct broker *broker,
                                  struct th_config config)
{
    broker_open(broker);
    config.port = broker->port;
    assert_int_equal(device_open(device, NULL, config), 0);
    device->broker = broker;
    assert_int_equal(th_connect(device->client), 0);
    greet(device);
}

static inline void device_up(struct device *device, struct broker *broker,
                             enum th_mqtt_version version)
{
    device_up_with(device, broker, plain_config(0, version));
}

static inline void both_close(struct device *device, struct broker *broker)
{
    device_close(device);
    broker_close(broker);
}

/* ---- requests -------------------------------------------------------------------------------- */

static inline struct th_message message_of(const char *topic, const char *payload, unsigned qos)
{
    return (struct th_message){.topic = th_slice_text(topic), .payload = th_slice_text(payload),
                               .qos = (uint8_t)qos};
}

static inline int publish(struct device *device, const char *topic, const char *payload,
                          unsigned qos)
{
    struct th_message message = message_of(topic, payload, qos);
    return th_publish(device->client, &message);
}

static inline int subscribe(struct device *device, const char *filter, unsigned qos)
{
    struct th_filter wanted = {.filter = th_slice_text(filter), .qos = (uint8_t)qos};
    return th_subscribe(device->client, &wanted, 1, NULL);
}

static inline int unsubscribe(struct device *device, const char *filter)
{
    struct th_slice unwanted = th_slice_text(filter);
    return th_unsubscribe(device->client, &unwanted, 1, NULL);
}

/* ---- how it ended ---------------------------------------------------------------------------- */

static inline void ends(struct device *device)
{
    UNTIL(device, device->result < 0 && th_phase(device->client) == TH_PHASE_RESTING);
    assert_nothing_held(device);
}

static inline void ends_with(struct device *device, int code, enum th_phase phase,
                             const char *sentence)
{
    ends(device);
    const struct th_fault *fault = th_fault(device->client);
    if (device->result != code || fault->code != code || fault->phase != phase ||
        !strstr(fault->text, sentence))
        fail_msg("%d, %s while %s: %s", device->result, th_error_name(fault->code),
                 th_phase_name(fault->phase), fault->text);
    assert_int_equal(last_event(device)->kind, TH_EVENT_DISCONNECTED);
    assert_int_equal(last_event(device)->fault_code, code);
}

/* Without an error: TH_E_CLOSED and no fault. */
static inline void ends_as_asked(struct device *device)
{
    ends(device);
    if (device->result != TH_E_CLOSED || th_fault(device->client)->code)
        fail_msg("%d, %s", device->result, th_fault(device->client)->text);
    assert_int_equal(last_event(device)->kind, TH_EVENT_DISCONNECTED);
    assert_int_equal(last_event(device)->redial_in_ms, -1);
    assert_int_equal(last_event(device)->fault_code, 0);
}

/* ---- TLS ------------------------------------------------------------------------------------- */

static inline const char *pki(const char *kind, const char *name)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, 128, PKI "/%s/%s", kind, name);
    return path;
}

static inline struct th_context_config trust(const char *kind)
{
    return (struct th_context_config){
        .roots.path = pki(kind, "root.pem"),
        .certificate.path = pki(kind, "client.pem"),
        .key.path = pki(kind, "client.key"),
    };
}

static inline struct th_context *context_of(struct th_context_config config)
{
    struct th_fault fault;
    struct th_context *context;
    void *block = aligned_alloc(16, (th_context_need_bytes() + 15) & ~(size_t)15);
    if (th_context_open(&context, block, th_context_need_bytes(), &config, &fault) < 0)
        fail_msg("%s", fault.text);
    return context;
}

/* The context is the beginning of its block. */
static inline void context_free(struct th_context *context)
{
    assert_int_equal(th_payer_strays(&context->payer), 0);
    th_context_close(context);
    free(context);
}

static inline struct th_config tls_config(uint16_t port, enum th_mqtt_version version)
{
    struct th_config config = plain_config(port, version);
    config.insecure_plaintext = false;
    config.host = "127.0.0.1";
    return config;
}

/* Names are looked up in this file, before anything is asked. */
static inline void use_hosts(struct device *device, const char *path)
{
    device->client->link.lookup.hosts_path = path;
}

static inline void write_hosts(char path[64], const char *text)
{
    strcpy(path, "/tmp/th_client_XXXXXX");
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

#endif

/* A session with its outbox, and a broker that speaks in hex digits. */
#ifndef TEST_SESSION_BENCH_H
#define TEST_SESSION_BENCH_H

#include "../mqtt/wire.h"
#include "../outbox/check.h"
#include "session/session.h"

#define BENCH_BLOCK_BYTES 4096

struct bench {
    struct th_config config;
    struct th_session session;
    struct th_outbox outbox;
    struct th_session_id_page id_pages[TH_SESSION_ID_PAGES];
    uint8_t aliases[64];
    uint64_t block[BENCH_BLOCK_BYTES / 8];
    struct th_fault fault;
    struct th_session_outcome out;
    struct wire packet; /* what `out` points into */
    uint64_t now_ms;
};

static struct bench bench;

static inline void bench_open(const struct th_config *config)
{
    memset(&bench, 0, sizeof bench);
    memset(bench.id_pages, 0xa5, sizeof bench.id_pages);
    bench.config = *config;
    bench.now_ms = 1000;
    int greeting_bytes = th_session_greeting_bytes(&bench.config, &bench.fault);
    assert_true(greeting_bytes > 0);
    assert_int_equal(th_outbox_open(&bench.outbox, bench.block, sizeof bench.block,
                                    (size_t)greeting_bytes, &bench.fault), 0);
    th_session_open(&bench.session, &bench.config, &bench.outbox, bench.id_pages, bench.aliases,
                    sizeof bench.aliases);
}

static inline void check_bench(void)
{
    const char *problem = check_outbox(&bench.outbox);
    if (problem)
        fail_msg("%s", problem);
}

/* Decodes one packet and judges it. */
static inline int got(const char *text)
{
    struct th_mqtt_packet packet;
    int version = bench.config.version ? bench.config.version : TH_MQTT_3_1_1;
    bench.packet = wire_of(text);
    int consumed = th_mqtt_decode(bench.packet.bytes, bench.packet.len, version, &packet);
    if (consumed <= 0)
        fail_msg("the broker's bytes are wrong: %s", packet.problem ? packet.problem : text);
    int result = th_session_receive(&bench.session, &packet, bench.now_ms, &bench.out);
    check_bench();
    return result;
}

/* What goes out, in order, must be these bytes. */
static inline void assert_sends(const char *text)
{
    struct wire expected = wire_of(text);
    struct wire sent = {.len = 0};
    for (;;) {
        struct th_slice next = th_outbox_next(&bench.outbox);
        if (!next.len_bytes)
            break;
        for (size_t i = 0; i < next.len_bytes; i++)
            wire_add(&sent, next.data[i]);
        th_outbox_sent(&bench.outbox, next.len_bytes, bench.now_ms);
        check_bench();
    }
    if (sent.len != expected.len || memcmp(sent.bytes, expected.bytes, sent.len)) {
        for (size_t i = 0; i < sent.len; i++)
            fprintf(stderr, "%02x ", sent.bytes[i]);
        fail_msg("sent instead of %s", text);
    }
}

static inline void forget_sent(void)
{
    for (;;) {
        struct th_slice next = th_outbox_next(&bench.outbox);
        if (!next.len_bytes)
            return;
        th_outbox_sent(&bench.outbox, next.len_bytes, bench.now_ms);
    }
}

static inline void greet(void)
{
    assert_int_equal(th_session_greet(&bench.session, bench.now_ms, &bench.fault), 0);
    forget_sent();
}

static inline void assert_nothing(const char *text)
{
    assert_int_equal(got(text), 0);
    assert_int_equal(bench.out.kind, TH_SESSION_NOTHING);
}

static inline void assert_event(const char *text, enum th_event_kind kind, unsigned packet_id,
                                unsigned reason)
{
    assert_int_equal(got(text), 0);
    assert_int_equal(bench.out.kind, TH_SESSION_EVENT);
    assert_int_equal(bench.out.event.kind, kind);
    assert_int_equal(bench.out.event.packet_id, packet_id);
    assert_int_equal(bench.out.event.reason, reason);
    assert_int_equal(bench.out.event.redial_in_ms, -1);
}

static inline void assert_protocol_error(const char *text, unsigned reason, const char *problem)
{
    assert_int_equal(got(text), TH_E_PROTOCOL);
    assert_int_equal(bench.out.reason, reason);
    assert_non_null(strstr(bench.out.problem, problem));
    assert_int_equal(bench.session.state, TH_SESSION_ENDED);
}

/* Connects; MQTT 5 hands its CONNACK properties with their length. */
static inline void connect_with(const char *connack)
{
    greet();
    assert_event(connack, TH_EVENT_CONNECTED, 0, 0);
}

static inline void redial(bool session_present)
{
    bool is_5 = bench.config.version == TH_MQTT_5;
    th_session_lost(&bench.session);
    connect_with(session_present ? (is_5 ? "20 03 01 00 00" : "20 02 01 00")
                                 : (is_5 ? "20 03 00 00 00" : "20 02 00 00"));
}

static inline void bench_up(enum th_mqtt_version version)
{
    bench_open(&(struct th_config){.client_id = "c", .version = version, .keep_alive_s = 60});
    connect_with(version == TH_MQTT_5 ? "20 03 00 00 00" : "20 02 00 00");
}

static inline int publish(unsigned qos)
{
    int id = th_session_publish(&bench.session, &(struct th_message){
        .topic = th_slice_text("t"), .payload = th_slice_text("p"), .qos = (uint8_t)qos},
        &bench.fault);
    check_bench();
    return id;
}

static inline int subscribe_to(const char *filter)
{
    return th_session_subscribe(&bench.session, &(struct th_filter){
        .filter = th_slice_text(filter), .qos = 1}, 1, NULL, &bench.fault);
}

static inline int unsubscribe_from(const char *filter)
{
    struct th_slice slice = th_slice_text(filter);
    return th_session_unsubscribe(&bench.session, &slice, 1, NULL, &bench.fault);
}

#endif

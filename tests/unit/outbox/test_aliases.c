/* Topic aliases, against a peer that knows nothing but the standard: whatever is sent in whatever
 * pieces, every message arrives with its topic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "base/slice.h"
#include "mqtt/decode.h"
#include "mqtt/encode.h"
#include "mqtt/property.h"

#define BLOCK_BYTES 8192
#define PIECE_BYTES 900
#define ALIAS_BYTES 300
#define TOPICS 40
#define TOPIC_BYTES 400

struct peer {
    uint8_t bytes[4 * BLOCK_BYTES];
    size_t len;
    char topics[UINT8_MAX][TOPIC_BYTES]; /* by alias */
    unsigned most; /* aliases it allows */
    size_t packets, packet_bytes, aliased;
};

static struct world {
    struct th_outbox outbox;
    uint64_t block[BLOCK_BYTES / 8];
    uint8_t piece[PIECE_BYTES];
    uint8_t aliases[ALIAS_BYTES];
    struct peer peer;
    uint64_t random;
    uint32_t queued, received; /* QoS 0 messages carry their number */
    size_t plain_bytes;
    struct th_outbox_limits limits;
} world;

static uint32_t draw(uint32_t below)
{
    world.random ^= world.random << 13;
    world.random ^= world.random >> 7;
    world.random ^= world.random << 17;
    return (uint32_t)(world.random >> 11) % below;
}

/* ---- messages: the number says everything about them ----------------------------------------- */

static unsigned topic_of(uint32_t number)
{
    uint32_t mixed = number * UINT32_C(2654435761) >> 16;
    return number % 3 ? mixed % 5 : mixed % TOPICS;
}

/* The name of a topic tells its number and is 10 to 399 bytes long. */
static struct th_slice name_of(unsigned topic)
{
    static char name[TOPIC_BYTES];
    size_t len = topic < 10 ? 10 + topic : 10 * topic - 1;
    memset(name, 'x', len);
    name[0] = (char)('A' + topic);
    return th_slice_of(name, len);
}

static size_t payload_bytes_of(uint32_t number)
{
    return 4 + (number % 50 ? number % 200 : number % 2000);
}

static void write_payload(uint32_t number, uint8_t *to)
{
    for (size_t i = 0; i < payload_bytes_of(number); i++)
        to[i] = (uint8_t)(number >> 8 * (i % 4));
}

static int read_payload(void *arg, uint64_t offset_bytes, uint8_t *out, size_t bytes)
{
    uint8_t payload[4096];
    write_payload((uint32_t)(uintptr_t)arg, payload);
    memcpy(out, payload + offset_bytes, bytes);
    return (int)bytes;
}

/* Some have a property, some an alias of their own. */
static struct th_properties properties_of(uint32_t number)
{
    static const struct th_property user = {.id = TH_PROPERTY_USER, .text = {(uint8_t *)"n", 1},
                                            .value = {(uint8_t *)"v", 1}};
    static struct th_property own = {.id = TH_PROPERTY_TOPIC_ALIAS};
    if (number % 31 == 0 && world.peer.most > 0) {
        own.number = 1 + number % world.peer.most;
        return (struct th_properties){&own, 1};
    }
    return (struct th_properties){&user, number % 7 == 0};
}

/* ---- the peer -------------------------------------------------------------------------------- */

static void peer_checks(const struct th_mqtt_packet *packet, const uint8_t *payload)
{
    uint8_t expected[4096];
    uint32_t number;
    char topic[TOPIC_BYTES] = "";
    memcpy(topic, packet->publish.topic.data, packet->publish.topic.len_bytes);
    unsigned alias = packet->publish.topic_alias;
    assert_true(alias <= world.peer.most);
    if (alias && packet->publish.topic.len_bytes)
        strcpy(world.peer.topics[alias], topic);
    if (!packet->publish.topic.len_bytes)
        strcpy(topic, world.peer.topics[alias]);
    number = payload[0] | payload[1] << 8 | payload[2] << 16 | (uint32_t)payload[3] << 24;
    struct th_slice name = name_of(topic_of(number));
    assert_int_equal(strlen(topic), name.len_bytes);
    assert_memory_equal(topic, name.data, name.len_bytes);
    write_payload(number, expected);
    assert_int_equal(packet->publish.payload_bytes, payload_bytes_of(number));
    assert_memory_equal(payload, expected, payload_bytes_of(number));
    assert_int_equal(number, world.received);
    world.received++;
    world.peer.aliased += !packet->publish.topic.len_bytes;
}

static bool peer_takes(void)
{
    struct th_mqtt_packet packet;
    struct peer *peer = &world.peer;
    int header = th_mqtt_decode(peer->bytes, peer->len, TH_MQTT_5, &packet);
    assert_true(header >= 0);
    size_t bytes = (size_t)header + packet.publish.payload_bytes;
    if (header == 0 || bytes > peer->len)
        return false;
    assert_true(bytes <= world.limits.packet_max_bytes);
    peer_checks(&packet, peer->bytes + header);
    memmove(peer->bytes, peer->bytes + bytes, peer->len -= bytes);
    peer->packets++;
    peer->packet_bytes += bytes;
    return true;
}

/* ---- operations ------------------------------------------------------------------------------ */

static void check(void)
{
    const char *problem = check_outbox(&world.outbox);
    if (problem)
        fail_msg("%s", problem);
}

static void queue(void)
{
    uint8_t *place, payload[4096];
    uint32_t number = world.queued;
    struct th_message message = {
        .topic = name_of(topic_of(number)), .properties = properties_of(number),
        .payload = {payload, payload_bytes_of(number)},
    };
    write_payload(number, payload);
    if (number % 11 == 0)
        message.source = (struct th_payload_source){
            read_payload, (void *)(uintptr_t)number, (uint32_t)payload_bytes_of(number), NULL};
    struct th_mqtt_publish publish = {.version = TH_MQTT_5, .message = &message};
    size_t header = (size_t)th_mqtt_publish_header_bytes(&publish, NULL);
    size_t kept = header;
    kept += message.source.read ? sizeof message.source : message.payload.len_bytes;
    if (header + message.payload.len_bytes > world.limits.packet_max_bytes)
        fail_msg("the test sends too much");
    if (th_outbox_reserve(&world.outbox, TH_SLOT_PUBLISH_0, kept, &place, NULL) < 0)
        return;
    th_mqtt_publish_header_encode(place, &publish);
    th_outbox_commit(&world.outbox, TH_SLOT_PUBLISH_0, kept, 0, 0);
    if (message.source.read)
        th_outbox_attach(&world.outbox, &message.source);
    else
        memcpy(place + header, payload, message.payload.len_bytes);
    world.plain_bytes += header + message.payload.len_bytes;
    world.queued++;
}

static void send_some(void)
{
    struct th_slice next = th_outbox_next(&world.outbox);
    if (!next.len_bytes)
        return;
    size_t bytes = draw(2) ? next.len_bytes : 1 + draw((uint32_t)next.len_bytes);
    memcpy(world.peer.bytes + world.peer.len, next.data, bytes);
    world.peer.len += bytes;
    size_t before = world.received;
    unsigned finished = th_outbox_sent(&world.outbox, bytes, 1);
    while (peer_takes())
        ;
    assert_int_equal(world.received - before, finished);
}

static void reconnect(unsigned aliases)
{
    memset(world.peer.topics, 0, sizeof world.peer.topics);
    world.peer.len = 0;
    world.peer.most = aliases;
    world.limits.topic_alias_maximum = (uint16_t)aliases;
    th_outbox_rewind(&world.outbox);
    th_outbox_resume(&world.outbox, true, &world.limits);
}

static void run(uint64_t seed, unsigned aliases, uint32_t packet_max_bytes)
{
    memset(&world, 0, sizeof world);
    world.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    world.limits = (struct th_outbox_limits){packet_max_bytes, UINT16_MAX, 2, true, 0};
    assert_int_equal(th_outbox_open(&world.outbox, world.block, sizeof world.block, 0, NULL), 0);
    th_outbox_lend_piece(&world.outbox, world.piece, PIECE_BYTES - seed % 3 * 390);
    th_outbox_lend_aliases(&world.outbox, world.aliases, ALIAS_BYTES);
    reconnect(aliases);
    while (world.received < 20000) {
        if (draw(3))
            queue();
        else
            send_some();
        if (!draw(3000))
            reconnect(aliases);
        check();
    }
    printf("%u aliases: %zu of %zu messages without their topic, %zu of %zu bytes\n", aliases,
           world.peer.aliased, world.peer.packets, world.peer.packet_bytes, world.plain_bytes);
}

static void test_every_message_keeps_its_topic(void **state)
{
    (void)state;
    for (unsigned aliases = 1; aliases <= 20; aliases += aliases < 4 ? 1 : 4) {
        run(aliases, aliases, UINT32_MAX);
        assert_true(world.peer.aliased > 300 * (aliases < 5 ? aliases : 5));
    }
}

static void test_no_packet_grows_beyond_what_the_broker_takes(void **state)
{
    (void)state;
    run(1, 5, 2432); /* the largest there is, to the byte */
    assert_true(world.peer.aliased > 2000);
}

static void test_no_alias_without_permission(void **state)
{
    (void)state;
    run(3, 0, UINT32_MAX);
    assert_int_equal(world.peer.aliased, 0);
    assert_true(world.outbox.aliases.used_bytes == 0);
}

/* ---- the table ------------------------------------------------------------------------------- */

static struct th_mqtt_aliases table;
static uint8_t table_memory[64];
static bool known;

static unsigned choose(const char *topic)
{
    struct th_slice text = {(const uint8_t *)topic, strlen(topic)};
    return th_mqtt_alias_choose(&table, text, 3, &known);
}

static void expect(const char *topic, unsigned alias, bool is_known)
{
    assert_int_equal(choose(topic), alias);
    assert_int_equal(known, is_known);
}

static void test_least_recently_used_makes_room(void **state)
{
    (void)state;
    table = (struct th_mqtt_aliases){.memory = table_memory, .bytes = sizeof table_memory};
    expect("a", 1, false);
    expect("b", 2, false);
    expect("c", 3, false);
    expect("a", 1, true);
    expect("d", 2, false);
    expect("a", 1, true);
    expect("b", 3, false);
    expect("c", 2, false);
    expect("c", 2, true);
}

static void test_long_topics_displace_as_many_as_they_must(void **state)
{
    (void)state;
    table = (struct th_mqtt_aliases){.memory = table_memory, .bytes = sizeof table_memory};
    expect("a", 1, false);
    expect("b", 2, false);
    expect("0123456789012345678901234567890123456789012345678901234", 1, false);
    expect("b", 2, true);
    expect("012345678901234567890123456789012345678901234567890123456789", 1, false);
    assert_int_equal(table.used_bytes, sizeof table_memory);
    expect("0123456789012345678901234567890123456789012345678901234567890", 0, false);
    assert_int_equal(table.used_bytes, sizeof table_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_message_keeps_its_topic),
        cmocka_unit_test(test_no_packet_grows_beyond_what_the_broker_takes),
        cmocka_unit_test(test_no_alias_without_permission),
        cmocka_unit_test(test_least_recently_used_makes_room),
        cmocka_unit_test(test_long_topics_displace_as_many_as_they_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "wire.h"

#include "mqtt/decode.h"
#include "mqtt/property.h"

/* `payload` bytes at the end are not the decoder's: they stream. */
static const struct good {
    int version;
    uint8_t type;
    size_t payload;
    const char *packet;
} goods[] = {
    {4, TH_MQTT_CONNACK, 0, "20 02 00 00"},
    {4, TH_MQTT_CONNACK, 0, "20 02 01 00"},
    {4, TH_MQTT_CONNACK, 0, "20 02 00 05"},
    {4, TH_MQTT_PUBLISH, 0, "30 03 0001'a'"},
    {4, TH_MQTT_PUBLISH, 2, "30 05 0001'a' 'hi'"},
    {4, TH_MQTT_PUBLISH, 2, "31 07 0003'a/b' 'hi'"},
    {4, TH_MQTT_PUBLISH, 2, "32 07 0001'a' 000a 'hi'"},
    {4, TH_MQTT_PUBLISH, 2, "3d 07 0001'a' ffff 'hi'"},
    {4, TH_MQTT_PUBLISH, 0, "34 06 0002c3a9 0001"},
    {4, TH_MQTT_PUBLISH, 0, "32 07 0003'$/a' 0001"},
    {4, TH_MQTT_PUBACK, 0, "40 02 0001"},
    {4, TH_MQTT_PUBREC, 0, "50 02 1234"},
    {4, TH_MQTT_PUBREL, 0, "62 02 ffff"},
    {4, TH_MQTT_PUBCOMP, 0, "70 02 0100"},
    {4, TH_MQTT_SUBACK, 0, "90 03 0001 00"},
    {4, TH_MQTT_SUBACK, 0, "90 06 0001 00010280"},
    {4, TH_MQTT_UNSUBACK, 0, "b0 02 0001"},
    {4, TH_MQTT_PINGRESP, 0, "d0 00"},

    {5, TH_MQTT_CONNACK, 0, "20 03 00 00 00"},
    {5, TH_MQTT_CONNACK, 0, "20 03 01 00 00"},
    {5, TH_MQTT_CONNACK, 0, "20 02 00 01"},
    {5, TH_MQTT_CONNACK, 0, "20 0b 00 87 08 1f 0005'sorry'"},
    {5, TH_MQTT_CONNACK, 0,
     "20 4b 00 00 48 1100000e10 210014 2401 2501 2700100000 120004'auto' 22000a"
     "1f0002'ok' 260001'k'0001'v' 260001'k'0001'v' 2801 2901 2a00 13003c 1a0001'r' 1c0001's'"
     "150001'm' 160002ff00"},
    {5, TH_MQTT_PUBLISH, 2, "30 06 0001'a' 00 'hi'"},
    {5, TH_MQTT_PUBLISH, 0, "30 07 0001'a' 03 230001"},
    {5, TH_MQTT_PUBLISH, 1, "30 07 0000 03 230001 'x'"},
    {5, TH_MQTT_PUBLISH, 2,
     "3b 31 0003'a/b' 000a 27 0101 020000003c 030004'text' 080002're' 09000200ff 230005"
     "0b8001 0b01 260001'k'0001'v' 'hi'"},
    {5, TH_MQTT_PUBACK, 0, "40 02 0001"},
    {5, TH_MQTT_PUBACK, 0, "40 03 0001 10"},
    {5, TH_MQTT_PUBACK, 0, "40 04 0001 00 00"},
    {5, TH_MQTT_PUBREC, 0, "50 09 0001 97 05 1f0002'no'"},
    {5, TH_MQTT_PUBREL, 0, "62 03 0001 92"},
    {5, TH_MQTT_PUBCOMP, 0, "70 0b 0001 92 07 260001'k'0001'v'"},
    {5, TH_MQTT_SUBACK, 0, "90 04 0001 00 00"},
    {5, TH_MQTT_SUBACK, 0, "90 0e 0001 05 1f0002'ok' 00010287a1a2"},
    {5, TH_MQTT_UNSUBACK, 0, "b0 05 0001 00 0011"},
    {5, TH_MQTT_PINGRESP, 0, "d0 00"},
    {5, TH_MQTT_DISCONNECT, 0, "e0 00"},
    {5, TH_MQTT_DISCONNECT, 0, "e0 01 8b"},
    {5, TH_MQTT_DISCONNECT, 0, "e0 02 8e 00"},
    {5, TH_MQTT_DISCONNECT, 0, "e0 0e 9d 0c 1c0004'else' 1f0002'go'"},
    {5, TH_MQTT_AUTH, 0, "f0 00"},
    {5, TH_MQTT_AUTH, 0, "f0 06 00 04 150001'm'"},
    {5, TH_MQTT_AUTH, 0, "f0 0c 18 0a 150001'm' 160003 000102"},
};

static const struct bad {
    int version;
    const char *packet;
    const char *rule; /* must be part of the problem */
} bads[] = {
    /* what a client sends, or nobody */
    {4, "00 00", "of this type"},
    {4, "10 00", "of this type"},
    {4, "82 06 0001 0001'a'00", "of this type"},
    {4, "a2 05 0001 0001'a'", "of this type"},
    {4, "c0 00", "of this type"},
    {4, "e0 00", "of this type"},
    {4, "f0 00", "of this type"},
    {5, "00 00", "of this type"},
    {5, "10 00", "of this type"},
    {5, "82 07 0001 00 0001'a'00", "of this type"},
    {5, "a2 06 0001 00 0001'a'", "of this type"},
    {5, "c0 00", "of this type"},

    /* flags of the fixed header */
    {4, "21 02 00 00", "reserved flags"},
    {4, "41 02 0001", "reserved flags"},
    {4, "52 02 0001", "reserved flags"},
    {4, "60 02 0001", "reserved flags"},
    {4, "63 02 0001", "reserved flags"},
    {4, "6a 02 0001", "reserved flags"},
    {4, "72 02 0001", "reserved flags"},
    {4, "92 03 0001 00", "reserved flags"},
    {4, "b2 02 0001", "reserved flags"},
    {4, "d1 00", "reserved flags"},
    {5, "e1 00", "reserved flags"},
    {5, "f8 00", "reserved flags"},
    {4, "36 07 0001'a' 0001 'hi'", "QoS is 3"},
    {4, "3f 07 0001'a' 0001 'hi'", "QoS is 3"},
    {5, "37 08 0001'a' 0001 00 'hi'", "QoS is 3"},
    {4, "38 05 0001'a' 'hi'", "DUP"},
    {5, "39 06 0001'a' 00 'hi'", "DUP"},

    /* remaining length */
    {4, "30 8080808001", "four bytes"},
    {4, "30 ffffffff7f", "four bytes"},
    {4, "30 ffffffff", "four bytes"},
    {4, "30 8500 0001'a' 'hi'", "longer than it must be"},
    {4, "30 858000 0001'a' 'hi'", "longer than it must be"},
    {4, "30 85808000 0001'a' 'hi'", "longer than it must be"},
    {4, "d0 8000", "longer than it must be"},
    {4, "d0 01 00", "too long"},
    {4, "d0 ffffff7f", "too long"},
    {4, "20 01 00", "too short"},
    {4, "20 00", "too short"},
    {4, "20 03 00 00 00", "too long"},
    {4, "40 00", "too short"},
    {4, "40 01 00", "too short"},
    {4, "40 03 0001 00", "too long"},
    {4, "50 03 0001 00", "too long"},
    {4, "62 04 0001 00 00", "too long"},
    {4, "70 ffffff7f", "too long"},
    {4, "90 02 0001", "too short"},
    {4, "90 01 00", "too short"},
    {4, "b0 03 0001 00", "too long"},
    {4, "b0 00", "too short"},
    {4, "30 00", "too short"},
    {4, "30 02 0000", "too short"},

    /* packet identifiers */
    {4, "40 02 0000", "identifier is 0"},
    {4, "50 02 0000", "identifier is 0"},
    {4, "62 02 0000", "identifier is 0"},
    {4, "70 02 0000", "identifier is 0"},
    {4, "90 03 0000 00", "identifier is 0"},
    {4, "b0 02 0000", "identifier is 0"},
    {4, "32 07 0001'a' 0000 'hi'", "identifier is 0"},
    {5, "34 08 0001'a' 0000 00 'hi'", "identifier is 0"},

    /* topics */
    {4, "30 04 0000 'hi'", "no alias"},
    {5, "30 05 0000 00 'hi'", "no alias"},
    {4, "30 05 0004'a' 'hi'", "beyond the end"},
    {4, "30 05 ffff'a' 'hi'", "beyond the end"},
    {4, "32 03 0001'a'", "beyond the end"},
    {4, "32 04 0001'a' 00", "beyond the end"},
    {5, "30 03 0001'a'", "beyond the end"},
    {4, "30 05 0001'#' 'hi'", "'#'"},
    {4, "30 07 0003'a/+' 'hi'", "'+'"},
    {4, "30 07 0003'a'00'b' 'hi'", "UTF-8"},
    {4, "30 05 0003eda080", "UTF-8"},
    {4, "30 05 0003edbfbf", "UTF-8"},
    {4, "30 04 0002c080", "UTF-8"},
    {4, "30 05 0003e08080", "UTF-8"},
    {4, "30 06 0004f4908080", "UTF-8"},
    {4, "30 03 0001ff", "UTF-8"},
    {4, "30 03 0001c3", "UTF-8"},

    /* CONNACK */
    {4, "20 02 02 00", "acknowledge flags"},
    {4, "20 02 81 00", "acknowledge flags"},
    {4, "20 02 00 06", "reason code"},
    {4, "20 02 00 ff", "reason code"},
    {4, "20 02 00 80", "reason code"},
    {4, "20 02 01 01", "session is present"},
    {5, "20 03 fe 00 00", "acknowledge flags"},
    {5, "20 03 00 01 00", "reason code"},
    {5, "20 03 00 05 00", "reason code"},
    {5, "20 03 00 8b 00", "reason code"},
    {5, "20 03 01 87 00", "session is present"},
    {5, "20 02 00 00", "beyond the end"},
    {5, "20 02 01 01", "reason code"},
    {5, "20 02 00 02", "reason code"},
    {5, "20 04 00 00 00 00", "bytes are left"},

    /* reason codes */
    {5, "40 03 0001 01", "reason code"},
    {5, "40 03 0001 92", "reason code"},
    {5, "50 03 0001 81", "reason code"},
    {5, "62 03 0001 80", "reason code"},
    {5, "62 03 0001 10", "reason code"},
    {5, "70 03 0001 91", "reason code"},
    {5, "e0 01 04", "reason code"},
    {5, "e0 01 01", "reason code"},
    {5, "e0 01 84", "reason code"},
    {5, "f0 06 19 04 150001'm'", "reason code"},
    {5, "f0 06 80 04 150001'm'", "reason code"},
    {4, "90 03 0001 03", "reason code"},
    {4, "90 04 0001 00 7f", "reason code"},
    {4, "90 03 0001 87", "reason code"},
    {5, "90 04 0001 00 03", "reason code"},
    {5, "90 05 0001 00 00 10", "reason code"},
    {5, "90 03 0001 00", "no reason code"},
    {5, "b0 03 0001 00", "no reason code"},
    {5, "b0 04 0001 00 01", "reason code"},

    /* property lists and what follows them */
    {5, "b0 02 0001", "beyond the end"},
    {5, "90 04 0001 05 00", "beyond the end"},
    {5, "90 07 0001 ffffff7f 00", "beyond the end"},
    {5, "90 07 0001 ffffffff 00", "four bytes"},
    {5, "90 05 0001 8000 00", "longer than it must be"},
    {5, "40 05 0001 00 00 00", "bytes are left"},
    {5, "e0 03 8b 00 00", "bytes are left"},
    {5, "f0 07 00 04 150001'm' 00", "bytes are left"},
    {5, "e0 07 8b 05 1100000001", "not allowed in this packet"},
    {5, "f0 01 18", "beyond the end"},
    {5, "f0 02 18 00", "authentication method"},
    {5, "f0 07 18 05 1600020001", "authentication method"},
    {5, "30 09 0000 03 230000 'hi'", "value that is not allowed"},
    {5, "30 0c 0000 06 230001 230001 'x'", "appears twice"},
    {5, "30 06 0001'a' 02 0b00", "value that is not allowed"},
    {5, "30 08 0001'a' 04 080001ff", "UTF-8"},
    {5, "20 06 00 00 03 210000", "value that is not allowed"},
    {5, "20 08 00 00 05 2700000000", "value that is not allowed"},
    {5, "20 05 00 00 02 2402", "value that is not allowed"},
    {5, "20 05 00 00 02 2b00", "unknown"},
    {5, "20 05 00 00 02 0001", "unknown"},
    {5, "20 05 00 00 02 a400", "unknown"},
    {5, "20 05 00 00 02 2100", "beyond the end"},
    {5, "20 07 00 00 04 1f0002'x'", "beyond the end"},
    {5, "20 07 00 00 04 1f0001ff", "UTF-8"},
    {5, "20 0a 00 00 07 260001'k'0001 00", "UTF-8"},
};

struct outcome {
    int result;
    struct th_mqtt_packet packet;
};

static struct outcome decode(const uint8_t *bytes, size_t len, int version)
{
    struct outcome outcome;

    memset(&outcome, 0xa5, sizeof outcome);
    outcome.result = th_mqtt_decode(at_the_edge(bytes, len), len, version, &outcome.packet);
    return outcome;
}

static bool inside(struct th_slice slice, const uint8_t *bytes, size_t len)
{
    return !slice.len_bytes ||
           (slice.data >= bytes && slice.len_bytes <= (size_t)(bytes + len - slice.data));
}

/* What holds for any bytes at all. */
static void check_outcome(const struct outcome *outcome, const uint8_t *bytes, size_t len)
{
    const struct th_mqtt_packet *packet = &outcome->packet;

    if (outcome->result < 0) {
        assert_int_equal(outcome->result, TH_E_PROTOCOL);
        assert_non_null(packet->problem);
        return;
    }
    assert_null(packet->problem);
    assert_true((size_t)outcome->result <= len);
    if (outcome->result == 0) {
        assert_true(packet->need_bytes > len);
        assert_true(packet->need_bytes <= TH_MQTT_PACKET_MAX_BYTES);
        return;
    }
    assert_int_equal(packet->need_bytes, 0);
    assert_true(inside(packet->codes, bytes, len));
    assert_true(inside(packet->properties.raw, bytes, len));
    assert_true(inside(packet->publish.topic, bytes, len));
}

static void good_packets_are_consumed_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(goods); i++) {
        struct wire wire = wire_of(goods[i].packet);
        struct outcome outcome = decode(wire.bytes, wire.len, goods[i].version);
        if (outcome.result != (int)(wire.len - goods[i].payload))
            fail_msg("%s: %d (%s)", goods[i].packet, outcome.result,
                     outcome.result < 0 ? outcome.packet.problem : "");
        assert_int_equal(outcome.packet.type, goods[i].type);
        assert_int_equal(outcome.packet.publish.payload_bytes, goods[i].payload);
    }
}

static void every_prefix_is_incomplete(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(goods); i++) {
        struct wire wire = wire_of(goods[i].packet);
        size_t whole = wire.len - goods[i].payload;
        size_t steps = 0;
        for (size_t k = 0; k < whole; k++) {
            struct outcome outcome = decode(wire.bytes, k, goods[i].version);
            if (outcome.result != 0 || outcome.packet.problem)
                fail_msg("%s cut at %zu: %d", goods[i].packet, k, outcome.result);
            assert_true(outcome.packet.need_bytes > k);
            assert_true(outcome.packet.need_bytes <= whole);
        }
        for (size_t k = 0; k < whole; steps++)
            k = decode(wire.bytes, k, goods[i].version).packet.need_bytes;
        assert_true(steps <= 7);
    }
}

static void what_follows_a_packet_is_not_looked_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(goods); i++) {
        struct wire wire = wire_of(goods[i].packet);
        int whole = (int)(wire.len - goods[i].payload);
        for (unsigned filler = 0; filler < 256; filler += 85) {
            memset(wire.bytes + whole, (int)filler, 16);
            struct outcome outcome = decode(wire.bytes, (size_t)whole + 16, goods[i].version);
            assert_int_equal(outcome.result, whole);
            assert_int_equal(outcome.packet.publish.payload_bytes, goods[i].payload);
        }
    }
}

static void malformed_packets_are_refused_by_their_rule(void **state)
{
    (void)state;
    assert_true(COUNT_OF(bads) >= 80);
    for (size_t i = 0; i < COUNT_OF(bads); i++) {
        struct wire wire = wire_of(bads[i].packet);
        struct outcome outcome = decode(wire.bytes, wire.len, bads[i].version);
        if (outcome.result != TH_E_PROTOCOL)
            fail_msg("v%d %s: result %d", bads[i].version, bads[i].packet, outcome.result);
        if (!strstr(outcome.packet.problem, bads[i].rule))
            fail_msg("v%d %s: \"%s\"", bads[i].version, bads[i].packet, outcome.packet.problem);
    }
}

static void no_prefix_of_a_malformed_packet_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bads); i++) {
        struct wire wire = wire_of(bads[i].packet);
        bool refused = false;
        for (size_t k = 0; k <= wire.len; k++) {
            struct outcome outcome = decode(wire.bytes, k, bads[i].version);
            check_outcome(&outcome, wire.bytes, k);
            assert_true(outcome.result <= 0);
            assert_false(refused && outcome.result == 0);
            refused = outcome.result < 0;
        }
    }
}

static void flipped_bits_never_break_the_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(goods); i++)
        for (int version = 4; version <= 5; version++) {
            struct wire wire = wire_of(goods[i].packet);
            for (size_t bit = 0; bit < wire.len * 8; bit++) {
                wire.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
                for (size_t k = 0; k <= wire.len; k++) {
                    const uint8_t *edge = at_the_edge(wire.bytes, k);
                    struct outcome outcome;
                    outcome.result = th_mqtt_decode(edge, k, version, &outcome.packet);
                    check_outcome(&outcome, edge, k);
                }
                wire.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            }
        }
}

static void two_of_any_first_bytes_never_break_the_bounds(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 65536; first++) {
        uint8_t bytes[6] = {(uint8_t)(first >> 8), (uint8_t)first, 0, 1, 0, 0};
        for (size_t k = 0; k <= sizeof bytes; k++) {
            const uint8_t *edge = at_the_edge(bytes, k);
            struct outcome outcome;
            outcome.result = th_mqtt_decode(edge, k, 4 + (first & 1), &outcome.packet);
            check_outcome(&outcome, edge, k);
        }
    }
}

/* ---- a stream of packets through a window ------------------------------------------------- */

/* What a reader of a stream notes: results, topics and payload, whatever the pieces were. */
struct notes {
    uint8_t bytes[8192];
    size_t len;
};

struct stream {
    int version;
    uint8_t window[256];
    size_t filled;
    size_t payload_left;
    struct notes notes;
};

static void note(struct notes *notes, const void *data, size_t len)
{
    assert_true(notes->len + len <= sizeof notes->bytes);
    if (len)
        memcpy(notes->bytes + notes->len, data, len);
    notes->len += len;
}

static void drop(struct stream *stream, size_t bytes)
{
    stream->filled -= bytes;
    memmove(stream->window, stream->window + bytes, stream->filled);
}

static void take_payload(struct stream *stream)
{
    size_t bytes = stream->payload_left < stream->filled ? stream->payload_left : stream->filled;

    note(&stream->notes, stream->window, bytes);
    stream->payload_left -= bytes;
    drop(stream, bytes);
}

static bool take_packet(struct stream *stream)
{
    struct th_mqtt_packet packet;
    int taken = th_mqtt_decode(stream->window, stream->filled, stream->version, &packet);

    assert_true(taken >= 0);
    if (taken == 0)
        return false;
    note(&stream->notes, &packet.type, 1);
    note(&stream->notes, &packet.packet_id, sizeof packet.packet_id);
    note(&stream->notes, &packet.reason, 1);
    note(&stream->notes, packet.codes.data, packet.codes.len_bytes);
    note(&stream->notes, packet.publish.topic.data, packet.publish.topic.len_bytes);
    note(&stream->notes, packet.properties.raw.data, packet.properties.raw.len_bytes);
    stream->payload_left = packet.publish.payload_bytes;
    drop(stream, (size_t)taken);
    return true;
}

static void feed(struct stream *stream, const uint8_t *bytes, size_t len)
{
    while (len) {
        size_t piece = sizeof stream->window - stream->filled;
        piece = len < piece ? len : piece;
        memcpy(stream->window + stream->filled, bytes, piece);
        stream->filled += piece;
        bytes += piece;
        len -= piece;
        do
            take_payload(stream);
        while (take_packet(stream));
    }
    take_payload(stream);
}

static size_t all_packets(int version, uint8_t *to)
{
    size_t len = 0;

    for (size_t i = 0; i < COUNT_OF(goods); i++) {
        struct wire wire = wire_of(goods[i].packet);
        if (goods[i].version != version)
            continue;
        memcpy(to + len, wire.bytes, wire.len);
        len += wire.len;
    }
    return len;
}

static void check_stream(struct stream *stream, const struct notes *expected)
{
    assert_int_equal(stream->filled, 0);
    assert_int_equal(stream->payload_left, 0);
    assert_int_equal(stream->notes.len, expected->len);
    assert_memory_equal(stream->notes.bytes, expected->bytes, expected->len);
}

static void the_result_does_not_depend_on_the_split(void **state)
{
    static struct stream whole, cut;
    static uint8_t bytes[4096];

    (void)state;
    for (int version = 4; version <= 5; version++) {
        size_t len = all_packets(version, bytes);
        whole = (struct stream){.version = version};
        feed(&whole, bytes, len);
        check_stream(&whole, &whole.notes);
        for (size_t k = 0; k <= len; k++) {
            cut = (struct stream){.version = version};
            feed(&cut, bytes, k);
            feed(&cut, bytes + k, len - k);
            check_stream(&cut, &whole.notes);
        }
        for (size_t piece = 1; piece <= len; piece++) {
            cut = (struct stream){.version = version};
            for (size_t at = 0; at < len; at += piece)
                feed(&cut, bytes + at, piece < len - at ? piece : len - at);
            check_stream(&cut, &whole.notes);
        }
    }
}

/* ---- fields ------------------------------------------------------------------------------- */

static struct wire kept;

static struct th_mqtt_packet decoded(int version, const char *text)
{
    struct th_mqtt_packet packet;

    kept = wire_of(text);
    assert_true(th_mqtt_decode(kept.bytes, kept.len, version, &packet) > 0);
    return packet;
}

static void assert_text(struct th_slice slice, const char *text)
{
    assert_int_equal(slice.len_bytes, strlen(text));
    assert_memory_equal(slice.data, text, slice.len_bytes);
}

static void connack_fields(void **state)
{
    (void)state;
    struct th_mqtt_packet packet = decoded(4, "20 02 01 00");
    assert_true(packet.session_present);
    assert_int_equal(packet.reason, 0);

    packet = decoded(4, "20 02 00 05");
    assert_false(packet.session_present);
    assert_int_equal(packet.reason, 5);

    struct th_property property;
    packet = decoded(5, "20 0b 00 87 08 1f 0005'sorry'");
    assert_int_equal(packet.reason, 0x87);
    assert_int_equal(th_property_next(&packet.properties, &property), 1);
    assert_int_equal(property.id, TH_PROPERTY_REASON_STRING);
    assert_text(property.text, "sorry");
    assert_int_equal(th_property_next(&packet.properties, &property), 0);
}

static void a_server_that_only_speaks_3_1_1_is_understood(void **state)
{
    (void)state;
    struct th_mqtt_packet packet = decoded(5, "20 02 00 01");
    assert_int_equal(packet.reason, TH_MQTT_UNSUPPORTED_VERSION);
    assert_int_equal(packet.properties.raw.len_bytes, 0);
}

static void publish_fields(void **state)
{
    (void)state;
    struct th_mqtt_packet packet = decoded(4, "3d 0a 0003'a/b' abcd 'hey'");
    assert_int_equal(packet.type, TH_MQTT_PUBLISH);
    assert_text(packet.publish.topic, "a/b");
    assert_int_equal(packet.publish.qos, 2);
    assert_true(packet.publish.dup);
    assert_true(packet.publish.retain);
    assert_int_equal(packet.packet_id, 0xabcd);
    assert_int_equal(packet.publish.payload_bytes, 3);

    packet = decoded(4, "30 05 0001'a' 'hi'");
    assert_int_equal(packet.publish.qos, 0);
    assert_false(packet.publish.dup);
    assert_false(packet.publish.retain);
    assert_int_equal(packet.packet_id, 0);

    packet = decoded(5, "32 0a 0000 0102 03 231234 'hi'");
    assert_int_equal(packet.publish.topic.len_bytes, 0);
    assert_int_equal(packet.publish.topic_alias, 0x1234);
    assert_int_equal(packet.publish.qos, 1);
    assert_int_equal(packet.packet_id, 0x0102);
    assert_int_equal(packet.publish.payload_bytes, 2);
}

static void acknowledgement_fields(void **state)
{
    (void)state;
    struct th_mqtt_packet packet = decoded(5, "50 09 1234 97 05 1f0002'no'");
    assert_int_equal(packet.packet_id, 0x1234);
    assert_int_equal(packet.reason, 0x97);
    assert_int_equal(packet.properties.raw.len_bytes, 5);

    packet = decoded(5, "40 02 0001");
    assert_int_equal(packet.reason, 0);
    assert_int_equal(packet.properties.raw.len_bytes, 0);

    packet = decoded(4, "90 06 0102 00010280");
    assert_int_equal(packet.packet_id, 0x0102);
    assert_int_equal(packet.codes.len_bytes, 4);
    assert_int_equal(packet.codes.data[3], 0x80);

    packet = decoded(5, "b0 05 0001 00 0011");
    assert_int_equal(packet.codes.len_bytes, 2);
    assert_int_equal(packet.codes.data[1], 0x11);
}

static void disconnect_and_auth_fields(void **state)
{
    struct th_property property;

    (void)state;
    struct th_mqtt_packet packet = decoded(5, "e0 0e 9d 0c 1c0004'else' 1f0002'go'");
    assert_int_equal(packet.reason, 0x9d);
    assert_int_equal(
        th_property_find(packet.properties, TH_PROPERTY_SERVER_REFERENCE, &property), 1);
    assert_text(property.text, "else");

    packet = decoded(5, "f0 0c 18 0a 150001'm' 160003 000102");
    assert_int_equal(packet.reason, TH_MQTT_CONTINUE_AUTHENTICATION);
    assert_int_equal(
        th_property_find(packet.properties, TH_PROPERTY_AUTHENTICATION_DATA, &property), 1);
    assert_int_equal(property.text.len_bytes, 3);
}

/* ---- sizes -------------------------------------------------------------------------------- */

static size_t needed(int version, const char *text)
{
    struct wire wire = wire_of(text);
    struct outcome outcome = decode(wire.bytes, wire.len, version);

    assert_int_equal(outcome.result, 0);
    return outcome.packet.need_bytes;
}

static void what_can_never_fit_is_known_at_once(void **state)
{
    (void)state;
    assert_int_equal(needed(5, "90 ffffff7f"), TH_MQTT_PACKET_MAX_BYTES);
    assert_int_equal(needed(5, "20 808004"), 4 + 65536);
    assert_int_equal(needed(4, "30 ffffff7f fff0"), 5 + 2 + 0xfff0);
    assert_int_equal(needed(5, "30 ffffff7f 0001'a' ffff7e"), 5 + 3 + 3 + 0x1fbfff);
    assert_int_equal(needed(4, "40 02"), 4);
    assert_int_equal(needed(4, "32 07 0001'a'"), 7);
}

static void the_largest_payload_streams(void **state)
{
    (void)state;
    struct wire wire = wire_of("30 ffffff7f 0001'a'");
    struct outcome outcome = decode(wire.bytes, wire.len, 4);
    assert_int_equal(outcome.result, 8);
    assert_int_equal(outcome.packet.publish.payload_bytes, TH_MQTT_REMAINING_MAX_BYTES - 3);
}

static void no_bytes_are_incomplete(void **state)
{
    struct th_mqtt_packet packet;

    (void)state;
    assert_int_equal(th_mqtt_decode(NULL, 0, 4, &packet), 0);
    assert_true(packet.need_bytes > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_packets_are_consumed_whole),
        cmocka_unit_test(every_prefix_is_incomplete),
        cmocka_unit_test(what_follows_a_packet_is_not_looked_at),
        cmocka_unit_test(malformed_packets_are_refused_by_their_rule),
        cmocka_unit_test(no_prefix_of_a_malformed_packet_is_accepted),
        cmocka_unit_test(flipped_bits_never_break_the_bounds),
        cmocka_unit_test(two_of_any_first_bytes_never_break_the_bounds),
        cmocka_unit_test(the_result_does_not_depend_on_the_split),
        cmocka_unit_test(connack_fields),
        cmocka_unit_test(a_server_that_only_speaks_3_1_1_is_understood),
        cmocka_unit_test(publish_fields),
        cmocka_unit_test(acknowledgement_fields),
        cmocka_unit_test(disconnect_and_auth_fields),
        cmocka_unit_test(what_can_never_fit_is_known_at_once),
        cmocka_unit_test(the_largest_payload_streams),
        cmocka_unit_test(no_bytes_are_incomplete),
    };
    return cmocka_run_group_tests_name("mqtt/decode", tests, NULL, NULL);
}

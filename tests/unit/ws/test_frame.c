#include "../mqtt/wire.h"

#include "ws/frame.h"

#include <stdlib.h>

static const uint8_t mask[TH_WS_MASK_BYTES] = {0x37, 0xfa, 0x21, 0x3d};

static struct th_ws_header header_of(const char *text)
{
    struct wire wire = wire_of(text);
    struct th_ws_header header = {.got = 0};
    for (size_t i = 0; i < wire.len; i++) {
        assert_true(th_ws_header_missing(&header) > 0);
        header.bytes[header.got++] = wire.bytes[i];
    }
    return header;
}

/* RFC 6455 section 5.7. */
static void writes_masked_frames(void **state)
{
    (void)state;
    uint8_t frame[TH_WS_HEADER_BYTES + 5];
    struct wire expected = wire_of("82 85 37fa213d 7f9f4d5158");
    assert_int_equal(th_ws_frame_put(frame, TH_WS_BINARY, (const uint8_t *)"Hello", 5, mask),
                     expected.len);
    assert_memory_equal(frame, expected.bytes, expected.len);
    assert_int_equal(th_ws_frame_put(frame, TH_WS_PONG, NULL, 0, mask), 6);
    assert_memory_equal(frame, "\x8a\x80\x37\xfa\x21\x3d", 6);
}

static void writes_lengths_of_one_and_of_two_bytes(void **state)
{
    (void)state;
    static const uint8_t none[4];
    static const size_t lengths[] = {125, 126, 65535};
    static const char *const headers[] = {"82 fd", "82 fe 007e", "82 fe ffff"};
    uint8_t *payload = calloc(1, 65535), *frame = malloc(65535 + TH_WS_HEADER_BYTES);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        struct wire header = wire_of(headers[i]);
        size_t bytes = th_ws_frame_put(frame, TH_WS_BINARY, payload, lengths[i], none);
        assert_int_equal(bytes, header.len + 4 + lengths[i]);
        assert_memory_equal(frame, header.bytes, header.len);
    }
    free(payload);
    free(frame);
}

static void reads_headers_of_every_length(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"82 00", 0}, {"82 7d", 125}, {"82 7e 007e", 126}, {"82 7e ffff", 65535},
        {"82 7f 0000000000010000", 65536}, {"82 7f 7fffffffffffffff", INT64_MAX},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct th_ws_header header = header_of(cases[i].text);
        assert_int_equal(th_ws_header_missing(&header), 0);
        assert_int_equal(th_ws_header_opcode(&header), TH_WS_BINARY);
        assert_true(th_ws_header_is_final(&header));
        assert_true(th_ws_header_payload_bytes(&header) == cases[i].bytes);
        assert_null(th_ws_header_problem(&header, false));
    }
}

static void breaks(const char *text, bool continues, const char *rule)
{
    struct th_ws_header header = header_of(text);
    const char *problem = th_ws_header_problem(&header, continues);
    if (!problem || strcmp(problem, rule))
        fail_msg("%s: %s", text, problem ? problem : "no problem");
}

static void knows_what_a_server_may_not_send(void **state)
{
    (void)state;
    breaks("c2 00", false, "a reserved bit");
    breaks("a2 00", false, "a reserved bit");
    breaks("92 00", false, "a reserved bit");
    breaks("82 81", false, "a masked frame");
    breaks("81 00", false, "a text frame");
    breaks("83 00", false, "an unknown kind of frame");
    breaks("8b 00", false, "an unknown kind of frame");
    breaks("8f 00", false, "an unknown kind of frame");
    breaks("09 00", false, "a control frame in pieces");
    breaks("89 7e 007e", false, "a long control frame");
}

static void knows_the_order_of_pieces(void **state)
{
    (void)state;
    struct th_ws_header first = header_of("02 01"), next = header_of("00 01"),
                        last = header_of("80 01"), ping = header_of("89 01");
    assert_null(th_ws_header_problem(&first, false));
    assert_null(th_ws_header_problem(&next, true));
    assert_null(th_ws_header_problem(&last, true));
    assert_null(th_ws_header_problem(&ping, true));
    breaks("80 01", false, "a rest without a begin");
    breaks("82 01", true, "a message within a message");
    breaks("82 7f 8000000000000000", false, "a frame without end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_masked_frames),
        cmocka_unit_test(writes_lengths_of_one_and_of_two_bytes),
        cmocka_unit_test(reads_headers_of_every_length),
        cmocka_unit_test(knows_what_a_server_may_not_send),
        cmocka_unit_test(knows_the_order_of_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

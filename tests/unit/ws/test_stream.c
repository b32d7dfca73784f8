/* WebSocket over bytes of a script: what comes, in which pieces, and what can be taken. */
#include "../mqtt/wire.h"

#include "crypt/base64.h"
#include "crypt/sha1.h"
#include "ws/stream.h"

#include <stdlib.h>

enum { CELL_BYTES = 1024, TAPE_BYTES = 16384 };

struct tape {
    uint8_t bytes[TAPE_BYTES];
    size_t at, end;
};

static struct {
    struct tape in, out;
    size_t piece_bytes; /* the most that moves at a time */
    size_t room_bytes;  /* what can still be taken */
    bool ended;
} line;

static struct th_ws ws;
static struct th_fault fault;
static uint8_t *cell;

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int line_read(void *arg, uint8_t *buffer, size_t bytes)
{
    size_t given = least(least(bytes, line.piece_bytes), line.in.end - line.in.at);
    (void)arg;
    assert_true(bytes > 0);
    if (given == 0)
        return line.ended ? TH_E_CLOSED : TH_WANT_READ;
    memcpy(buffer, line.in.bytes + line.in.at, given);
    line.in.at += given;
    return (int)given;
}

static int line_write(void *arg, const uint8_t *data, size_t bytes)
{
    size_t taken = least(least(bytes, line.piece_bytes), line.room_bytes);
    (void)arg;
    assert_true(bytes > 0);
    if (taken == 0)
        return TH_WANT_WRITE;
    assert_true(line.out.end + taken <= TAPE_BYTES);
    memcpy(line.out.bytes + line.out.end, data, taken);
    line.out.end += taken;
    line.room_bytes -= taken;
    return (int)taken;
}

static void comes(const char *text)
{
    struct wire wire = wire_of(text);
    memcpy(line.in.bytes + line.in.end, wire.bytes, wire.len);
    line.in.end += wire.len;
}

/* ---- what was sent, unmasked ----------------------------------------------------------------- */

static uint8_t masks[2][4];
static unsigned masks_seen;

static size_t take_number(size_t bytes)
{
    size_t number = 0;
    while (bytes--)
        number = number << 8 | line.out.bytes[line.out.at++];
    return number;
}

/* The next frame is this; its mask is new. */
static void went(unsigned opcode, const void *payload, size_t bytes)
{
    assert_true(line.out.end - line.out.at >= 2);
    assert_int_equal(take_number(1), 0x80 | opcode);
    size_t length = take_number(1);
    assert_true(length & 0x80);
    length &= 0x7f;
    assert_true(length < 127);
    assert_int_equal(length == 126 ? take_number(2) : length, bytes);
    uint8_t *mask = masks[masks_seen++ % 2];
    memcpy(mask, line.out.bytes + line.out.at, 4);
    line.out.at += 4;
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(line.out.bytes[line.out.at + i] ^ mask[i % 4],
                         ((const uint8_t *)payload)[i]);
    line.out.at += bytes;
    assert_true(line.out.at <= line.out.end);
    if (masks_seen > 1)
        assert_memory_not_equal(masks[0], masks[1], 4);
}

static void went_text(unsigned opcode, const char *payload)
{
    went(opcode, payload, strlen(payload));
}

static void went_nothing_more(void)
{
    assert_int_equal(line.out.at, line.out.end);
}

/* ---- opening --------------------------------------------------------------------------------- */

static void prepare(void)
{
    static const struct th_ws_target target = {"broker.test", 80, "/mqtt"};
    static const struct th_ws_io io = {line_read, line_write, NULL};
    memset(&line, 0, sizeof line);
    memset(&fault, 0, sizeof fault);
    masks_seen = 0;
    line.piece_bytes = line.room_bytes = SIZE_MAX;
    cell = malloc(CELL_BYTES);
    assert_int_equal(th_ws_open(&ws, cell, CELL_BYTES, &target, &io, &fault), 0);
}

static void prove(char accept[TH_WS_ACCEPT_TEXT_BYTES])
{
    char text[128];
    uint8_t hash[TH_CRYPT_SHA1_BYTES];
    line.out.bytes[line.out.end] = '\0';
    const char *key = strstr((char *)line.out.bytes, "Key: ");
    assert_non_null(key);
    snprintf(text, sizeof text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + 5);
    th_crypt_sha1(text, strlen(text), hash);
    th_crypt_base64_encode(hash, sizeof hash, accept);
}

static void answer_upgrade(void)
{
    char accept[TH_WS_ACCEPT_TEXT_BYTES];
    prove(accept);
    line.in.end += (size_t)snprintf(
        (char *)line.in.bytes + line.in.end, 512,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
    line.out.at = line.out.end;
}

static void begin(void)
{
    prepare();
    assert_int_equal(th_ws_shake(&ws), TH_WANT_READ);
    answer_upgrade();
    assert_int_equal(th_ws_shake(&ws), 0);
    assert_true(ws.open);
    line.in.at = line.in.end = 0;
}

static void end(void)
{
    free(cell);
}

static void reads(const char *expected)
{
    uint8_t buffer[4096];
    size_t bytes = 0;
    int got = 1;
    for (; got > 0; bytes += got > 0 ? (size_t)got : 0)
        got = th_ws_read(&ws, buffer + bytes, sizeof buffer - bytes);
    if (got != TH_WANT_READ)
        fail_msg("%d: %s", got, fault.text);
    assert_int_equal(bytes, strlen(expected));
    assert_memory_equal(buffer, expected, bytes);
}

static void fails(int code, const char *sentence)
{
    uint8_t buffer[64];
    int got;
    while ((got = th_ws_read(&ws, buffer, sizeof buffer)) > 0)
        ;
    assert_int_equal(got, code);
    assert_int_equal(fault.code, code);
    if (!strstr(fault.text, sentence))
        fail_msg("%s", fault.text);
}

/* ---- the handshake --------------------------------------------------------------------------- */

static void opens_byte_by_byte(void **state)
{
    (void)state;
    prepare();
    line.piece_bytes = 1;
    line.room_bytes = 100;
    assert_int_equal(th_ws_shake(&ws), TH_WANT_WRITE);
    line.room_bytes = SIZE_MAX;
    assert_int_equal(th_ws_shake(&ws), TH_WANT_READ);
    answer_upgrade();
    comes("82 02 'ab'");
    assert_int_equal(th_ws_shake(&ws), 0);
    reads("ab");
    end();
}

static void a_wrong_proof_is_refused(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(th_ws_shake(&ws), TH_WANT_READ);
    answer_upgrade();
    line.in.bytes[line.in.end - 10] ^= 1;
    assert_int_equal(th_ws_shake(&ws), TH_E_PROTOCOL);
    assert_non_null(strstr(fault.text, "Sec-WebSocket-Accept"));
    assert_false(ws.open);
    end();
}

static void a_broker_that_hangs_up_is_asked_about(void **state)
{
    (void)state;
    prepare();
    line.ended = true;
    assert_int_equal(th_ws_shake(&ws), TH_E_CLOSED);
    assert_non_null(strstr(fault.text, "is the port one for WebSocket?"));
    end();
}

static void keys_differ(void **state)
{
    (void)state;
    char first[CELL_BYTES];
    prepare();
    memcpy(first, cell, CELL_BYTES);
    end();
    prepare();
    assert_memory_not_equal(strstr(first, "Key: "), strstr((char *)cell, "Key: "), 29);
    end();
}

/* ---- writing --------------------------------------------------------------------------------- */

static void each_write_is_a_frame(void **state)
{
    (void)state;
    begin();
    assert_int_equal(th_ws_write(&ws, (const uint8_t *)"one", 3), 3);
    assert_int_equal(th_ws_write(&ws, (const uint8_t *)"two", 3), 3);
    went_text(TH_WS_BINARY, "one");
    went_text(TH_WS_BINARY, "two");
    went_nothing_more();
    assert_int_equal(th_ws_flush(&ws), 0);
    end();
}

static void a_long_write_is_cut_to_the_cell(void **state)
{
    (void)state;
    uint8_t data[2000];
    const size_t most = CELL_BYTES - TH_WS_CONTROL_BYTES - TH_WS_HEADER_BYTES;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    begin();
    assert_int_equal(th_ws_write(&ws, data, sizeof data), most);
    went(TH_WS_BINARY, data, most);
    assert_int_equal(th_ws_write(&ws, data + most, 126), 126);
    went(TH_WS_BINARY, data + most, 126);
    end();
}

static void what_was_taken_waits_in_the_cell(void **state)
{
    (void)state;
    begin();
    line.room_bytes = 5;
    assert_int_equal(th_ws_write(&ws, (const uint8_t *)"first", 5), 5);
    assert_int_equal(th_ws_write(&ws, (const uint8_t *)"second", 6), TH_WANT_WRITE);
    assert_int_equal(th_ws_flush(&ws), TH_WANT_WRITE);
    line.room_bytes = SIZE_MAX;
    assert_int_equal(th_ws_flush(&ws), 0);
    assert_int_equal(th_ws_write(&ws, (const uint8_t *)"second", 6), 6);
    went_text(TH_WS_BINARY, "first");
    went_text(TH_WS_BINARY, "second");
    went_nothing_more();
    end();
}

static void says_goodbye_once(void **state)
{
    (void)state;
    begin();
    line.room_bytes = 3;
    assert_int_equal(th_ws_finish(&ws), TH_WANT_WRITE);
    line.room_bytes = SIZE_MAX;
    assert_int_equal(th_ws_finish(&ws), 0);
    assert_int_equal(th_ws_finish(&ws), 0);
    went(TH_WS_CLOSE, "\x03\xe8", 2);
    went_nothing_more();
    end();
}

/* ---- reading --------------------------------------------------------------------------------- */

static void reads_frames_and_pieces_of_them(void **state)
{
    (void)state;
    for (line.piece_bytes = 1; line.piece_bytes < 9; line.piece_bytes += 3) {
        size_t piece_bytes = line.piece_bytes;
        begin();
        line.piece_bytes = piece_bytes;
        comes("82 03 'abc' 02 02 'de' 00 00 00 01 'f' 80 7e 0003 'ghi'");
        comes("82 00 82 7f 0000000000000002 'jk'");
        reads("abcdefghijk");
        went_nothing_more();
        end();
        line.piece_bytes = piece_bytes;
    }
}

static void a_long_frame_comes_through_a_small_buffer(void **state)
{
    (void)state;
    uint8_t buffer[7];
    size_t bytes = 0;
    begin();
    comes("82 7e 0400");
    for (int i = 0; i < 1024; i++)
        line.in.bytes[line.in.end++] = (uint8_t)i;
    for (int got; (got = th_ws_read(&ws, buffer, sizeof buffer)) > 0; bytes += (size_t)got)
        for (int i = 0; i < got; i++)
            assert_int_equal(buffer[i], (uint8_t)(bytes + (size_t)i));
    assert_int_equal(bytes, 1024);
    end();
}

static void answers_pings_between_pieces(void **state)
{
    (void)state;
    begin();
    comes("02 01 'a' 89 04 'ping' 8a 05 'stray' 8a 00 89 00 80 01 'b'");
    reads("ab");
    went_text(TH_WS_PONG, "ping");
    went_text(TH_WS_PONG, "");
    went_nothing_more();
    end();
}

static void the_longest_ping_is_answered(void **state)
{
    (void)state;
    uint8_t payload[125];
    begin();
    comes("89 7d");
    memset(payload, 'p', sizeof payload);
    memcpy(line.in.bytes + line.in.end, payload, sizeof payload);
    line.in.end += sizeof payload;
    line.piece_bytes = 60;
    reads("");
    went(TH_WS_PONG, payload, sizeof payload);
    end();
}

static void only_the_latest_of_pings_that_had_to_wait_is_answered(void **state)
{
    (void)state;
    begin();
    line.room_bytes = 4;
    assert_int_equal(th_ws_write(&ws, (const uint8_t *)"data", 4), 4);
    comes("89 03 'one' 89 03 'two' 82 01 'x'");
    reads("x");
    line.room_bytes = SIZE_MAX;
    assert_int_equal(th_ws_write(&ws, (const uint8_t *)"more", 4), 4);
    went_text(TH_WS_BINARY, "data");
    went_text(TH_WS_PONG, "two");
    went_text(TH_WS_BINARY, "more");
    went_nothing_more();
    end();
}

static void a_close_frame_is_answered_and_ends_it(void **state)
{
    (void)state;
    begin();
    comes("82 01 'x' 88 06 03f1 'why?' 82 01 'y'");
    fails(TH_E_CLOSED, "the broker closed the WebSocket with status 1009");
    went(TH_WS_CLOSE, "\x03\xf1", 2);
    assert_int_equal(th_ws_finish(&ws), 0);
    went_nothing_more();
    fails(TH_E_CLOSED, "1009");
    end();
    begin();
    comes("88 00");
    fails(TH_E_CLOSED, "the broker closed the WebSocket with status 1005");
    went(TH_WS_CLOSE, "", 0);
    end();
}

static void the_answer_to_our_close_frame_needs_none(void **state)
{
    (void)state;
    begin();
    assert_int_equal(th_ws_finish(&ws), 0);
    went(TH_WS_CLOSE, "\x03\xe8", 2);
    comes("88 02 03e8");
    fails(TH_E_CLOSED, "1000");
    went_nothing_more();
    end();
}

static void what_a_server_may_not_send_ends_it(void **state)
{
    (void)state;
    static const struct {
        const char *frame;
        const char *problem;
    } cases[] = {
        {"81 02 'hi'", "the broker broke a rule of WebSocket: a text frame"},
        {"82 82 01020304 'hi'", "a masked frame"},
        {"c2 01", "a reserved bit"},
        {"89 7e 007e", "a long control frame"},
        {"09 00", "a control frame in pieces"},
        {"02 01 'a' 02 01 'b'", "a message within a message"},
        {"80 00", "a rest without a begin"},
        {"82 7f ffffffffffffffff", "a frame without end"},
        {"84 00", "an unknown kind of frame"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin();
        comes(cases[i].frame);
        fails(TH_E_PROTOCOL, cases[i].problem);
        end();
    }
}

static void a_flood_without_data_lets_others_have_their_turn(void **state)
{
    (void)state;
    uint8_t buffer[8];
    begin();
    for (int i = 0; i < 200; i++)
        comes("8a 00");
    assert_int_equal(th_ws_read(&ws, buffer, sizeof buffer), 0);
    while (th_ws_read(&ws, buffer, sizeof buffer) == 0)
        ;
    comes("82 02 'ab'");
    reads("ab");
    end();
}

static void what_fails_below_is_passed_on(void **state)
{
    (void)state;
    uint8_t buffer[8];
    begin();
    comes("82 05 'ab'");
    line.ended = true;
    assert_int_equal(th_ws_read(&ws, buffer, sizeof buffer), 2);
    assert_int_equal(th_ws_read(&ws, buffer, sizeof buffer), TH_E_CLOSED);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_byte_by_byte),
        cmocka_unit_test(a_wrong_proof_is_refused),
        cmocka_unit_test(a_broker_that_hangs_up_is_asked_about),
        cmocka_unit_test(keys_differ),
        cmocka_unit_test(each_write_is_a_frame),
        cmocka_unit_test(a_long_write_is_cut_to_the_cell),
        cmocka_unit_test(what_was_taken_waits_in_the_cell),
        cmocka_unit_test(says_goodbye_once),
        cmocka_unit_test(reads_frames_and_pieces_of_them),
        cmocka_unit_test(a_long_frame_comes_through_a_small_buffer),
        cmocka_unit_test(answers_pings_between_pieces),
        cmocka_unit_test(the_longest_ping_is_answered),
        cmocka_unit_test(only_the_latest_of_pings_that_had_to_wait_is_answered),
        cmocka_unit_test(a_close_frame_is_answered_and_ends_it),
        cmocka_unit_test(the_answer_to_our_close_frame_needs_none),
        cmocka_unit_test(what_a_server_may_not_send_ends_it),
        cmocka_unit_test(a_flood_without_data_lets_others_have_their_turn),
        cmocka_unit_test(what_fails_below_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

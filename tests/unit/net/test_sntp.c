/* What a time server says, and which of it is believed. */
#include "net/sntp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define FROM_1900_TO_1970_S INT64_C(2208988800)
#define FLOOR_S INT64_C(1795000000) /* in 2026 */

static const uint8_t cookie[TH_NET_SNTP_COOKIE_BYTES] = "\x11\x22\x33\x44\x55\x66\x77\x88";

/* A server's answer at `when_s`: leap, version, mode; stratum; the echo; the date. */
static void answer(uint8_t reply[TH_NET_SNTP_BYTES], uint8_t first, uint8_t stratum, int64_t when_s)
{
    uint32_t seconds = (uint32_t)(when_s + FROM_1900_TO_1970_S);
    memset(reply, 0, TH_NET_SNTP_BYTES);
    reply[0] = first;
    reply[1] = stratum;
    memcpy(reply + 24, cookie, sizeof cookie);
    for (int i = 0; i < 4; i++)
        reply[40 + i] = (uint8_t)(seconds >> (24 - 8 * i));
}

static void means(uint8_t first, uint8_t stratum, int64_t when_s, enum th_net_sntp expected)
{
    uint8_t reply[TH_NET_SNTP_BYTES];
    int64_t now_s = 0;
    answer(reply, first, stratum, when_s);
    assert_int_equal(th_net_sntp_decode(reply, sizeof reply, cookie, FLOOR_S, &now_s), expected);
    if (expected == TH_NET_SNTP_GIVEN)
        assert_true(now_s == when_s);
}

static void the_question_tells_nothing(void **state)
{
    uint8_t question[TH_NET_SNTP_BYTES], expected[TH_NET_SNTP_BYTES] = {0x23};
    (void)state;
    memset(question, 0xaa, sizeof question);
    memcpy(expected + 40, cookie, sizeof cookie);
    th_net_sntp_encode(question, cookie);
    assert_memory_equal(question, expected, sizeof expected);
}

static void an_answer_gives_the_date(void **state)
{
    (void)state;
    means(0x24, 1, FLOOR_S, TH_NET_SNTP_GIVEN);
    means(0x24, 15, FLOOR_S + 1, TH_NET_SNTP_GIVEN);
    means(0x1c, 2, FLOOR_S + 1, TH_NET_SNTP_GIVEN);        /* version 3 */
    means(0x24 | 1 << 6, 2, FLOOR_S, TH_NET_SNTP_GIVEN);   /* a leap second is coming */
    means(0x24, 2, INT64_C(2085978497), TH_NET_SNTP_GIVEN); /* 2036-02-07: seconds begin anew */
    means(0x24, 2, INT64_C(2085978495), TH_NET_SNTP_GIVEN);
    means(0x24, 2, INT64_C(2524608000), TH_NET_SNTP_GIVEN); /* 2050 */
    means(0x24, 2, FLOOR_S + TH_NET_SNTP_SPAN_S - 1, TH_NET_SNTP_GIVEN);
}

static void what_cannot_be_is_no_date(void **state)
{
    (void)state;
    means(0x24, 2, FLOOR_S - 1, TH_NET_SNTP_USELESS);
    means(0x24, 2, 0, TH_NET_SNTP_USELESS);
    means(0x24, 2, FLOOR_S + TH_NET_SNTP_SPAN_S, TH_NET_SNTP_USELESS);
    means(0x24, 2, INT64_C(2085978496), TH_NET_SNTP_USELESS); /* 0: unknown */
    means(0x24, 16, FLOOR_S, TH_NET_SNTP_USELESS);
    means(0x24, 255, FLOOR_S, TH_NET_SNTP_USELESS);
    means(0xe4, 2, FLOOR_S, TH_NET_SNTP_USELESS); /* not synchronised */
    means(0xe4, 0, FLOOR_S, TH_NET_SNTP_DENIED);
    means(0x24, 0, FLOOR_S, TH_NET_SNTP_DENIED);
}

static void other_modes_are_no_answers(void **state)
{
    (void)state;
    for (uint8_t mode = 0; mode < 8; mode++)
        means(0x20 | mode, 2, FLOOR_S, mode == 4 ? TH_NET_SNTP_GIVEN : TH_NET_SNTP_FOREIGN);
}

static void only_an_echo_is_an_answer(void **state)
{
    uint8_t reply[TH_NET_SNTP_BYTES];
    int64_t now_s;
    (void)state;
    for (int bit = 0; bit < 64; bit++) {
        answer(reply, 0x24, 2, FLOOR_S);
        reply[24 + bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(th_net_sntp_decode(reply, sizeof reply, cookie, FLOOR_S, &now_s),
                         TH_NET_SNTP_FOREIGN);
    }
}

static void a_part_is_no_answer(void **state)
{
    uint8_t reply[TH_NET_SNTP_BYTES];
    int64_t now_s;
    (void)state;
    answer(reply, 0x24, 2, FLOOR_S);
    for (size_t bytes = 0; bytes < sizeof reply; bytes++)
        assert_int_equal(th_net_sntp_decode(reply, bytes, cookie, FLOOR_S, &now_s),
                         TH_NET_SNTP_FOREIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_question_tells_nothing), cmocka_unit_test(an_answer_gives_the_date),
        cmocka_unit_test(what_cannot_be_is_no_date),  cmocka_unit_test(other_modes_are_no_answers),
        cmocka_unit_test(only_an_echo_is_an_answer),  cmocka_unit_test(a_part_is_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

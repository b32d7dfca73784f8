/* Packets between agent and runner: what is taken, and what is not. */
#include "agent/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint8_t packet[TH_RESULT_BYTES + TH_ORDER_BYTES];

static bool order_of(uint8_t kind, uint8_t job, const char *rest, size_t rest_bytes, size_t bytes)
{
    static struct th_order order;
    packet[0] = kind;
    packet[1] = job;
    packet[2] = 5;
    memcpy(packet + 3, rest, rest_bytes);
    return th_order_read(&order, (struct th_slice){packet, bytes}) && order.handler == 5 &&
           order.job == job && order.kind == kind && order.rest.data == packet + 3;
}

static void test_orders(void **state)
{
    (void)state;
    assert_true(order_of(TH_ORDER_BEGIN, 0, "a/b", 3, 6));
    assert_true(order_of(TH_ORDER_BEGIN, TH_ORDER_JOBS - 1, "a/b", 3, 6));
    assert_true(order_of(TH_ORDER_PIECE, 1, "a\0#", 3, 6));
    assert_true(order_of(TH_ORDER_RUN, 1, "1234", 4, 7));
    assert_true(order_of(TH_ORDER_PIECE, 1, "", 0, TH_ORDER_BYTES));
}

static void test_what_is_no_order(void **state)
{
    (void)state;
    assert_false(order_of(TH_ORDER_PIECE, 1, "", 0, 2));
    assert_false(order_of(TH_ORDER_RUN, 1, "", 0, 3));
    assert_false(order_of(TH_ORDER_RUN, 1, "12345", 5, 8));
    assert_true(order_of(TH_ORDER_REREAD, 0, "1234", 4, 7));
    assert_false(order_of(TH_ORDER_REREAD, 0, "12345", 5, 8));
    assert_false(order_of(TH_ORDER_REREAD, 0, "", 0, 3));
    assert_false(order_of(TH_ORDER_REREAD + 1, 1, "", 0, 3));
    assert_false(order_of(TH_ORDER_RUN, TH_ORDER_JOBS, "1234", 4, 7));
    assert_false(order_of(TH_ORDER_PIECE, 1, "", 0, TH_ORDER_BYTES + 1));
}

static void test_topics_are_topics(void **state)
{
    (void)state;
    memset(packet, 'x', sizeof packet);
    assert_false(order_of(TH_ORDER_BEGIN, 0, "", 0, 3));
    assert_false(order_of(TH_ORDER_BEGIN, 0, "a\0b", 3, 6));
    assert_false(order_of(TH_ORDER_BEGIN, 0, "a/#", 3, 6));
    assert_false(order_of(TH_ORDER_BEGIN, 0, "\xff", 1, 4));
    memset(packet, 'x', sizeof packet);
    assert_true(order_of(TH_ORDER_BEGIN, 0, "", 0, 3 + TH_ORDER_TOPIC_BYTES - 1));
    assert_false(order_of(TH_ORDER_BEGIN, 0, "", 0, 3 + TH_ORDER_TOPIC_BYTES));
}

static bool result_of(uint8_t job, uint8_t how, uint8_t error_bytes, size_t bytes)
{
    static struct th_result result;
    memcpy(packet, (uint8_t[]){job, how, 7, error_bytes}, 4);
    return th_result_read(&result, (struct th_slice){packet, bytes}) && result.status == 7 &&
           result.error.len_bytes == error_bytes && result.error.data == packet + 4 &&
           result.output.data == packet + 4 + error_bytes &&
           result.output.len_bytes == bytes - 4 - error_bytes;
}

static void test_results(void **state)
{
    (void)state;
    assert_true(result_of(0, TH_RESULT_EXITED, 0, 4));
    assert_true(result_of(15, TH_RESULT_REFUSED, 3, 12));
    assert_true(result_of(0, TH_RESULT_LATE, TH_RESULT_ERROR_BYTES, TH_RESULT_BYTES));
    assert_false(result_of(0, TH_RESULT_EXITED, 0, 3));
    assert_false(result_of(0, TH_RESULT_EXITED, 1, 4));
    assert_true(result_of(15, TH_RESULT_LOST, 0, 12));
    assert_false(result_of(15, TH_RESULT_LOST, 0, 11));
    assert_false(result_of(15, TH_RESULT_LOST, 0, 13));
    assert_false(result_of(TH_ORDER_JOBS, TH_RESULT_EXITED, 0, 4));
    assert_false(result_of(0, TH_RESULT_KEPT + 1, 0, 4));
    assert_false(result_of(0, TH_RESULT_EXITED, TH_RESULT_ERROR_BYTES + 1, 400));
    assert_false(result_of(0, TH_RESULT_EXITED, 0, 4 + TH_RESULT_OUTPUT_BYTES + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_what_is_no_order),
        cmocka_unit_test(test_topics_are_topics),
        cmocka_unit_test(test_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* sub against a client that does what a script says. */
#include "acting_client.h"
#include "cli/persona.h"

#define PLAIN "--no-tls -t t/# "

static void test_sub_prints_what_comes(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-t u -q 1 -C 2",
                         SCRIPT(connected, subscribed, message_one, message_two)), 0);
    assert_string_equal(printed, "one\ntwo\n");
    assert_string_equal(said, "");
    assert_string_equal(client.log, "subscribe t/# q1 u q1;disconnect 0;");
    assert_true(client.closed);
    assert_int_equal(client.connects, 1);
}

static void test_sub_prints_no_more_than_count(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 1", SCRIPT(connected, two_at_once, message_two)), 0);
    assert_string_equal(printed, "one\n");
}

static void test_sub_verbose_and_without_newline(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-v -C 3", SCRIPT(connected, message_one, message_empty,
                                                           message_two)), 0);
    assert_string_equal(printed, "t/1 one\nt/e (null)\nt/2 two\n");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-N -C 3", SCRIPT(connected, message_one, message_empty,
                                                           message_two)), 0);
    assert_string_equal(printed, "onetwo");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 2", SCRIPT(connected, message_empty,
                                                        message_one)), 0);
    assert_string_equal(printed, "one\n");
}

static void test_sub_puts_pieces_together(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-v -C 2", SCRIPT(connected, pieces, message_one)), 0);
    assert_string_equal(printed, "t/p first then\r\n\nt/1 one\n");
    assert_string_equal(said, "");
}

static void test_sub_tells_of_a_message_cut_off(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 1",
                         SCRIPT(connected, half_a_message, lost, connected, message_one)), 0);
    assert_string_equal(printed, "half\none\n");
    assert_string_equal(said,
                        "thimble sub: the line is dead; trying again in 1.2 s\n"
                        "thimble sub: connected again\n"
                        "thimble sub: the message before was cut off after 4 bytes: the connection "
                        "was lost\n");
}

static void test_sub_retained(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-R -C 1", SCRIPT(connected, message_retained,
                                                           message_one)), 0);
    assert_string_equal(printed, "one\n");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "--retained-only", SCRIPT(connected, message_retained,
                                                                   message_one)), 0);
    assert_string_equal(printed, "old\n");
}

static void test_sub_filters_out(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-T t/1 -T x -C 1", SCRIPT(connected, message_one,
                                                                    message_two)), 0);
    assert_string_equal(printed, "two\n");
}

static void test_sub_ends_after_subscribing(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-U old -E", SCRIPT(connected, subscribed, idle,
                                                             unsubscribed)), 0);
    assert_string_equal(client.log, "subscribe t/# q0;unsubscribe old;disconnect 0;");
}

static void test_sub_unsubscribes_one_by_one(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-V 5 -U old -U secret -E",
                         SCRIPT(connected, subscribed, unsubscribed, secret_kept)), 58);
    assert_string_equal(client.log, "subscribe t/# q0;unsubscribe old;unsubscribe secret;"
                                    "disconnect 0;");
    assert_string_equal(said, "thimble sub: the broker refused the end of the subscription to "
                              "secret: not authorized, reason code 135 (58 subscription-refused)\n");
}

static void test_sub_waits_for_the_last_release(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-q 2 -C 1",
                         SCRIPT(connected, subscribed, message_kept_back, message_two, idle,
                                released)), 0);
    assert_string_equal(printed, "one\n");
    assert_string_equal(client.log, "subscribe t/# q2;disconnect 0;");
}

static void test_sub_refused(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-V 5 -t secret", SCRIPT(connected, one_refused)), 58);
    assert_string_equal(said, "thimble sub: the broker refused the subscription to secret: not "
                              "authorized, reason code 135 (58 subscription-refused)\n");
}

static void test_sub_subscribes_again_without_session(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 1", SCRIPT(connected, subscribed, lost, connected,
                                                        message_one)), 0);
    assert_string_equal(client.log, "subscribe t/# q0;subscribe t/# q0;disconnect 0;");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 1", SCRIPT(connected, subscribed, lost,
                                                        connected_to_session, message_one)), 0);
    assert_string_equal(client.log, "subscribe t/# q0;disconnect 0;");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 1", SCRIPT(connected_to_session, message_one)), 0);
    assert_string_equal(client.log, "subscribe t/# q0;disconnect 0;");
}

static void test_sub_time_is_up(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-W 1", SCRIPT(idle, connected, message_one)), 27);
    assert_string_equal(printed, "one\n");
    assert_string_equal(said, "thimble sub: time is up after 1 s (27 timeout)\n");
}

static void test_time_is_up_before_the_broker_answers(void **state)
{
    (void)state;
    th_cli_persona_take("mosquitto_sub");
    int status = run(TH_CLI_SUB, PLAIN "-W 1", SCRIPT(idle));
    th_cli_persona_take("thimble");
    assert_int_equal(status, 27);
    assert_string_equal(said, "Error: time is up after 1 s\n");
}

static void test_sub_signals(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN, SCRIPT(connected, message_one, terminated, idle)), 0);
    assert_string_equal(printed, "one\n");
    assert_string_equal(client.log, "subscribe t/# q0;disconnect 0;");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN, SCRIPT(idle, interrupted, idle)), 130);
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN, SCRIPT(idle, terminated, idle)), 143);
}

static void test_sub_request_fails(void **state)
{
    (void)state;
    client.publish_result = TH_E_TOO_LARGE;
    client.request_fault = (struct th_fault){.code = TH_E_TOO_LARGE, .text = "too many filters"};
    assert_int_equal(run(TH_CLI_SUB, PLAIN, SCRIPT(connected)), 25);
    assert_string_equal(said, "thimble sub: too many filters (25 too-large)\n");
}

/* ---- standard output, last: a failure of it is for ever -------------------------------------- */

static void test_full_disk(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    assert_int_equal(run_to(full, TH_CLI_SUB, PLAIN, SCRIPT(connected, message_one, idle)), 14);
    assert_string_equal(said, "thimble sub: cannot write to standard output: No space left on "
                              "device (14 system-error)\n");
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sub_prints_what_comes, fresh_client),
        cmocka_unit_test_setup(test_sub_prints_no_more_than_count, fresh_client),
        cmocka_unit_test_setup(test_sub_verbose_and_without_newline, fresh_client),
        cmocka_unit_test_setup(test_sub_puts_pieces_together, fresh_client),
        cmocka_unit_test_setup(test_sub_tells_of_a_message_cut_off, fresh_client),
        cmocka_unit_test_setup(test_sub_retained, fresh_client),
        cmocka_unit_test_setup(test_sub_filters_out, fresh_client),
        cmocka_unit_test_setup(test_sub_ends_after_subscribing, fresh_client),
        cmocka_unit_test_setup(test_sub_unsubscribes_one_by_one, fresh_client),
        cmocka_unit_test_setup(test_sub_waits_for_the_last_release, fresh_client),
        cmocka_unit_test_setup(test_sub_refused, fresh_client),
        cmocka_unit_test_setup(test_sub_subscribes_again_without_session, fresh_client),
        cmocka_unit_test_setup(test_sub_time_is_up, fresh_client),
        cmocka_unit_test_setup(test_time_is_up_before_the_broker_answers, fresh_client),
        cmocka_unit_test_setup(test_sub_signals, fresh_client),
        cmocka_unit_test_setup(test_sub_request_fails, fresh_client),
        cmocka_unit_test_setup(test_full_disk, fresh_client),
    };
    clearenv();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* pub against a client that does what a script says. */
#include "acting_client.h"

#define PUB "--no-tls -t a "

static void test_pub_waits_for_the_acknowledgement(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m hello -q 1 -r", SCRIPT(idle, connected, idle, idle,
                                                                  acknowledged)), 0);
    assert_string_equal(client.log, "publish a=hello q1 r;disconnect 0;");
    assert_string_equal(said, "");
    assert_int_equal(client.config->redial.attempts, 10);
    assert_false(client.config->redial.first_too);
}

static void test_pub_nobody_listens(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-n -q 1", SCRIPT(connected, nobody_listens)), 0);
    assert_string_equal(client.log, "publish a= q1;disconnect 0;");
}

static void test_pub_refused(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x -q 1", SCRIPT(connected, not_authorized)), 51);
    assert_string_equal(said, "thimble pub: the broker refused message 1, reason code 135 "
                              "(51 not-authorized)\n");
}

static void test_pub_too_large(void **state)
{
    (void)state;
    client.publish_result = TH_E_TOO_LARGE;
    client.request_fault = (struct th_fault){.code = TH_E_TOO_LARGE, .text = "17 of 16 bytes"};
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x", SCRIPT(connected)), 25);
    assert_string_equal(said, "thimble pub: 17 of 16 bytes (25 too-large)\n");
}

static void test_pub_fails(void **state)
{
    (void)state;
    client.result = TH_E_TCP;
    client.fault = (struct th_fault){.code = TH_E_TCP, .text = "nobody there"};
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x", SCRIPT(idle)), 4);
    assert_string_equal(said, "thimble pub: nobody there (4 not-connected)\n");
    assert_string_equal(client.log, "");
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x --quiet", SCRIPT(idle)), 4);
    assert_string_equal(said, "");
    assert_true(client.closed);
}

static void test_pub_danger_is_named(void **state)
{
    (void)state;
    client.fault = (struct th_fault){.code = TH_E_FILE, .sys_errno = 2, .text = "no ca"};
    assert_int_equal(run(TH_CLI_PUB, "--cafile ca -t a -m x --insecure", SCRIPT(idle)), 66);
    assert_string_equal(said, "thimble pub: [insecure] no ca (66 file-unusable)\n");
    assert_true(client.context->insecure_no_name_check);
    assert_false(client.context->insecure_no_verify);
    assert_int_equal(run(TH_CLI_PUB, "-t a -m x --insecure-no-verify", SCRIPT(idle)), 66);
    assert_string_equal(said, "thimble pub: [insecure-no-verify] no ca (66 file-unusable)\n");
    assert_true(client.context->insecure_no_verify);
}

static void test_pub_interrupted(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x -q 1", SCRIPT(connected, interrupted, idle)), 130);
    assert_string_equal(client.log, "publish a=x q1;disconnect 0;");
}

static void test_pub_second_signal_ends_at_once(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x -q 1", SCRIPT(connected, interrupted, idle,
                                                           terminated, idle, idle, idle, idle)),
                     130);
    assert_true(client.closed);
    assert_non_null(*client.script);
}

static void test_pub_report_to_nowhere(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x --mem-report=json:/nonexistent/r",
                         SCRIPT(connected, acknowledged)), 66);
    assert_non_null(strstr(said, "/nonexistent/r"));
}

static void test_pub_configures(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x -V 5 -c -i me -u you -k 7 --retry 3 --timeout 2 "
                         "--timeout-ack 4 --will-topic w --will-payload gone --will-qos 2 "
                         "--will-retain --heap-budget 1k --window-budget 2k --outbox-budget 3k",
                         SCRIPT(connected, acknowledged)), 0);
    const struct th_config *config = client.config;
    assert_string_equal(config->host, "localhost");
    assert_true(config->insecure_plaintext);
    assert_int_equal(config->version, TH_MQTT_5);
    assert_string_equal(config->client_id, "me");
    assert_string_equal(config->username, "you");
    assert_false(config->clean_start);
    assert_int_equal(config->keep_alive_s, 7);
    assert_int_equal(config->redial.attempts, 3);
    assert_true(config->redial.first_too);
    assert_int_equal(config->deadlines.tcp_ms, 2000);
    assert_int_equal(config->deadlines.ack_ms, 4000);
    assert_memory_equal(config->will.message.topic.data, "w", 1);
    assert_memory_equal(config->will.message.payload.data, "gone", 4);
    assert_int_equal(config->will.message.qos, 2);
    assert_true(config->will.message.retain);
    assert_int_equal(config->properties.count, 1);
    assert_int_equal(config->properties.list[0].id, 0x11);
    assert_int_equal(config->properties.list[0].number, UINT32_MAX);
    assert_int_equal(config->heap_budget_bytes, 1024);
    assert_int_equal(config->window_budget_bytes, 2048);
    assert_int_equal(config->outbox_budget_bytes, 3072);
}

static void test_pub_client_id_prefix(void **state)
{
    (void)state;
    char expected[32];
    snprintf(expected, sizeof expected, "pre%d", (int)getpid());
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x -I pre", SCRIPT(connected, acknowledged)), 0);
    assert_string_equal(client.config->client_id, expected);
}

/* ---- pub with standard input ----------------------------------------------------------------- */

static void give_input(const char *text)
{
    assert_int_equal(pipe(input), 0);
    assert_int_equal(write(input[1], text, strlen(text)), strlen(text));
}

static void end_of_input(void)
{
    close(input[1]);
}

static int drop_input(void **state)
{
    (void)state;
    close(input[0]);
    input[0] = input[1] = -1;
    return 0;
}

static void room_for_two(void)
{
    client.room = 2;
    connected();
}

static void test_pub_lines(void **state)
{
    (void)state;
    give_input("one\n\nlast");
    end_of_input();
    assert_int_equal(run(TH_CLI_PUB, PUB "-l", SCRIPT(idle, connected, idle, idle, idle, idle,
                                                    acknowledged, acknowledged, acknowledged)), 0);
    assert_string_equal(client.log, "publish a=one q0;publish a= q0;publish a=last q0;"
                                    "disconnect 0;");
}

static size_t unread;

static void measure_unread(void)
{
    char rest[64];
    ssize_t got = read(input[0], rest, sizeof rest);
    unread = got > 0 ? (size_t)got : 0;
}

static void test_pub_lines_are_read_as_there_is_room(void **state)
{
    (void)state;
    give_input("1\n2\n");
    end_of_input();
    assert_int_equal(run(TH_CLI_PUB, PUB "-l -q 1", SCRIPT(room_for_two, idle, idle, idle, idle,
                                                         acknowledged, acknowledged)), 0);
    assert_string_equal(client.log, "publish a=1 q1;publish a=2 q1;disconnect 0;");
}

static void no_room(void)
{
    client.room = 0;
    client.pending = 1;
    connected();
}

static void room_again(void)
{
    measure_unread();
    assert_int_equal(unread, 6);
    assert_int_equal(write(input[1], "later\n", 6), 6);
    end_of_input();
    client.pending = 0;
    client.room = 5;
}

static void test_pub_reads_nothing_without_room(void **state)
{
    (void)state;
    give_input("never\n");
    assert_int_equal(run(TH_CLI_PUB, PUB "-l -q 1", SCRIPT(no_room, idle, idle, idle, room_again,
                                                         idle, idle, idle, acknowledged)), 0);
    assert_string_equal(client.log, "publish a=later q1;disconnect 0;");
}

static void test_pub_reads_nothing_before_the_connection(void **state)
{
    (void)state;
    give_input("kept\n");
    client.result = TH_E_LOOKUP;
    client.fault = (struct th_fault){.code = TH_E_LOOKUP, .text = "no such name"};
    assert_int_equal(run(TH_CLI_PUB, PUB "-l", SCRIPT(idle, idle, idle)), 20);
    measure_unread();
    assert_int_equal(unread, 5);
    end_of_input();
}

static void test_pub_line_too_long(void **state)
{
    (void)state;
    static char text[TH_OUTBOX_BYTES + 100];
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "ok\n", 3);
    give_input(text);
    end_of_input();
    act *script[32];
    for (size_t i = 0; i < 31; i++)
        script[i] = i == 0 ? connected : idle;
    script[31] = NULL;
    assert_int_equal(run(TH_CLI_PUB, PUB "-l", script), 25);
    assert_non_null(strstr(said, "line 2 of standard input is longer than the outbox of"));
}

static void test_pub_whole_input(void **state)
{
    (void)state;
    give_input("two\nlines\n");
    end_of_input();
    assert_int_equal(run(TH_CLI_PUB, PUB "-s", SCRIPT(connected, acknowledged)), 0);
    assert_string_equal(client.log, "publish a=two\nlines\n q0;disconnect 0;");
}

static void test_pub_empty_input(void **state)
{
    (void)state;
    give_input("");
    end_of_input();
    assert_int_equal(run(TH_CLI_PUB, PUB "-s", SCRIPT(idle)), 67);
    assert_int_equal(client.connects, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_pub_waits_for_the_acknowledgement, fresh_client),
        cmocka_unit_test_setup(test_pub_nobody_listens, fresh_client),
        cmocka_unit_test_setup(test_pub_refused, fresh_client),
        cmocka_unit_test_setup(test_pub_too_large, fresh_client),
        cmocka_unit_test_setup(test_pub_fails, fresh_client),
        cmocka_unit_test_setup(test_pub_danger_is_named, fresh_client),
        cmocka_unit_test_setup(test_pub_interrupted, fresh_client),
        cmocka_unit_test_setup(test_pub_second_signal_ends_at_once, fresh_client),
        cmocka_unit_test_setup(test_pub_report_to_nowhere, fresh_client),
        cmocka_unit_test_setup(test_pub_configures, fresh_client),
        cmocka_unit_test_setup(test_pub_client_id_prefix, fresh_client),
        cmocka_unit_test_setup_teardown(test_pub_lines, fresh_client, drop_input),
        cmocka_unit_test_setup_teardown(test_pub_lines_are_read_as_there_is_room, fresh_client,
                                        drop_input),
        cmocka_unit_test_setup_teardown(test_pub_reads_nothing_without_room, fresh_client,
                                        drop_input),
        cmocka_unit_test_setup_teardown(test_pub_reads_nothing_before_the_connection, fresh_client,
                                        drop_input),
        cmocka_unit_test_setup_teardown(test_pub_line_too_long, fresh_client, drop_input),
        cmocka_unit_test_setup_teardown(test_pub_whole_input, fresh_client, drop_input),
        cmocka_unit_test_setup_teardown(test_pub_empty_input, fresh_client, drop_input),
    };
    clearenv();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* pub against a client that does what a script says. */
#include "acting_client.h"

#include "base/clock.h"

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
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x --events", SCRIPT(idle)), 4);
    assert_non_null(strstr(printed, "\"error\":\"tcp-connection-failed\","
                                    "\"text\":\"nobody there\",\"exit\":4}\n"));
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

/* ---- --repeat -------------------------------------------------------------------------------- */

static void test_pub_repeats_one_after_the_other(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x -q 1 --repeat 3",
                         SCRIPT(connected, idle, idle, acknowledged, idle, acknowledged,
                                acknowledged)), 0);
    assert_string_equal(client.log, "publish a=x q1;publish a=x q1;publish a=x q1;disconnect 0;");
}

static uint64_t published_ms[2];

static void note_time(void)
{
    published_ms[client.pending == 1] = th_clock_ms();
    acknowledged();
}

static void await_next(void)
{
    if (client.pending == 0)
        client.script--;
}

static void test_pub_waits_between_repetitions(void **state)
{
    (void)state;
    uint64_t before_ms = th_clock_ms();
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x --repeat 2 --repeat-delay 0.15",
                         SCRIPT(connected, note_time, await_next, note_time)), 0);
    assert_true(th_clock_ms() - before_ms >= 150);
    assert_string_equal(client.log, "publish a=x q0;publish a=x q0;disconnect 0;");
}

static void test_pub_repeats_what_is_refused(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x -q 1 --repeat 2",
                         SCRIPT(connected, not_authorized, idle, not_authorized)), 51);
    assert_non_null(strstr(said, "2 messages in all did not get through"));
}

/* ---- properties ------------------------------------------------------------------------------ */

static void test_pub_properties(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x -V 5 -D publish user-property k v "
                         "-D publish topic-alias 7", SCRIPT(connected, acknowledged)), 0);
    assert_string_equal(client.log, "publish a=x q0 38:0k=v 35:7;disconnect 0;");
}

static void refused_with_reason(void)
{
    static const uint8_t raw[] = "\x1f\0\x09" "no\nthanks";
    client.pending--;
    tell(&(struct th_event){.kind = TH_EVENT_PUBLISHED, .packet_id = 1, .reason = 0x97,
                            .properties.raw = {raw, sizeof raw - 1}});
}

static void test_pub_shows_the_reason(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x -q 1", SCRIPT(connected, refused_with_reason)), 56);
    assert_string_equal(said, "thimble pub: the broker refused message 1, reason code 151: "
                              "no?thanks (56 quota-exceeded)\n");
}

/* ---- payloads larger than the outbox --------------------------------------------------------- */

#define LARGE_BYTES 100000

static char path[64];

static uint8_t byte_at(size_t at)
{
    return (uint8_t)(at * 7 + at / 251);
}

static FILE *large_file(void)
{
    strcpy(path, "/tmp/test_pub_XXXXXX");
    FILE *file = fdopen(mkstemp(path), "w+");
    for (size_t i = 0; i < LARGE_BYTES; i++)
        fputc(byte_at(i), file);
    fflush(file);
    return file;
}

static int drop_file(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static int drop_both(void **state)
{
    return drop_file(state) | drop_input(state);
}

/* Reads the payload as the client does: once from the start to the end, and then again. */
static void stream(void)
{
    const struct th_payload_source *source = &client.source;
    static uint8_t piece[1000];
    for (uint64_t at = 0; at < source->total_bytes;) {
        int got = source->read(source->arg, at, piece, sizeof piece);
        assert_in_range(got, 1, sizeof piece);
        for (int i = 0; i < got; i++)
            assert_int_equal(piece[i], byte_at(at + (size_t)i));
        at += (uint64_t)got;
    }
}

static void test_pub_streams_a_file(void **state)
{
    (void)state;
    char words[128];
    fclose(large_file());
    snprintf(words, sizeof words, PUB "-q 1 -f %s", path);
    assert_int_equal(run(TH_CLI_PUB, words, SCRIPT(connected, stream, stream, acknowledged)), 0);
    assert_string_equal(client.log, "publish a=(100000 bytes) q1;disconnect 0;");
}

static void test_pub_streams_standard_input(void **state)
{
    (void)state;
    FILE *file = large_file();
    input[0] = dup(fileno(file));
    fclose(file);
    lseek(input[0], 0, SEEK_SET);
    assert_int_equal(run(TH_CLI_PUB, PUB "-q 1 -s", SCRIPT(connected, stream, acknowledged)), 0);
    assert_string_equal(client.log, "publish a=(100000 bytes) q1;disconnect 0;");
}

/* What was read before belongs to somebody else. */
static void test_pub_streams_the_rest_of_standard_input(void **state)
{
    (void)state;
    FILE *file = large_file();
    input[0] = dup(fileno(file));
    fclose(file);
    lseek(input[0], LARGE_BYTES - 20000, SEEK_SET);
    assert_int_equal(run(TH_CLI_PUB, PUB "-q 1 -s", SCRIPT(connected, acknowledged)), 0);
    assert_string_equal(client.log, "publish a=(20000 bytes) q1;disconnect 0;");
}

static void give_large_pipe(void)
{
    assert_int_equal(pipe(input), 0);
    if (fork() == 0) {
        for (size_t i = 0; i < LARGE_BYTES; i++) {
            uint8_t byte = byte_at(i);
            if (write(input[1], &byte, 1) < 0)
                break;
        }
        _exit(0);
    }
    close(input[1]);
}

static void test_pub_copies_a_pipe(void **state)
{
    (void)state;
    give_large_pipe();
    assert_int_equal(run(TH_CLI_PUB, PUB "-q 2 -s", SCRIPT(connected, stream, stream,
                                                         acknowledged)), 0);
    assert_string_equal(client.log, "publish a=(100000 bytes) q2;disconnect 0;");
}

static void test_pub_copies_what_has_no_length(void **state)
{
    (void)state;
    give_large_pipe();
    assert_int_equal(run(TH_CLI_PUB, PUB "-f /dev/stdin", SCRIPT(connected, stream,
                                                               acknowledged)), 0);
    assert_string_equal(client.log, "publish a=(100000 bytes) q0;disconnect 0;");
}

static void shrink(void)
{
    assert_int_equal(truncate(path, 50000), 0);
    const struct th_payload_source *source = &client.source;
    uint8_t piece[1000];
    assert_int_equal(source->read(source->arg, 49500, piece, sizeof piece), 500);
    assert_int_equal(source->read(source->arg, 50000, piece, sizeof piece), TH_E_FILE);
}

static void unreadable(void)
{
    static const struct th_fault fault = {.code = TH_E_FILE, .text = "source"};
    tell(&(struct th_event){.kind = TH_EVENT_PUBLISHED, .reason = TH_REASON_UNREADABLE,
                            .fault = &fault});
}

static void expired(void)
{
    static const struct th_fault fault = {.code = TH_E_TIMEOUT, .text = "it expired"};
    client.pending--;
    tell(&(struct th_event){.kind = TH_EVENT_PUBLISHED, .reason = TH_REASON_EXPIRED,
                            .fault = &fault});
}

static void test_pub_says_what_is_not_the_brokers_refusal(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x -q 1", SCRIPT(connected, expired)), 27);
    assert_string_equal(said, "thimble pub: it expired (27 timeout)\n");
}

static void test_pub_names_a_file_that_shrinks(void **state)
{
    (void)state;
    char words[128], expected[256];
    fclose(large_file());
    snprintf(words, sizeof words, PUB "-q 1 -f %s", path);
    assert_int_equal(run(TH_CLI_PUB, words, SCRIPT(connected, shrink, unreadable, lost)), 66);
    snprintf(expected, sizeof expected, "thimble pub: %s has become shorter while it was sent; "
             "the message is lost (66 file-unusable)\n", path);
    assert_string_equal(said, expected);
}

static void test_pub_limit_of_mqtt(void **state)
{
    (void)state;
    char words[128];
    fclose(large_file());
    assert_int_equal(truncate(path, 268435456), 0);
    snprintf(words, sizeof words, PUB "-f %s", path);
    assert_int_equal(run(TH_CLI_PUB, words, SCRIPT(connected)), 25);
    assert_non_null(strstr(said, "has 268435456 bytes or more; a message of MQTT has at most "
                                 "268435455, with its topic (25 too-large)"));
    assert_int_equal(client.connects, 0);
}

/* Longer than the outbox, though it is in memory. */
static void stream_text(void)
{
    char text[8];
    assert_int_equal(client.source.read(client.source.arg, 0, (uint8_t *)text, 2), 2);
    assert_int_equal(client.source.read(client.source.arg, 2, (uint8_t *)text + 2, 6), 3);
    assert_memory_equal(text, "large", 5);
}

static void test_pub_streams_a_long_text(void **state)
{
    (void)state;
    client.outbox_bytes = 4;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m large -q 1", SCRIPT(connected, stream_text,
                                                               acknowledged)), 0);
    assert_string_equal(client.log, "publish a=(5 bytes) q1;disconnect 0;");
}

/* ---- pub with standard input ----------------------------------------------------------------- */

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
        cmocka_unit_test_setup(test_pub_repeats_one_after_the_other, fresh_client),
        cmocka_unit_test_setup(test_pub_waits_between_repetitions, fresh_client),
        cmocka_unit_test_setup(test_pub_repeats_what_is_refused, fresh_client),
        cmocka_unit_test_setup(test_pub_properties, fresh_client),
        cmocka_unit_test_setup(test_pub_shows_the_reason, fresh_client),
        cmocka_unit_test_setup(test_pub_streams_a_long_text, fresh_client),
        cmocka_unit_test_setup(test_pub_says_what_is_not_the_brokers_refusal, fresh_client),
        cmocka_unit_test_setup_teardown(test_pub_streams_a_file, fresh_client, drop_file),
        cmocka_unit_test_setup_teardown(test_pub_names_a_file_that_shrinks, fresh_client,
                                        drop_file),
        cmocka_unit_test_setup_teardown(test_pub_limit_of_mqtt, fresh_client, drop_file),
        cmocka_unit_test_setup_teardown(test_pub_copies_a_pipe, fresh_client, drop_input),
        cmocka_unit_test_setup_teardown(test_pub_copies_what_has_no_length, fresh_client,
                                        drop_input),
        cmocka_unit_test_setup_teardown(test_pub_streams_standard_input, fresh_client, drop_both),
        cmocka_unit_test_setup_teardown(test_pub_streams_the_rest_of_standard_input, fresh_client,
                                        drop_both),
    };
    clearenv();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

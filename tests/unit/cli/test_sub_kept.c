/* sub: retained messages, messages that come again after a break, events, rates. */
#include "acting_client.h"

#define PLAIN "--no-tls -t t/# "

/* ---- retained messages ---- */

static void one_room(void)
{
    client.room = 5;
}

static void test_flags_of_the_subscription(void **state)
{
    (void)state;
    run(TH_CLI_SUB, PLAIN "-V 5 --retain-as-published --retain-handling new -C 1",
        SCRIPT(connected, message_one));
    assert_string_equal(client.log, "subscribe t/# q0 as-published handling1;disconnect 0;");
    fresh_client(NULL);
    run(TH_CLI_SUB, PLAIN "-V 5 -R -C 1", SCRIPT(connected, message_one));
    assert_string_equal(client.log, "subscribe t/# q0 handling2;disconnect 0;");
    fresh_client(NULL);
    run(TH_CLI_SUB, PLAIN "-V 5 -R --remove-retained -C 1", SCRIPT(connected, message_one));
    assert_string_equal(client.log, "subscribe t/# q0;disconnect 0;");
    fresh_client(NULL);
    run(TH_CLI_SUB, PLAIN "-R -C 1", SCRIPT(connected, message_one));
    assert_string_equal(client.log, "subscribe t/# q0;disconnect 0;");
}

static void test_properties_of_the_subscription(void **state)
{
    (void)state;
    run(TH_CLI_SUB, PLAIN "-V 5 -D subscribe subscription-identifier 5 -D unsubscribe user-property "
        "c d -U z -D subscribe user-property a b -C 1", SCRIPT(connected, message_one));
    assert_string_equal(client.log, "subscribe t/# q0 11:5 38:0a=b;unsubscribe z 38:0c=d;"
                                    "disconnect 0;");
}

static void test_removes_retained(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "--remove-retained --retained-only",
                         SCRIPT(one_room, connected, message_retained, message_one, message_two, idle,
                                acknowledged)), 0);
    assert_string_equal(printed, "old\n");
    assert_string_equal(client.log, "subscribe t/# q0;publish t/r= q1 r;disconnect 0;");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "--remove-retained -T t/r -C 1",
                         SCRIPT(one_room, connected, message_retained, message_one)), 0);
    assert_string_equal(client.log, "subscribe t/# q0;disconnect 0;");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "--remove-retained -R -C 1",
                         SCRIPT(one_room, connected, message_retained, acknowledged, message_one)), 0);
    assert_string_equal(printed, "one\n");
    assert_string_equal(client.log, "subscribe t/# q0;publish t/r= q1 r;disconnect 0;");
}

static void test_what_is_not_removed_is_told(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "--remove-retained -C 1",
                         SCRIPT(one_room, connected, message_retained, not_authorized)), 51);
    assert_string_equal(said, "thimble sub: the broker did not remove a retained message, reason code "
                              "135 (51 not-authorized)\n");
    fresh_client(NULL);
    client.publish_result = TH_E_TOO_LARGE;
    client.request_fault = (struct th_fault){.code = TH_E_TOO_LARGE, .text = "no room ever"};
    assert_int_equal(run(TH_CLI_SUB, "--no-tls -U x --remove-retained -C 1",
                         SCRIPT(connected, message_retained)), 25);
    assert_string_equal(printed, "old\n");
    assert_string_equal(said, "thimble sub: no room ever (25 too-large)\n");
}

static void outbox_full(void)
{
    client.publish_result = TH_E_SEND_FULL;
}

static void outbox_empty(void)
{
    client.publish_result = 0;
    client.pending = 0;
}

static void a_thousand_retained(void)
{
    for (int i = 0; i < 1000; i++)
        message_retained();
}

static void test_removal_waits_for_room(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-N --remove-retained -C 3",
                         SCRIPT(connected, outbox_full, message_retained, message_retained,
                                message_retained, idle, outbox_empty, idle, acknowledged, acknowledged,
                                acknowledged)), 0);
    assert_string_equal(client.log, "subscribe t/# q0;publish t/r= q1 r;publish t/r= q1 r;"
                                    "publish t/r= q1 r;disconnect 0;");
    fresh_client(NULL);
    client.request_fault = (struct th_fault){.code = TH_E_SEND_FULL, .text = "no room"};
    assert_int_not_equal(run(TH_CLI_SUB, PLAIN "-N --message-rate --remove-retained -W 1",
                             SCRIPT(connected, outbox_full, a_thousand_retained,
                                    a_thousand_retained, a_thousand_retained, a_thousand_retained,
                                    a_thousand_retained, a_thousand_retained, a_thousand_retained,
                                    a_thousand_retained, a_thousand_retained, a_thousand_retained,
                                    a_thousand_retained, a_thousand_retained,
                                    a_thousand_retained, a_thousand_retained)), 0);
    assert_non_null(strstr(said, "thimble sub: no room"));
}

/* ---- what is refused ---- */

static void all_refused(void)
{
    answered(TH_EVENT_SUBSCRIBED, "\x87\x87");
}

static void not_unsubscribed(void)
{
    answered(TH_EVENT_UNSUBSCRIBED, "\x87");
}

static void test_refused_unsubscription(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-V 5 -U x", SCRIPT(connected, subscribed,
                                                             not_unsubscribed)), 58);
    assert_string_equal(said, "thimble sub: the broker refused the end of the subscription to x: not "
                              "authorized, reason code 135 (58 subscription-refused)\n");
}

static void test_all_refused(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-V 5 -t u", SCRIPT(connected, all_refused)), 58);
    assert_non_null(strstr(said, "subscription to t/#: not authorized"));
    assert_non_null(strstr(said, "subscription to u: not authorized"));
}

/* ---- messages that come again ---- */

static void piece_of(uint16_t id, const char *payload, size_t offset, bool dup)
{
    client.config->on_delivery(client.config->arg, &(struct th_delivery){
        .topic = {(const uint8_t *)"t/big", 5},
        .payload = {(const uint8_t *)payload, strlen(payload)},
        .offset_bytes = offset,
        .total_bytes = 12,
        .qos = 1,
        .dup = dup,
        .packet_id = id,
    });
}

static void first_half(void) { piece_of(7, "0123", 0, false); piece_of(7, "45", 4, false); }
static void same_again(void)
{
    piece_of(7, "01", 0, true);
    piece_of(7, "23456", 2, true);
    piece_of(7, "789ab", 7, true);
}
static void same_unmarked(void) { piece_of(7, "012345", 0, false); piece_of(7, "6789ab", 6, false); }
static void other_identifier(void) { piece_of(8, "0123456789ab", 0, true); }
static void other_content(void)
{
    piece_of(7, "0123", 0, true);
    piece_of(7, "xx6789ab", 4, true);
}
static void again_in_part(void) { piece_of(7, "0123", 0, true); }
static void again_further(void) { piece_of(7, "01234567", 0, true); }

#define BROKEN "connected again\n"

static void assert_said(const char *wanted)
{
    if (!strstr(said, wanted))
        fail_msg("%s\nlacks %s", said, wanted);
}

static void test_goes_on_where_it_ended(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-v -C 1 -q 1",
                         SCRIPT(connected, first_half, lost, connected_to_session, same_again)), 0);
    assert_string_equal(printed, "t/big 0123456789ab\n");
    assert_null(strstr(said, "cut off"));
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-F <%.4x> -C 1 -q 1",
                         SCRIPT(connected, first_half, lost, connected_to_session, again_in_part, lost,
                                connected_to_session, again_further, lost, connected, same_again)), 0);
    assert_string_equal(printed, "<3031 3233 3435 3637 3839 6162>\n");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 1 -q 1",
                         SCRIPT(connected, first_half, lost, connected_to_session, same_unmarked)), 0);
    assert_string_equal(printed, "0123456789ab\n");
}

static void test_what_may_be_another_is_printed_anew(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 1 -q 1",
                         SCRIPT(connected, first_half, lost, connected, same_unmarked)), 0);
    assert_string_equal(printed, "012345\n0123456789ab\n");
    assert_said("the message before was cut off after 6 bytes: the connection was lost\n");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 1 -q 1",
                         SCRIPT(connected, first_half, lost, connected_to_session,
                                other_identifier)), 0);
    assert_string_equal(printed, "012345\n0123456789ab\n");
    assert_said("cut off after 6 bytes");
}

static void test_another_content_is_told(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 2 -q 1",
                         SCRIPT(connected, first_half, lost, connected_to_session, other_content,
                                message_one)), 7);
    assert_string_equal(printed, "012345\none\n");
    assert_said("the message before was cut off after 6 bytes: what the broker sends again in its place "
                "differs, and is left out\n");
}

static void test_others_in_between(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 2 -q 1",
                         SCRIPT(connected, first_half, lost, connected_to_session, message_one,
                                same_again)), 0);
    assert_string_equal(printed, "012345\none\n0123456789ab\n");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-T t/1 -C 1 -q 1",
                         SCRIPT(connected, first_half, lost, connected_to_session, message_one,
                                same_again)), 0);
    assert_string_equal(printed, "0123456789ab\n");
}

static void test_the_end_cuts_it_off_too(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-W 1", SCRIPT(connected, first_half)), 27);
    assert_string_equal(printed, "012345\n");
    assert_said("the message before was cut off after 6 bytes");
}

/* ---- rates ---- */

static void test_message_rate(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "--message-rate -W 1",
                         SCRIPT(connected, two_at_once, pieces)), 27);
    assert_string_equal(printed, "3\n");
}

static void two_hundred(void)
{
    for (int i = 0; i < 100; i++)
        two_at_once();
}

static void test_random_filter(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "--random-filter 25 -C 400",
                         SCRIPT(connected, two_hundred, two_hundred)), 0);
    assert_true(strlen(printed) / 4 > 50 && strlen(printed) / 4 < 150);
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "--random-filter 100 -C 200",
                         SCRIPT(connected, two_hundred)), 0);
    assert_int_equal(strlen(printed), 800);
}

/* ---- events ---- */

/* Times are taken out. */
static void without_times(char *text)
{
    for (char *at; (at = strstr(text, ",\"t\":"));) {
        char *after = at + strcspn(at + 1, ",") + 1;
        memmove(at, after, strlen(after) + 1);
    }
}

static void test_events(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-U x -C 3 --events",
                         SCRIPT(connected_to_session, subscribed, unsubscribed, message_one, lost,
                                connected, pieces, message_two)), 0);
    without_times(printed);
    assert_string_equal(printed,
        "{\"event\":\"connected\",\"session_present\":1,\"reason\":0}\n"
        "{\"event\":\"subscribed\",\"id\":1,\"codes\":[1,1]}\n"
        "{\"event\":\"unsubscribed\",\"id\":1,\"codes\":[17]}\n"
        "{\"event\":\"data\",\"topic\":\"t/1\",\"off\":0,\"len\":3,\"total\":3}\none\n"
        "{\"event\":\"disconnected\",\"redial_ms\":1234,\"error\":\"connection-closed\","
        "\"text\":\"the line is dead\"}\n"
        "{\"event\":\"connected\",\"session_present\":0,\"reason\":0}\n"
        "{\"event\":\"data\",\"topic\":\"t/p\",\"off\":0,\"len\":5,\"total\":12}\nfirst"
        "{\"event\":\"data\",\"topic\":\"t/p\",\"off\":5,\"len\":5,\"total\":12}\n then"
        "{\"event\":\"data\",\"topic\":\"t/p\",\"off\":10,\"len\":2,\"total\":12}\n\r\n\n"
        "{\"event\":\"data\",\"topic\":\"t/2\",\"off\":0,\"len\":3,\"total\":3}\ntwo\n");
}

static void test_events_of_an_error(void **state)
{
    (void)state;
    client.publish_result = TH_E_TOO_LARGE;
    client.request_fault = (struct th_fault){.code = TH_E_TOO_LARGE, .text = "too \"many\" filters"};
    assert_int_equal(run(TH_CLI_SUB, PLAIN "--events", SCRIPT(connected)), 25);
    without_times(printed);
    assert_non_null(strstr(printed, "{\"event\":\"error\",\"error\":\"too-large\","
                                    "\"text\":\"too \\\"many\\\" filters\",\"exit\":25}\n"));
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-W 1 --events", SCRIPT(connected)), 27);
    assert_non_null(strstr(printed, "\"text\":\"time is up after 1 s\",\"exit\":27}\n"));
}

static void test_events_to_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/test_events.XXXXXX", words[128], text[512] = "";
    close(mkstemp(path));
    snprintf(words, sizeof words, PLAIN "-C 1 --events=%s", path);
    assert_int_equal(run(TH_CLI_SUB, words, SCRIPT(connected, message_one)), 0);
    assert_string_equal(printed, "one\n");
    FILE *file = fopen(path, "r");
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    unlink(path);
    without_times(text);
    assert_string_equal(text, "{\"event\":\"connected\",\"session_present\":0,\"reason\":0}\n"
                              "{\"event\":\"data\",\"topic\":\"t/1\",\"off\":0,\"len\":3,"
                              "\"total\":3}\n");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "--events=/no/such/file", SCRIPT(connected)), 66);
    assert_string_equal(said, "thimble sub: cannot write events to /no/such/file: No such file or "
                              "directory (66 file-unusable)\n");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 1 --events=/dev/full",
                         SCRIPT(connected, message_one)), 66);
    assert_string_equal(printed, "one\n");
    assert_non_null(strstr(said, "cannot write events"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_flags_of_the_subscription, fresh_client),
        cmocka_unit_test_setup(test_properties_of_the_subscription, fresh_client),
        cmocka_unit_test_setup(test_removes_retained, fresh_client),
        cmocka_unit_test_setup(test_what_is_not_removed_is_told, fresh_client),
        cmocka_unit_test_setup(test_removal_waits_for_room, fresh_client),
        cmocka_unit_test_setup(test_refused_unsubscription, fresh_client),
        cmocka_unit_test_setup(test_all_refused, fresh_client),
        cmocka_unit_test_setup(test_goes_on_where_it_ended, fresh_client),
        cmocka_unit_test_setup(test_what_may_be_another_is_printed_anew, fresh_client),
        cmocka_unit_test_setup(test_another_content_is_told, fresh_client),
        cmocka_unit_test_setup(test_others_in_between, fresh_client),
        cmocka_unit_test_setup(test_the_end_cuts_it_off_too, fresh_client),
        cmocka_unit_test_setup(test_message_rate, fresh_client),
        cmocka_unit_test_setup(test_random_filter, fresh_client),
        cmocka_unit_test_setup(test_events, fresh_client),
        cmocka_unit_test_setup(test_events_of_an_error, fresh_client),
        cmocka_unit_test_setup(test_events_to_a_file, fresh_client),
    };
    clearenv();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

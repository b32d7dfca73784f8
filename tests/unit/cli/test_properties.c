/* -D: names, packets, ranges, order, and what is said about a wrong one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/properties.h"

static struct th_cli_properties list;
static struct th_cli_problem problem;

static int fresh(void **state)
{
    (void)state;
    memset(&list, 0, sizeof list);
    memset(&problem, 0, sizeof problem);
    return 0;
}

static bool add(const char *packet, const char *name, const char *value)
{
    return th_cli_property_add(&list, TH_CLI_ALL, packet, name, value, NULL, &problem);
}

static bool add_pair(const char *packet, const char *name, const char *value)
{
    return th_cli_property_add(&list, TH_CLI_ALL, packet, "user-property", name, value, &problem);
}

static const struct th_property *only(enum th_cli_packet packet)
{
    struct th_properties found = th_cli_properties_of(&list, packet);
    assert_int_equal(found.count, 1);
    return found.list;
}

static void assert_text(struct th_slice got, const char *expected)
{
    assert_int_equal(got.len_bytes, strlen(expected));
    assert_memory_equal(got.data, expected, strlen(expected));
}

static void test_kinds(void **state)
{
    (void)state;
    assert_true(add("connect", "receive-maximum", "20"));
    assert_int_equal(only(TH_CLI_CONNECT)->id, 0x21);
    assert_int_equal(only(TH_CLI_CONNECT)->number, 20);
    assert_true(add("PUBLISH", "Content-Type", "text/plain"));
    assert_int_equal(only(TH_CLI_PUBLISH)->id, 3);
    assert_text(only(TH_CLI_PUBLISH)->text, "text/plain");
    assert_true(add("will", "correlation-data", "\xff\xfe"));
    assert_text(only(TH_CLI_WILL)->text, "\xff\xfe");
    assert_true(add_pair("disconnect", "name", "value"));
    assert_text(only(TH_CLI_DISCONNECT)->text, "name");
    assert_text(only(TH_CLI_DISCONNECT)->value, "value");
    assert_int_equal(th_cli_properties_of(&list, TH_CLI_SUBSCRIBE).count, 0);
}

/* What each packet takes, and nothing else; the identifiers are those of the standard. */
static void test_every_name_in_every_packet(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t id;
        const char *packets;
    } expected[] = {
        {"payload-format-indicator", 0x01, "pw"}, {"message-expiry-interval", 0x02, "pw"},
        {"content-type", 0x03, "pw"},             {"response-topic", 0x08, "pw"},
        {"correlation-data", 0x09, "pw"},         {"subscription-identifier", 0x0b, "s"},
        {"session-expiry-interval", 0x11, "cd"},  {"assigned-client-identifier", 0x12, ""},
        {"server-keep-alive", 0x13, ""},          {"authentication-method", 0x15, "c"},
        {"authentication-data", 0x16, "c"},       {"request-problem-information", 0x17, "c"},
        {"will-delay-interval", 0x18, "w"},       {"request-response-information", 0x19, "c"},
        {"response-information", 0x1a, ""},       {"server-reference", 0x1c, ""},
        {"reason-string", 0x1f, "d"},             {"receive-maximum", 0x21, "c"},
        {"topic-alias-maximum", 0x22, "c"},       {"topic-alias", 0x23, "p"},
        {"maximum-qos", 0x24, ""},                {"retain-available", 0x25, ""},
        {"user-property", 0x26, "cpsudw"},        {"maximum-packet-size", 0x27, "c"},
        {"wildcard-subscription-available", 0x28, ""}, {"", 0, ""}, {"content", 0, ""},
    };
    static const char *const packets[] = {"connect", "publish", "subscribe", "unsubscribe",
                                          "disconnect", "will"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        for (int p = 0; p < TH_CLI_PACKETS; p++) {
            fresh(NULL);
            bool wanted = strchr(expected[i].packets, *packets[p]) && *expected[i].packets;
            assert_int_equal(th_cli_property_add(&list, TH_CLI_ALL, packets[p], expected[i].name,
                                                 "1", "2", &problem), wanted);
            assert_int_equal(list.count, wanted);
            if (wanted)
                assert_int_equal(list.list[0].id, expected[i].id);
            if (wanted)
                assert_string_equal(th_cli_property_name(expected[i].id), expected[i].name);
        }
    assert_null(th_cli_property_name(0x12));
}

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *packet, *name, *good[2], *bad[3];
    } ranges[] = {
        {"publish", "payload-format-indicator", {"0", "1"}, {"2", "-1", ""}},
        {"publish", "topic-alias", {"1", "65535"}, {"0", "65536", "x"}},
        {"connect", "topic-alias-maximum", {"0", "65535"}, {"65536", "1x", "-1"}},
        {"connect", "receive-maximum", {"1", "65535"}, {"0", "65536", " 1"}},
        {"connect", "maximum-packet-size", {"1", "4294967295"}, {"0", "4294967296", "1k"}},
        {"will", "will-delay-interval", {"0", "4294967295"}, {"4294967296", "-1", "0x1"}},
        {"subscribe", "subscription-identifier", {"1", "268435455"}, {"0", "268435456", "+1"}},
        {"publish", "response-topic", {"a/b", "$x"}, {"a/#", "", "+"}},
        {"publish", "content-type", {"", "\xc3\xa9"}, {"\xff", "\xc3", "\xed\xa0\x80"}},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        for (int g = 0; g < 2; g++, fresh(NULL))
            assert_true(add(ranges[i].packet, ranges[i].name, ranges[i].good[g]));
        for (int b = 0; b < 3; b++)
            assert_false(add(ranges[i].packet, ranges[i].name, ranges[i].bad[b]));
        assert_int_equal(list.count, 0);
    }
    assert_true(add("subscribe", "subscription-identifier", "268435455"));
    assert_int_equal(only(TH_CLI_SUBSCRIBE)->number, 268435455);
}

static void test_too_long(void **state)
{
    (void)state;
    char *text = malloc(65537);
    memset(text, 'x', 65536);
    text[65536] = '\0';
    assert_false(add("publish", "content-type", text));
    assert_false(add("publish", "correlation-data", text));
    assert_false(add("publish", "response-topic", text));
    assert_false(add_pair("publish", "n", text));
    assert_true(add("publish", "correlation-data", text + 1));
    free(text);
}

static void test_those_of_one_packet_lie_side_by_side(void **state)
{
    (void)state;
    assert_true(add_pair("will", "w", "1"));
    assert_true(add_pair("publish", "p", "1"));
    assert_true(add_pair("connect", "c", "1"));
    assert_true(add_pair("publish", "p", "2"));
    assert_true(add("will", "content-type", "w"));
    struct th_properties of_publish = th_cli_properties_of(&list, TH_CLI_PUBLISH);
    assert_int_equal(of_publish.count, 2);
    assert_text(of_publish.list[0].value, "1");
    assert_text(of_publish.list[1].value, "2");
    assert_text(only(TH_CLI_CONNECT)->text, "c");
    assert_int_equal(th_cli_properties_of(&list, TH_CLI_WILL).count, 2);
}

static void test_given_twice(void **state)
{
    (void)state;
    assert_true(add("publish", "content-type", "a"));
    assert_true(add("will", "content-type", "a"));
    assert_false(add("publish", "content-type", "b"));
    assert_string_equal(problem.text, "-D publish content-type b: given before; give it once");
    assert_true(add("subscribe", "subscription-identifier", "1"));
    assert_false(add("subscribe", "subscription-identifier", "2"));
}

static void test_no_more_than_there_is_room_for(void **state)
{
    (void)state;
    for (int i = 0; i < TH_CLI_PROPERTIES_MAX; i++)
        assert_true(add_pair("publish", "a", "b"));
    assert_false(add_pair("publish", "a", "b"));
    assert_non_null(strstr(problem.text, "at most 32"));
}

static void test_packets_of_the_command(void **state)
{
    (void)state;
    static const struct {
        int command;
        const char *packets;
    } commands[] = {{TH_CLI_PUB, "connect publish disconnect will"},
                    {TH_CLI_SUB, "connect subscribe unsubscribe disconnect will"},
                    {TH_CLI_RR, "connect publish subscribe unsubscribe disconnect will"}};
    for (int i = 0; i < 3; i++) {
        assert_false(th_cli_property_add(&list, commands[i].command, "puback", "user-property",
                                         "a", "b", &problem));
        assert_non_null(strstr(problem.text, "-D puback: "));
        assert_string_equal(strstr(problem.text, ": connect") + 2, commands[i].packets);
    }
    assert_false(th_cli_property_add(&list, TH_CLI_PUB, "subscribe", "user-property", "a", "b",
                                     &problem));
}

static void test_what_is_said(void **state)
{
    (void)state;
    assert_false(add("publish", "will-delay-interval", "1"));
    assert_string_equal(problem.text, "-D publish will-delay-interval: no such property of this "
                        "packet; give one of: content-type correlation-data "
                        "message-expiry-interval payload-format-indicator response-topic "
                        "topic-alias user-property");
    assert_false(add("connect", "nonsense\n", "1"));
    assert_non_null(strstr(problem.text, "nonsense?:"));
    assert_non_null(strstr(problem.text, "topic-alias-maximum user-property"));
    assert_false(add("publish", "topic-alias", "70000"));
    assert_string_equal(problem.text,
                        "-D publish topic-alias 70000: give a whole number from 1 to 65535");
    assert_false(add("publish", "response-topic", "a/#"));
    assert_string_equal(problem.text, "-D publish response-topic a/#: not a topic to publish on; "
                        "it is UTF-8 without +, # and control characters");
}

/* A broker may end the connection over one, and would at each redial. */
static void test_control_characters(void **state)
{
    (void)state;
    assert_false(add("publish", "content-type", "a\n"));
    assert_string_equal(problem.text, "-D publish content-type a?: too long, or not UTF-8 without "
                        "control characters; give at most 65535 bytes");
    assert_false(add("will", "response-topic", "a\xc2\x85"));
    assert_non_null(strstr(problem.text, "not a topic to publish on"));
    assert_false(add("disconnect", "reason-string", "\x7f"));
    assert_false(add_pair("publish", "\x1b", "v"));
    assert_false(add_pair("publish", "n", "\xef\xbf\xbe"));
    assert_true(add("publish", "correlation-data", "\n\x7f"));
    assert_true(add_pair("publish", " ", "\xc2\xa0"));
}

static void test_pairs(void **state)
{
    (void)state;
    assert_true(th_cli_property_is_pair("user-property"));
    assert_true(th_cli_property_is_pair("User-Property"));
    assert_false(th_cli_property_is_pair("content-type"));
    assert_false(th_cli_property_is_pair("nonsense"));
    assert_false(add_pair("publish", "\xff", "v"));
    assert_false(add_pair("publish", "n", "\xff"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_kinds, fresh),
        cmocka_unit_test_setup(test_every_name_in_every_packet, fresh),
        cmocka_unit_test_setup(test_ranges, fresh),
        cmocka_unit_test_setup(test_control_characters, fresh),
        cmocka_unit_test_setup(test_too_long, fresh),
        cmocka_unit_test_setup(test_those_of_one_packet_lie_side_by_side, fresh),
        cmocka_unit_test_setup(test_given_twice, fresh),
        cmocka_unit_test_setup(test_no_more_than_there_is_room_for, fresh),
        cmocka_unit_test_setup(test_packets_of_the_command, fresh),
        cmocka_unit_test_setup(test_what_is_said, fresh),
        cmocka_unit_test_setup(test_pairs, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

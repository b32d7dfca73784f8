/* Lines of producers: what they become, and what they may not say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/line.h"

#include <stdlib.h>
#include <string.h>

static char *line;
static struct th_spool_message message;
static struct th_fault fault;

/* In a block of exactly that size: the sanitizer sees what is beside it. */
static int reads(const char *text)
{
    size_t bytes = strlen(text);
    free(line);
    line = malloc(bytes ? bytes : 1);
    memcpy(line, text, bytes);
    memset(&fault, 0, sizeof fault);
    return th_agent_line_read(&message, line, bytes, &fault);
}

static void is(struct th_slice slice, const char *text, size_t bytes)
{
    assert_int_equal(slice.len_bytes, bytes);
    assert_memory_equal(slice.data, text, bytes);
}

static void test_defaults(void **state)
{
    (void)state;
    assert_int_equal(reads("{\"topic\":\"a/b\",\"payload\":\"x\"}"), 0);
    is(message.topic, "a/b", 3);
    is(message.payload, "x", 1);
    assert_int_equal(message.qos, 1);
    assert_false(message.retain || message.conflate || message.expires);
    assert_int_equal(message.id.len_bytes + message.properties.len_bytes, 0);
}

static void test_all_members(void **state)
{
    (void)state;
    assert_int_equal(reads("{\"id\":\"i\",\"qos\":2,\"retain\":true,\"conflate\":true,\"expiry_s\":7,"
                           "\"payload_base64\":\"AAEC/w==\",\"topic\":\"t\\u00e9\"} "), 0);
    is(message.payload, "\0\1\2\xff", 4);
    is(message.topic, "t\xc3\xa9", 3);
    is(message.id, "i", 1);
    assert_int_equal(message.qos, 2);
    assert_int_equal(message.expiry_s, 7);
    assert_true(message.retain && message.conflate && message.expires);
}

static void test_properties(void **state)
{
    (void)state;
    assert_int_equal(reads("{\"topic\":\"t\",\"payload\":\"\",\"properties\":{\"content-type\":\"c\","
                           "\"payload-format-indicator\":1,\"user-property\":{\"a\":\"b\"}}}"), 0);
    is(message.properties, "\x03\0\x01" "c" "\x01\x01" "\x26\0\x01" "a" "\0\x01" "b", 13);
}

static void refuses(const char *text, const char *words)
{
    assert_int_equal(reads(text), TH_E_ARGUMENT);
    if (!strstr(fault.text, words))
        fail_msg("%s: \"%s\" is not in \"%s\"", text, words, fault.text);
}

static void test_what_is_wrong(void **state)
{
    (void)state;
    refuses("", "no JSON");
    refuses("{}", "topic: missing");
    refuses("{\"topic\":\"t\"}", "payload: missing");
    refuses("{\"topic\":\"#\",\"payload\":\"\"}", "topic: give");
    refuses("{\"topic\":\"t\",\"topic\":\"t\",\"payload\":\"\"}", "given twice");
    refuses("{\"topic\":\"t\",\"payload\":null}", "payload: give");
    refuses("{\"topic\":{\"a\":\"t\"},\"payload\":\"\"}", "topic: give");
    refuses("{\"topic\":\"t\",\"payload_base64\":\"AAE\"}", "give base64");
    refuses("{\"topic\":\"t\",\"payload_base64\":\"AA=A\"}", "give base64");
    refuses("{\"topic\":\"t\",\"payload\":\"\",\"id\":\"\"}", "id: give");
    refuses("{\"topic\":\"t\",\"payload\":\"\",\"qos\":\"1\"}", "qos: give");
    refuses("{\"topic\":\"t\",\"payload\":\"\",\"x\":1}", "x: no member");
    refuses("{\"topic\":\"t\",\"payload\":\"\",\"properties\":1}", "properties: give");
    refuses("{\"topic\":\"t\",\"payload\":\"\",\"properties\":[1]}", "properties: give");
    refuses("{\"topic\":\"t\",\"payload\":\"\",\"properties\":{\"topic-alias\":1}}", "chooses");
}

static void test_properties_that_do_not_fit(void **state)
{
    (void)state;
    static char text[4096];
    strcpy(text, "{\"topic\":\"t\",\"payload\":\"\",\"properties\":{\"content-type\":\"");
    memset(text + strlen(text), 'c', 2000);
    strcat(text, "\"}}");
    refuses(text, "too long");
}

static int forget(void **state)
{
    (void)state;
    free(line);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_all_members),
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_what_is_wrong),
        cmocka_unit_test(test_properties_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}

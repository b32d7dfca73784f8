/* JSON written straight through, and JSON of others taken in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"
#include "json/copy.h"

static char written[4096];
static size_t used;

static void keep(const void *data, size_t bytes)
{
    assert_true(used + bytes < sizeof written);
    memcpy(written + used, data, bytes);
    used += bytes;
    written[used] = '\0';
}

static struct th_json_flow fresh(bool pretty)
{
    used = 0;
    written[0] = '\0';
    return (struct th_json_flow){.write = keep, .pretty = pretty};
}

static void write_all(struct th_json_flow *flow)
{
    th_json_flow_open(flow, '{');
    th_json_flow_member(flow, "n");
    th_json_flow_integer(flow, UINT64_MAX);
    th_json_flow_member(flow, "o");
    th_json_flow_open(flow, '{');
    th_json_flow_shut(flow, '}');
    th_json_flow_member(flow, "a");
    th_json_flow_open(flow, '[');
    th_json_flow_element(flow);
    th_json_flow_raw(flow, "null");
    th_json_flow_element(flow);
    th_json_flow_open(flow, '{');
    th_json_flow_name_begin(flow);
    th_json_flow_string(flow, th_slice_text("k\""));
    th_json_flow_name_end(flow);
    th_json_flow_raw(flow, "true");
    th_json_flow_shut(flow, '}');
    th_json_flow_shut(flow, ']');
    th_json_flow_shut(flow, '}');
}

static void test_objects_and_arrays(void **state)
{
    (void)state;
    struct th_json_flow flow = fresh(false);
    write_all(&flow);
    assert_string_equal(written,
                        "{\"n\":18446744073709551615,\"o\":{},\"a\":[null,{\"k\\\"\":true}]}");
    flow = fresh(true);
    write_all(&flow);
    assert_string_equal(written, "{\n\t\"n\":\t18446744073709551615,\n\t\"o\":\t{\n\t},\n"
                                 "\t\"a\":\t[null, {\n\t\t\t\"k\\\"\":\ttrue\n\t\t}]\n}");
}

static void test_strings(void **state)
{
    (void)state;
    struct th_json_flow flow = fresh(false);
    th_json_flow_string(&flow, th_slice_of("a\"\\/\b\f\n\r\t\x01\x7f\x1f\0\xc3\xa9\xff", 16));
    assert_string_equal(written,
                        "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7f\\u001f\\u0000\xc3\xa9\xff\"");
    flow = fresh(false);
    th_json_flow_string(&flow, th_slice_of(NULL, 0));
    assert_string_equal(written, "\"\"");
}

static void test_base64(void **state)
{
    static const char *const rfc4648[][2] = {
        {"", "\"\""}, {"f", "\"Zg==\""}, {"fo", "\"Zm8=\""}, {"foo", "\"Zm9v\""},
        {"foob", "\"Zm9vYg==\""}, {"fooba", "\"Zm9vYmE=\""}, {"foobar", "\"Zm9vYmFy\""},
        {"\xff\xfe\xfb", "\"//77\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rfc4648 / sizeof *rfc4648; i++) {
        struct th_json_flow flow = fresh(false);
        th_json_flow_base64(&flow, th_slice_text(rfc4648[i][0]));
        assert_string_equal(written, rfc4648[i][1]);
    }
}

static void assert_copied(const char *from, bool pretty, const char *wanted)
{
    struct th_json_flow flow = fresh(pretty);
    if (!th_json_copy(&flow, th_slice_text(from)))
        fail_msg("%s is refused", from);
    assert_string_equal(written, wanted);
    flow = (struct th_json_flow){0};
    assert_true(th_json_copy(&flow, th_slice_text(from)));
    assert_int_equal(flow.depth, 0);
}

static void test_copies(void **state)
{
    (void)state;
    assert_copied("{ \"a\" : 1e3, \"b\":[1, 2.50 ,{}],\"c\":\"\\u00e9\\u0001\\/x\xc3\xa9\" ,"
                  " \"d\":null,\"e\":true }\n", false,
                  "{\"a\":1e3,\"b\":[1,2.5,{}],\"c\":\"\xc3\xa9\\u0001/x\xc3\xa9\",\"d\":null,"
                  "\"e\":true}");
    assert_copied("{\"b\":[1,2.5,{}],\"c\":false}", true,
                  "{\n\t\"b\":\t[1, 2.5, {\n\t\t}],\n\t\"c\":\tfalse\n}");
    assert_copied("[1,{\"a\":{},\"b\":[]}]", true,
                  "[1, {\n\t\t\"a\":\t{\n\t\t},\n\t\t\"b\":\t[]\n\t}]");
    assert_copied(" [[[]],[ ] , [3,[4]]] ", false, "[[[]],[],[3,[4]]]");
    assert_copied("\"\\ud83d\\ude00\\u0800\\uffff\\u007f\\u0080\\u07ff\"", false,
                  "\"\xf0\x9f\x98\x80\xe0\xa0\x80\xef\xbf\xbf\x7f\xc2\x80\xdf\xbf\"");
    assert_copied("\"\\u0000\\\"\\\\\\b\\f\\n\\r\\t\"", false,
                  "\"\\u0000\\\"\\\\\\b\\f\\n\\r\\t\"");
    assert_copied("{\"a\":1,\"a\":2}", false, "{\"a\":1,\"a\":2}");
    assert_copied("\"\"", false, "\"\"");
}

static void test_numbers_keep_their_digits(void **state)
{
    static const char *const numbers[][2] = {
        {"0", "0"}, {"-0", "-0"}, {"27.0", "27"}, {"27.50", "27.5"}, {"-0.0", "-0"}, {"100", "100"},
        {"12345678901234567890", "12345678901234567890"}, {"1e5", "1e5"}, {"1.0E+5", "1.0E+5"},
        {"1e-5", "1e-5"}, {"0.1", "0.1"}, {"3.1415926535897930", "3.1415926535897930"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_copied(numbers[i][0], false, numbers[i][1]);
}

static void test_what_is_not_json_is_refused(void **state)
{
    static const char *const wrong[] = {
        "", " ", "nul", "nulll", "[1] x", "[1,]", "{\"a\":1,}", "{\"a\"}", "{a:1}", "[", "{", "]",
        "[}", "{]", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud83d\"",
        "\"\\ud83dx\"", "\"\\ud83d\\n\"", "\"\\ud83d\\u0041\"", "\"\\udc00\"", "+1", "-", "01",
        "1.", ".5", "1e", "1e+", "--1", "[1 2]", "{\"a\":1 \"b\":2}", ",", "[,1]", "{,}", "tru",
        "\xef\xbb\xbf[1]", "'a'", "NaN",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct th_json_flow flow = {0};
        if (th_json_copy(&flow, th_slice_text(wrong[i])))
            fail_msg("%s is taken", wrong[i]);
    }
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    char deep[2 * TH_JSON_COPY_DEPTH + 2];
    memset(deep, '[', TH_JSON_COPY_DEPTH);
    memset(deep + TH_JSON_COPY_DEPTH, ']', TH_JSON_COPY_DEPTH);
    struct th_json_flow flow = {0};
    assert_true(th_json_copy(&flow, th_slice_of(deep, 2 * TH_JSON_COPY_DEPTH)));
    memset(deep, '[', TH_JSON_COPY_DEPTH + 1);
    memset(deep + TH_JSON_COPY_DEPTH + 1, ']', TH_JSON_COPY_DEPTH + 1);
    flow = (struct th_json_flow){0};
    assert_false(th_json_copy(&flow, th_slice_of(deep, sizeof deep)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_and_arrays),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_numbers_keep_their_digits),
        cmocka_unit_test(test_what_is_not_json_is_refused),
        cmocka_unit_test(test_depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

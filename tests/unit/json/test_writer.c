#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>
#include <cmocka.h>
#include <thimble.h>

#include "json/writer.h"

struct paper {
    char text[4096];
    size_t used;
    size_t room; /* writing beyond it fails */
};

static int write_paper(void *arg, const char *text, size_t text_bytes)
{
    struct paper *paper = arg;
    if (paper->used + text_bytes > paper->room)
        return TH_E_FILE;
    memcpy(paper->text + paper->used, text, text_bytes);
    paper->used += text_bytes;
    paper->text[paper->used] = '\0';
    return TH_OK;
}

static struct paper blank(void)
{
    return (struct paper){.room = sizeof(((struct paper *)0)->text) - 1};
}

static int write_two_levels(struct paper *paper)
{
    struct th_json json;
    th_json_begin(&json, write_paper, paper);
    th_json_enter(&json, "rooms");
    th_json_open(&json, "mem");
    th_json_number(&json, "size", 7);
    th_json_text(&json, "name", "a \"b\"\n");
    th_json_close(&json);
    th_json_open(&json, "net");
    th_json_close(&json);
    th_json_leave(&json);
    th_json_open(&json, "last");
    th_json_flag(&json, "done", true);
    th_json_close(&json);
    return th_json_end(&json);
}

static void writes_one_leaf_a_line(void **state)
{
    (void)state;
    struct paper paper = blank();
    assert_int_equal(write_two_levels(&paper), TH_OK);
    assert_string_equal(paper.text, "{\n"
                                    "  \"rooms\": {\n"
                                    "    \"mem\": {\"size\":7,\"name\":\"a \\\"b\\\"\\n\"},\n"
                                    "    \"net\": {}\n"
                                    "  },\n"
                                    "  \"last\": {\"done\":true}\n"
                                    "}\n");
}

static void prints_every_integer_exactly(void **state)
{
    (void)state;
    struct paper paper = blank();
    struct th_json json;
    th_json_begin(&json, write_paper, &paper);
    th_json_open(&json, "n");
    th_json_number(&json, "a", 0);
    th_json_number(&json, "b", 2147483647);
    th_json_number(&json, "c", 2147483648);
    th_json_number(&json, "d", UINT64_MAX);
    th_json_close(&json);
    assert_int_equal(th_json_end(&json), TH_OK);
    assert_string_equal(paper.text, "{\n  \"n\": {\"a\":0,\"b\":2147483647,\"c\":2147483648,"
                                    "\"d\":18446744073709551615}\n}\n");
}

static void keeps_the_first_error_of_the_sink(void **state)
{
    (void)state;
    struct paper whole = blank();
    write_two_levels(&whole);
    for (size_t room = 0; room < whole.used; room++) {
        struct paper paper = {.room = room};
        assert_int_equal(write_two_levels(&paper), TH_E_FILE);
        assert_memory_equal(paper.text, whole.text, paper.used);
    }
}

static int allowed;

static void *take(size_t bytes)
{
    return allowed-- > 0 ? malloc(bytes) : NULL;
}

static void survives_the_refusal_of_each_allocation(void **state)
{
    (void)state;
    cJSON_Hooks hooks = {take, free};
    cJSON_InitHooks(&hooks);
    int refusals = 0;
    for (;; refusals++) {
        struct paper paper = blank();
        allowed = refusals;
        int result = write_two_levels(&paper);
        if (result == TH_OK)
            break;
        assert_int_equal(result, TH_E_MEMORY);
        assert_true(refusals < 100);
    }
    cJSON_InitHooks(NULL);
    assert_true(refusals >= 7);
}

static void refuses_a_leaf_that_is_too_long(void **state)
{
    (void)state;
    char text[TH_JSON_LEAF_BYTES + 1];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct paper paper = blank();
    struct th_json json;
    th_json_begin(&json, write_paper, &paper);
    th_json_open(&json, "n");
    th_json_text(&json, "long", text);
    th_json_close(&json);
    assert_int_equal(th_json_end(&json), TH_E_TOO_LARGE);
}

static void refuses_to_nest_deeper_than_eight(void **state)
{
    (void)state;
    for (int levels = 0; levels < 12; levels++) {
        struct paper paper = blank();
        struct th_json json;
        th_json_begin(&json, write_paper, &paper);
        for (int i = 0; i < levels; i++)
            th_json_enter(&json, "in");
        for (int i = 0; i < levels; i++)
            th_json_leave(&json);
        assert_int_equal(th_json_end(&json), levels < 8 ? TH_OK : TH_E_TOO_LARGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_one_leaf_a_line),
        cmocka_unit_test(prints_every_integer_exactly),
        cmocka_unit_test(keeps_the_first_error_of_the_sink),
        cmocka_unit_test(survives_the_refusal_of_each_allocation),
        cmocka_unit_test(refuses_a_leaf_that_is_too_long),
        cmocka_unit_test(refuses_to_nest_deeper_than_eight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* JSON that is read in place: what is shown, and where a mistake is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "json/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char seen[1024];
static bool tells_empty;

static bool note(void *arg, const struct th_json_leaf *leaf)
{
    const char *unwanted = arg;
    size_t used = strlen(seen);
    for (unsigned i = 0; i < leaf->depth; i++)
        used += (size_t)snprintf(seen + used, sizeof seen - used, "/%s",
                                 leaf->names[i] ? leaf->names[i] : "[]");
    snprintf(seen + used, sizeof seen - used, leaf->is_text ? "=\"%s\"@%u:%u;" : "=%s@%u:%u;",
             leaf->text, leaf->value.line, leaf->value.column);
    return strcmp(leaf->text, unwanted) != 0;
}

/* In a block of exactly that size: the sanitizer sees what is beside it. */
static bool walks(struct th_json_walk *walk, const char *text)
{
    size_t bytes = strlen(text);
    char *copy = malloc(bytes ? bytes : 1);
    memcpy(copy, text, bytes);
    seen[0] = '\0';
    *walk = (struct th_json_walk){.take = note, .arg = "unwanted", .tells_empty = tells_empty};
    bool right = th_json_walk(walk, copy, bytes);
    free(copy);
    return right;
}

static void reads(const char *text, const char *expected)
{
    struct th_json_walk walk;
    assert_true(walks(&walk, text));
    assert_string_equal(seen, expected);
}

static void stops(const char *text, unsigned line, unsigned column)
{
    struct th_json_walk walk;
    assert_false(walks(&walk, text));
    assert_int_equal(walk.stopped.line, line);
    assert_int_equal(walk.stopped.column, column);
    assert_non_null(walk.wanted);
}

static void test_values(void **state)
{
    (void)state;
    reads("{}", "");
    reads(" {\"a\" : {} , \"b\":[ ]}\n", "");
    reads("{\"a\":1,\"b\":-1.5e3,\"c\":true,\"d\":false,\"e\":null}",
          "/a=1@1:6;/b=-1.5e3@1:12;/c=true@1:23;/d=false@1:32;/e=null@1:42;");
    reads("{\"a\":\"\",\"\":\"x\"}", "/a=\"\"@1:6;/=\"x\"@1:12;");
    reads("{\"a\":[1,2,[\"b\",{\"c\":\"d\"}]],\"e\":3}",
          "/a/[]=1@1:7;/a/[]=2@1:9;/a/[]/[]=\"b\"@1:12;/a/[]/[]/c=\"d\"@1:21;/e=3@1:32;");
    reads("{\n  \"a\":\r\n\t7\n}", "/a=7@3:2;");
}

static void test_what_is_empty_is_told_if_wanted(void **state)
{
    (void)state;
    tells_empty = true;
    reads("{}", "/=@1:2;");
    reads(" {\"a\" : {} , \"b\":[ ],\"c\":[[],{},\"\"]}\n",
          "/a/=@1:10;/b/[]=@1:20;/c/[]/[]=@1:28;/c/[]/=@1:31;/c/[]=\"\"@1:33;");
    stops("{\"a\":[}", 1, 7);
    tells_empty = false;
}

static void test_escapes(void **state)
{
    (void)state;
    reads("{\"\\u0061\":\"\\\"\\\\\\/\\n\\u00e9\\ud83d\\ude00.\"}",
          "/a=\"\"\\/\n\xc3\xa9\xf0\x9f\x98\x80.\"@1:11;");
}

static void test_mistakes(void **state)
{
    (void)state;
    stops("", 1, 1);
    stops("[]", 1, 1);
    stops("{", 1, 2);
    stops("{\"a\"", 1, 5);
    stops("{\"a\" 1}", 1, 6);
    stops("{\"a\":}", 1, 6);
    stops("{\"a\":1", 1, 7);
    stops("{\"a\":1,}", 1, 8);
    stops("{\"a\":[1,]}", 1, 9);
    stops("{\"a\":1]", 1, 7);
    stops("{\"a\":\n tru}", 2, 2);
    stops("{\"a\":01}", 1, 6);
    stops("{\"a\":\"b\nc\"}", 1, 6);
    stops("{\"a\":\"\\u0000\"}", 1, 6);
    stops("{\"a\":\"\\ud800\"}", 1, 6);
    stops("{\"a\":\"b", 1, 6);
    stops("{\"a\":\"b\\", 1, 6);
    stops("{} {}", 1, 4);
    stops("{a:1}", 1, 2);
}

static void test_depth(void **state)
{
    (void)state;
    reads("{\"a\":[[[[[[[1]]]]]]]}", "/a/[]/[]/[]/[]/[]/[]/[]=1@1:13;");
    stops("{\"a\":[[[[[[[[1]]]]]]]]}", 1, 13);
}

static void test_what_is_not_wanted_ends_it(void **state)
{
    (void)state;
    struct th_json_walk walk;
    assert_false(walks(&walk, "{\"a\":\"unwanted\",\"b\":2}"));
    assert_null(walk.wanted);
    assert_string_equal(seen, "/a=\"unwanted\"@1:6;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_what_is_empty_is_told_if_wanted),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_what_is_not_wanted_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

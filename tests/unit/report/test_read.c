/* A report that was written as JSON is read again, and foreign text does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/fields.h"
#include "report/report.h"

static char written[16384], again[16384];

static int append(void *to, const char *text, size_t text_bytes)
{
    strncat(to, text, text_bytes);
    return TH_OK;
}

static const char *json_of(const struct th_report *report, char *text)
{
    *text = '\0';
    assert_int_equal(th_report_json(report, append, text), TH_OK);
    return text;
}

/* Every number is another one, every text is there. */
static struct th_report sample(void)
{
    struct th_report report = {
        .static_bytes = 1, .pool_bytes = 2, .stack_bytes = 3, .kernel_bytes = 4,
        .attempts = 5, .taken = 6, .returned = 7, .refused = 8,
        .last_refusal = {"tls_heap", "certificate", TH_PHASE_SHAKING, 9, 10, 11},
        .identity_transient_bytes = 12, .identity_resident_bytes = UINT32_MAX,
        .times = {13, 14, 15, 16, 17, 18},
        .tls = {"TLSv1.3", "TLS_AES_128_GCM_SHA256", "SECP256R1", "mqtt", true},
        .socket = {2345678901234, UINT64_MAX, 19, 20, 21, 22},
        .process = {23, 24, 25, 26, 27},
        .sandbox = {TH_REPORT_SANDBOX_AUTO, 0x35, 0x0a, 7, true, "none, for a test"},
        .purposes = {{"session", 28, 29, 30}, {"record-in", 31, 32, 33}},
    };
    for (uint32_t i = 0; i < TH_REPORT_POOLS; i++)
        report.pools[i] = (struct th_report_pool){100 + i, 200 + i, 300 + i, 400 + i};
    for (uint32_t i = 0; i < TH_PHASES; i++)
        report.phases[i] = (struct th_report_phase){500 + i, 600 + i, 700 + i, 800 + i, 900 + i};
    return report;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    static char text[16384], people[2][16384];
    struct th_report report = sample(), read;
    strcpy(text, json_of(&report, written));
    assert_true(th_report_read(&read, text));
    assert_string_equal(json_of(&read, again), written);
    th_report_print(&report, append, people[0]);
    th_report_print(&read, append, people[1]);
    assert_string_equal(people[1], people[0]);
    assert_true(strlen(people[0]) > 2000);
}

static void nothing_is_read_of_nothing(void **state)
{
    (void)state;
    struct th_report read, none = {0};
    char text[] = "{}";
    assert_true(th_report_read(&read, text));
    assert_memory_equal(&read, &none, sizeof none);
}

/* A sandbox lock has the name that print uses. */
static void locks_have_one_name(void **state)
{
    (void)state;
    unsigned bits = 0;
    for (struct th_field_at at = th_field_first(); at.field; at = th_field_next(at))
        if (at.field->kind == TH_FIELD_BIT) {
            assert_string_equal(at.name, th_report_lock_name(at.field->bytes));
            bits++;
        }
    assert_int_equal(bits, TH_REPORT_LOCKS);
}

static void every_beginning_is_refused(void **state)
{
    (void)state;
    struct th_report report = sample(), read;
    size_t bytes = strlen(json_of(&report, written)) - 1; /* the newline may be missing */
    for (size_t cut = 0; cut < bytes; cut++) {
        char *text = strndup(written, cut);
        assert_false(th_report_read(&read, text));
        free(text);
    }
}

static void what_is_not_known_is_left_out(void **state)
{
    (void)state;
    struct th_report read;
    char text[] = "{\"format\": {\"version\": 2}, \"later\": {\"a\": {\"b\": 1}, \"c\": \"d\"},"
                  "\"pools\": {\"moon\": {\"size_bytes\": 5}, \"outbox\": {\"size_bytes\": 6, "
                  "\"colour\": \"red\"}}, \"memory\": {\"kernel_bytes\": \"many\"}}";
    assert_true(th_report_read(&read, text));
    assert_int_equal(read.pools[TH_REPORT_OUTBOX].size_bytes, 6);
    assert_int_equal(read.pools[TH_REPORT_TCP_CELL].size_bytes, 0);
    assert_int_equal(read.kernel_bytes, 0);
}

static void many_purposes_end_with_the_list(void **state)
{
    (void)state;
    char text[2048] = "{\"purposes\": {";
    struct th_report read;
    for (int i = 0; i < TH_REPORT_PURPOSES_MAX + 8; i++)
        sprintf(text + strlen(text), "%s\"p%d\": {\"live_bytes\": %d}", i ? "," : "", i, i + 1);
    strcat(text, "}}");
    assert_true(th_report_read(&read, text));
    assert_int_equal(read.purposes[TH_REPORT_PURPOSES_MAX - 1].live_bytes, TH_REPORT_PURPOSES_MAX);
}

static void foreign_texts_do_no_harm(void **state)
{
    (void)state;
    struct th_report read;
    char text[] = "{\"connection\": {\"tls_version\": \"\033[2J and much too long\", \"alpn\": "
                  "\"a\\\"b\"}, \"purposes\": {\"\033x\": {}}}";
    assert_true(th_report_read(&read, text));
    assert_string_equal(read.tls.version, "?[2J an");
    assert_string_equal(read.tls.alpn, "a\\\"b");
    assert_string_equal(read.purposes[0].name, "?x");
    const char *const wrong[] = {"", "[]", "{", "}", "{\"a\"}", "{\"a\":}", "{\"a\": [1]}",
                                 "{\"a\": {\"b\": {\"c\": {}}}}", "{\"a\": nothing}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *copy = strdup(wrong[i]);
        assert_false(th_report_read(&read, copy));
        free(copy);
    }
}

static int print_nothing_of_a_refusal(void *arg, const char *text, size_t bytes)
{
    (void)arg;
    (void)bytes;
    assert_null(strstr(text, "Refused"));
    return 0;
}

static void half_a_refusal_is_none(void **state)
{
    (void)state;
    struct th_report read;
    char text[] = "{\"last_refusal\": {\"pool\": \"TLS heap\", \"needed_bytes\": 1}}";
    assert_true(th_report_read(&read, text));
    assert_string_equal(read.last_refusal.pool, "TLS heap");
    assert_int_equal(th_report_print(&read, print_nothing_of_a_refusal, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(nothing_is_read_of_nothing),
        cmocka_unit_test(locks_have_one_name),
        cmocka_unit_test(every_beginning_is_refused),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(many_purposes_end_with_the_list),
        cmocka_unit_test(foreign_texts_do_no_harm),
        cmocka_unit_test(half_a_refusal_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cJSON.h>
#include <cmocka.h>

#include "mem/libc.h"
#include "report/report.h"

struct paper {
    char text[16384];
    size_t used;
    size_t longest_line;
    size_t lines_allowed;
};

static int write_paper(void *arg, const char *text, size_t text_bytes)
{
    struct paper *paper = arg;
    assert_true(paper->used + text_bytes < sizeof paper->text);
    if (paper->lines_allowed-- == 0)
        return TH_E_FILE;
    memcpy(paper->text + paper->used, text, text_bytes);
    paper->used += text_bytes;
    paper->text[paper->used] = '\0';
    if (text_bytes > paper->longest_line)
        paper->longest_line = text_bytes;
    return TH_OK;
}

static struct paper blank(void)
{
    return (struct paper){.lines_allowed = SIZE_MAX};
}

/* Every number is another one, so that a mix-up shows. */
static struct th_report sample(void)
{
    static const struct th_report_purpose purposes[] = {
        {"session", 0, 8123, 8100},
        {"certificate", 0, 5001, 4712},
    };
    struct th_report report = {
        .static_bytes = 118784,
        .pool_bytes = 12812,
        .stack_bytes = 21504,
        .kernel_bytes = 65536,
        .attempts = 2,
        .taken = 341,
        .returned = 340,
        .refused = 3,
        .last_refusal = {"tls_heap", "certificate", TH_PHASE_SHAKING, 1234, 3001, 4002},
        .identity_transient_bytes = 4096,
        .identity_resident_bytes = 2345,
        .times = {101, 202, 9803, 504, 405, 66},
        .tls = {"TLSv1.3", "TLS_AES_128_GCM_SHA256", "SECP256R1", "mqtt", true},
        .socket = {2345678901234, 3456, 12, 10, 32768, 32769},
        .process = {1000, 17001, 600002, 110592, 348160},
    };
    memcpy(report.purposes, purposes, sizeof purposes);
    for (uint32_t i = 0; i < TH_REPORT_POOLS; i++)
        report.pools[i] = (struct th_report_pool){8192 + i, 8092 + i, 1000 + i, 100 + i};
    for (uint32_t i = 0; i < TH_PHASES; i++)
        report.phases[i] = (struct th_report_phase){7000 + i, 500 + i, 600 + i, 70 + i, 8 + i};
    return report;
}

/* Everything as large as a board could have it. */
static struct th_report largest(void)
{
    struct th_report report = sample();
    for (int i = 0; i < TH_REPORT_POOLS; i++)
        report.pools[i] = (struct th_report_pool){9999999, 9999999, 9999999, 9999999};
    for (int i = 0; i < TH_PHASES; i++)
        report.phases[i] =
            (struct th_report_phase){999999999999, 9999999, 9999999, 9999999, 9999999};
    memset(report.tls.cipher_suite, 'C', sizeof report.tls.cipher_suite - 1);
    memset(report.tls.alpn, 'A', sizeof report.tls.alpn - 1);
    report.times = (struct th_report_times){UINT32_MAX, UINT32_MAX, UINT32_MAX,
                                            UINT32_MAX, UINT32_MAX, UINT32_MAX};
    report.taken = report.returned = report.refused = 9999999;
    report.identity_transient_bytes = report.identity_resident_bytes = 999999;
    return report;
}

static void print_fits_eighty_columns(void **state)
{
    (void)state;
    struct paper paper = blank();
    struct th_report report = largest();
    assert_int_equal(th_report_print(&report, write_paper, &paper), TH_OK);
    if (getenv("TH_SHOW_REPORT"))
        puts(paper.text);
    assert_in_range(paper.longest_line, 40, 81);
}

static void print_tells_every_figure(void **state)
{
    (void)state;
    static const char *const figures[] = {
        "118,784 B",  "12,812 B", "21,504 B",        "65,536 B",
        "TLSv1.3",    "resumed",  "TLS_AES_128_GCM_SHA256", "ALPN mqtt",
        "SECP256R1",  "0.1 ms",   "9.8 ms",          "2,345,678,901,234 B",
        "4,096 B",    "2,345 B",  "341 granted",     "Attempts    2; TLS",
        "1,234 B for \"certificate\" from the tls_heap pool while shaking",
        "3,001 B of its budget of 4,002 B",          "TLS record cell",
        "shaking",    "8,123",    "17,001 B",        "348,160 B",
    };
    struct paper paper = blank();
    struct th_report report = sample();
    assert_int_equal(th_report_print(&report, write_paper, &paper), TH_OK);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (!strstr(paper.text, figures[i]))
            fail_msg("\"%s\" is missing in:\n%s", figures[i], paper.text);
}

static void print_leaves_out_what_is_not_there(void **state)
{
    (void)state;
    struct paper paper = blank();
    struct th_report report = {0};
    assert_int_equal(th_report_print(&report, write_paper, &paper), TH_OK);
    assert_non_null(strstr(paper.text, "TLS         none"));
    assert_null(strstr(paper.text, "Refused"));
    assert_null(strstr(paper.text, "outbox"));
    assert_null(strstr(paper.text, "shaking"));
}

static void print_ends_at_the_first_error(void **state)
{
    (void)state;
    struct th_report report = sample();
    struct paper paper = {.lines_allowed = 3};
    assert_int_equal(th_report_print(&report, write_paper, &paper), TH_E_FILE);
    assert_int_equal(paper.lines_allowed, SIZE_MAX);
}

static void json_of(const struct th_report *report, struct paper *paper)
{
    *paper = blank();
    assert_int_equal(th_report_json(report, write_paper, paper), TH_OK);
}

static double number_at(const cJSON *root, const char *path)
{
    char copy[128];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *name = strtok(copy, "."); name; name = strtok(NULL, ".")) {
        root = cJSON_GetObjectItemCaseSensitive(root, name);
        if (!root)
            fail_msg("no %s", path);
    }
    return root->valuedouble;
}

static void json_holds_the_figures(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        double number;
    } expected[] = {
        {"memory.static_bytes", 118784},
        {"memory.pool_peak_bytes", 12812},
        {"memory.stack_peak_bytes", 21504},
        {"memory.kernel_bytes", 65536},
        {"connection.attempts", 2},
        {"times.lookup_us", 101},
        {"times.tcp_us", 202},
        {"times.tls_us", 9803},
        {"times.connack_us", 504},
        {"times.first_puback_us", 405},
        {"times.longest_step_us", 66},
        {"pools.tcp_cell.size_bytes", 8192},
        {"pools.record_cell.budget_bytes", 8093},
        {"pools.window.peak_bytes", 1002},
        {"pools.outbox.live_bytes", 103},
        {"pools.process_heap.size_bytes", 8198},
        {"phases.resting.duration_us", 7000},
        {"phases.finding.peak_bytes", 501},
        {"phases.dialing.stack_peak_bytes", 602},
        {"phases.shaking.taken_allocations", 73},
        {"phases.closing.refused_allocations", 14},
        {"purposes.session.peak_bytes", 8123},
        {"purposes.certificate.at_peak_bytes", 4712},
        {"allocations.taken_allocations", 341},
        {"allocations.returned_allocations", 340},
        {"allocations.refused_allocations", 3},
        {"last_refusal.needed_bytes", 1234},
        {"last_refusal.live_bytes", 3001},
        {"last_refusal.budget_bytes", 4002},
        {"identity.transient_bytes", 4096},
        {"identity.resident_bytes", 2345},
        {"socket.read_bytes", 2345678901234},
        {"socket.written_bytes", 3456},
        {"socket.read_calls", 12},
        {"socket.write_calls", 10},
        {"socket.receive_buffer_bytes", 32768},
        {"socket.send_buffer_bytes", 32769},
        {"process.live_bytes", 1000},
        {"process.peak_bytes", 17001},
        {"process.static_bytes", 600002},
        {"process.private_dirty_bytes", 110592},
        {"process.rss_bytes", 348160},
    };
    struct paper paper;
    struct th_report report = sample();
    json_of(&report, &paper);
    cJSON *root = cJSON_Parse(paper.text);
    assert_non_null(root);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (number_at(root, expected[i].path) != expected[i].number)
            fail_msg("%s is %f", expected[i].path, number_at(root, expected[i].path));
    cJSON_Delete(root);
}

static void json_of_nothing_is_valid(void **state)
{
    (void)state;
    struct paper paper;
    struct th_report report = {0};
    json_of(&report, &paper);
    cJSON *root = cJSON_Parse(paper.text);
    assert_non_null(root);
    cJSON_Delete(root);
}

/* What a peer may choose is escaped, six bytes for one, and still fits. */
static void json_of_control_characters_fits(void **state)
{
    (void)state;
    struct paper paper;
    struct th_report report = sample();
    struct th_report_tls *tls = &report.tls;
    memset(tls, 1, sizeof *tls);
    tls->version[sizeof tls->version - 1] = tls->cipher_suite[sizeof tls->cipher_suite - 1] = 0;
    tls->group[sizeof tls->group - 1] = tls->alpn[sizeof tls->alpn - 1] = 0;
    json_of(&report, &paper);
    assert_non_null(strstr(paper.text, "\\u0001"));
}

static size_t live_bytes, peak_bytes;

static void *count_take(size_t bytes)
{
    size_t *block = malloc(sizeof(max_align_t) + bytes);
    *block = bytes;
    live_bytes += bytes;
    peak_bytes = live_bytes > peak_bytes ? live_bytes : peak_bytes;
    return (char *)block + sizeof(max_align_t);
}

static void count_give(void *block)
{
    if (!block)
        return;
    size_t *start = (void *)((char *)block - sizeof(max_align_t));
    live_bytes -= *start;
    free(start);
}

static void json_takes_less_than_two_kilobytes(void **state)
{
    (void)state;
    cJSON_Hooks hooks = {count_take, count_give};
    struct paper paper;
    struct th_report report = largest();
    cJSON_InitHooks(&hooks);
    json_of(&report, &paper);
    cJSON_InitHooks(NULL);
    assert_int_equal(live_bytes, 0);
    assert_in_range(peak_bytes, 1, 2048);
}

/* ---- the document and the code name the same keys ------------------------------------------ */

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s: run the tests from the top of the source tree", path);
    static char text[65536];
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static bool has_names(const char *section)
{
    return !strcmp(section, "pools") || !strcmp(section, "phases") ||
           !strcmp(section, "purposes") || !strcmp(section, "leases");
}

static void assert_documented(const char *document, const char *key)
{
    char row[160];
    snprintf(row, sizeof row, "\n| `%s` | ", key);
    if (!strstr(document, row))
        fail_msg("%s is not documented", key);
}

/* Documented rows of the leaf's keys; how many keys it has. */
static int check_leaf(const char *document, const char *prefix, const cJSON *leaf)
{
    int keys = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, leaf) {
        char key[128];
        snprintf(key, sizeof key, "%s.%s", prefix, item->string);
        assert_documented(document, key);
        keys++;
    }
    return keys;
}

static int check_section(const char *document, const cJSON *section)
{
    if (!has_names(section->string))
        return check_leaf(document, section->string, section);
    char prefix[64];
    int keys = 0;
    const cJSON *named;
    snprintf(prefix, sizeof prefix, "%s.*", section->string);
    cJSON_ArrayForEach(named, section) {
        keys = check_leaf(document, prefix, named);
    }
    return keys;
}

static int documented_keys(const char *document)
{
    int keys = 0;
    for (const char *row = document; (row = strstr(row, "\n| `")); row++)
        keys += TH_LEASES || strncmp(row, "\n| `leases.", 11);
    return keys;
}

static void document_and_code_have_the_same_keys(void **state)
{
    (void)state;
    struct paper paper;
    struct th_report report = sample();
    json_of(&report, &paper);
    const char *document = read_text("docs/memory-report.md");
    cJSON *root = cJSON_Parse(paper.text);
    int keys = 0;
    const cJSON *section;
    cJSON_ArrayForEach(section, root) {
        keys += check_section(document, section);
    }
    cJSON_Delete(root);
    assert_int_equal(keys, documented_keys(document));
}

static void document_names_pools_and_phases(void **state)
{
    (void)state;
    const char *names = strstr(read_text("docs/memory-report.md"), "\n## Names");
    assert_non_null(names);
    for (int i = 0; i < TH_REPORT_POOLS; i++)
        assert_non_null(strstr(names, th_report_pool_name(i)));
    for (int i = 0; i < TH_PHASES; i++)
        assert_non_null(strstr(names, th_phase_name(i)));
}

/* ---- the file ------------------------------------------------------------------------------ */

static char directory[64];

static int enter_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/test_report.XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int leave_directory(void **state)
{
    (void)state;
    return rmdir(directory); /* fails if a temporary file was left behind */
}

static const char *in_directory(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void file_is_replaced_by_the_whole_report(void **state)
{
    (void)state;
    const char *path = in_directory("report.json");
    FILE *old = fopen(path, "w");
    fputs("old", old);
    struct stat before, after;
    fstat(fileno(old), &before);
    struct th_report report = sample();
    assert_int_equal(th_report_json_file(&report, path, NULL), TH_OK);
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino != after.st_ino);
    fclose(old);
    struct paper paper;
    json_of(&report, &paper);
    assert_string_equal(read_text(path), paper.text);
    unlink(path);
}

static void file_that_cannot_be_made_is_an_error(void **state)
{
    (void)state;
    struct th_fault fault = {0};
    struct th_report report = sample();
    const char *path = in_directory("missing/report.json");
    assert_int_equal(th_report_json_file(&report, path, &fault), TH_E_FILE);
    assert_int_equal(fault.code, TH_E_FILE);
    assert_non_null(strstr(fault.text, path));
    assert_non_null(strstr(fault.text, "No such file"));
}

static void full_device_is_an_error_and_stays_a_device(void **state)
{
    (void)state;
    struct th_fault fault = {0};
    struct th_report report = sample();
    struct stat status;
    assert_int_equal(th_report_json_file(&report, "/dev/full", &fault), TH_E_FILE);
    assert_non_null(strstr(fault.text, "No space left"));
    assert_int_equal(stat("/dev/full", &status), 0);
    assert_true(S_ISCHR(status.st_mode));
}

static int allowed;

static void *take_some(size_t bytes)
{
    return allowed-- > 0 ? malloc(bytes) : NULL;
}

static void refused_memory_leaves_no_file(void **state)
{
    (void)state;
    cJSON_Hooks hooks = {take_some, free};
    struct th_report report = sample();
    const char *path = in_directory("report.json");
    cJSON_InitHooks(&hooks);
    for (int refusals = 0; refusals < 100; refusals += 7) {
        struct th_fault fault = {0};
        allowed = refusals;
        assert_int_equal(th_report_json_file(&report, path, &fault), TH_E_MEMORY);
        assert_int_equal(fault.code, TH_E_MEMORY);
        assert_int_equal(access(path, F_OK), -1);
    }
    cJSON_InitHooks(NULL);
}

/* ---- the process --------------------------------------------------------------------------- */

/* In place of the program's own. */
const struct th_payer *th_libc_payer(void)
{
    static const struct th_payer payer = {
        .budget_bytes = 16000, .heap = {.peak_bytes = 321, .live_bytes = 21}};
    return &payer;
}

static void process_heap_is_that_of_malloc(void **state)
{
    (void)state;
    struct th_report report = {0};
    th_report_process_heap(&report);
    const struct th_report_pool *pool = &report.pools[TH_REPORT_PROCESS_HEAP];
    assert_int_equal(pool->size_bytes, TH_PROCESS_HEAP_BYTES);
    assert_int_equal(pool->budget_bytes, 16000);
    assert_int_equal(pool->peak_bytes, 321);
    assert_int_equal(pool->live_bytes, 21);
}

static void process_is_read_from_the_kernel(void **state)
{
    (void)state;
    static char touched[1 << 20];
    struct th_report before = {0}, after = {0};
    assert_int_equal(th_report_process(&before), TH_OK);
    memset(touched, 1, sizeof touched);
    assert_int_equal(th_report_process(&after), TH_OK);
    assert_true(before.process.static_bytes >= sizeof touched);
    assert_true(before.process.rss_bytes > before.process.private_dirty_bytes);
    assert_true(after.process.private_dirty_bytes >=
                before.process.private_dirty_bytes + sizeof touched / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(print_fits_eighty_columns),
        cmocka_unit_test(print_tells_every_figure),
        cmocka_unit_test(print_leaves_out_what_is_not_there),
        cmocka_unit_test(print_ends_at_the_first_error),
        cmocka_unit_test(json_holds_the_figures),
        cmocka_unit_test(json_of_nothing_is_valid),
        cmocka_unit_test(json_of_control_characters_fits),
        cmocka_unit_test(json_takes_less_than_two_kilobytes),
        cmocka_unit_test(document_and_code_have_the_same_keys),
        cmocka_unit_test(document_names_pools_and_phases),
        cmocka_unit_test(file_is_replaced_by_the_whole_report),
        cmocka_unit_test(file_that_cannot_be_made_is_an_error),
        cmocka_unit_test(full_device_is_an_error_and_stays_a_device),
        cmocka_unit_test(refused_memory_leaves_no_file),
        cmocka_unit_test(process_heap_is_that_of_malloc),
        cmocka_unit_test(process_is_read_from_the_kernel),
    };
    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}

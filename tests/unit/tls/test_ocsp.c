/* What an OCSP response says, on those the fuzzer begins with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "mem/payer.h"
#include "tests/fuzz/ocsp_subject.h"

#define DAY_S 86400

static uint8_t file[4096];
static int64_t until_s;

static size_t load(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "tests/fuzz/corpus/fuzz_tls_ocsp/%s", name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t bytes = fread(file, 1, sizeof file, in);
    fclose(in);
    return bytes;
}

/* From a block of its own, so that what is read beyond the end is found. */
static enum th_ocsp_verdict judge_for(size_t bytes, const struct th_ocsp_subject *subject,
                                      int64_t now_s, size_t heap_bytes)
{
    static _Alignas(16) uint8_t heap[16 * 1024];
    struct th_payer payer;
    struct th_payer_config config = {.name = "test", .heap = heap, .heap_bytes = heap_bytes};
    uint8_t *copy = malloc(bytes ? bytes : 1);
    memcpy(copy, file, bytes);
    th_payer_open(&payer, &config);
    struct th_payer *before = th_payer_enter(&payer);
    enum th_ocsp_verdict verdict = th_ocsp_judge(th_slice_of(copy, bytes), subject, now_s,
                                                 &until_s);
    th_payer_leave(before);
    assert_int_equal(th_payer_close(&payer), 0);
    free(copy);
    return verdict;
}

static enum th_ocsp_verdict judge_at(size_t bytes, int64_t now_s)
{
    struct th_ocsp_subject subject = ocsp_subject();
    return judge_for(bytes, &subject, now_s, 16 * 1024);
}

static void says(const char *name, enum th_ocsp_verdict wanted)
{
    assert_int_equal(judge_at(load(name), OCSP_NOW_S), wanted);
}

static void each_of_them(void **state)
{
    (void)state;
    says("good", TH_OCSP_GOOD);
    says("sha256", TH_OCSP_GOOD);
    says("delegate", TH_OCSP_GOOD);
    says("revoked", TH_OCSP_REVOKED);
    says("unknown", TH_OCSP_UNKNOWN);
    says("others", TH_OCSP_OTHERS);
}

static void as_long_as_it_is_in_force(void **state)
{
    (void)state;
    size_t bytes = load("good");
    assert_int_equal(judge_at(bytes, OCSP_NOW_S + DAY_S), TH_OCSP_GOOD);
    assert_int_equal(until_s, OCSP_NOW_S + DAY_S);
    assert_int_equal(judge_at(bytes, OCSP_NOW_S + DAY_S + 1), TH_OCSP_LATE);
    assert_int_equal(judge_at(bytes, OCSP_NOW_S - 3600 - 300), TH_OCSP_GOOD);
    assert_int_equal(judge_at(bytes, OCSP_NOW_S - 3600 - 301), TH_OCSP_EARLY);
}

static void revoked_before_and_after(void **state)
{
    (void)state;
    size_t bytes = load("revoked");
    assert_int_equal(judge_at(bytes, 0), TH_OCSP_REVOKED);
    assert_int_equal(judge_at(bytes, OCSP_NOW_S + 2 * DAY_S), TH_OCSP_REVOKED);
}

/* A delegate's own dates count as well: 2020 to 2049. */
static void delegate_in_force(void **state)
{
    (void)state;
    assert_int_equal(judge_at(load("delegate"), 1500000000), TH_OCSP_FORGED);
}

static void cut_anywhere(void **state)
{
    (void)state;
    size_t bytes = load("good");
    for (size_t cut = 0; cut < bytes; cut++)
        assert_int_equal(judge_at(cut, OCSP_NOW_S), TH_OCSP_MALFORMED);
}

static void any_bit_changed(void **state)
{
    (void)state;
    size_t bytes = load("good");
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(judge_at(bytes, OCSP_NOW_S), TH_OCSP_GOOD);
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    says("good", TH_OCSP_GOOD);
}

static void about_somebody_else(void **state)
{
    (void)state;
    struct th_ocsp_subject subject = ocsp_subject();
    size_t bytes = load("good");
    subject.serial.len_bytes--;
    assert_int_equal(judge_for(bytes, &subject, OCSP_NOW_S, 16 * 1024), TH_OCSP_OTHERS);
    subject = ocsp_subject();
    subject.issuer = th_slice_of(&"\x30\x00"[2], 0);
    assert_int_equal(judge_for(bytes, &subject, OCSP_NOW_S, 16 * 1024), TH_OCSP_OTHERS);
}

static void without_memory(void **state)
{
    (void)state;
    struct th_ocsp_subject subject = ocsp_subject();
    static const char *const names[] = {"good", "delegate"};
    for (int i = 0; i < 2; i++) {
        size_t bytes = load(names[i]);
        assert_int_equal(judge_for(bytes, &subject, OCSP_NOW_S, 64), TH_OCSP_FORGED);
        for (size_t heap = 64; heap <= 8192; heap += 64) {
            enum th_ocsp_verdict verdict = judge_for(bytes, &subject, OCSP_NOW_S, heap);
            assert_true(verdict == TH_OCSP_FORGED || (verdict == TH_OCSP_GOOD && heap > 64));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_them),
        cmocka_unit_test(as_long_as_it_is_in_force),
        cmocka_unit_test(revoked_before_and_after),
        cmocka_unit_test(delegate_in_force),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(any_bit_changed),
        cmocka_unit_test(about_somebody_else),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

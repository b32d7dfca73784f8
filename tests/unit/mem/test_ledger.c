/* The books: arithmetic, phases, the split at the peak, the process-wide sum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mem/ledger.h"

static struct th_ledger ledger;

static int open_ledger(void **state)
{
    (void)state;
    th_ledger_open(&ledger, "test");
    return 0;
}

static void live_and_peak_are_sums(void **state)
{
    (void)state;
    th_ledger_take(&ledger, TH_PURPOSE_KEY, 100);
    th_ledger_take(&ledger, TH_PURPOSE_HASH, 50);
    th_ledger_give(&ledger, TH_PURPOSE_KEY, 100);
    th_ledger_take(&ledger, TH_PURPOSE_HASH, 20);
    assert_int_equal(ledger.live_bytes, 70);
    assert_int_equal(ledger.peak_bytes, 150);
    assert_int_equal(ledger.live_by_purpose[TH_PURPOSE_KEY], 0);
    assert_int_equal(ledger.live_by_purpose[TH_PURPOSE_HASH], 70);
    assert_int_equal(ledger.taken, 3);
    assert_int_equal(ledger.returned, 1);
    th_ledger_give(&ledger, TH_PURPOSE_HASH, 50);
    th_ledger_give(&ledger, TH_PURPOSE_HASH, 20);
}

static void the_split_belongs_to_the_moment_of_the_peak(void **state)
{
    (void)state;
    th_ledger_take(&ledger, TH_PURPOSE_KEY, 300);
    th_ledger_give(&ledger, TH_PURPOSE_KEY, 200);
    th_ledger_take(&ledger, TH_PURPOSE_HASH, 250);
    th_ledger_give(&ledger, TH_PURPOSE_HASH, 250);
    th_ledger_take(&ledger, TH_PURPOSE_HASH, 250);
    th_ledger_give(&ledger, TH_PURPOSE_KEY, 100);
    th_ledger_give(&ledger, TH_PURPOSE_HASH, 250);
    assert_int_equal(ledger.peak_bytes, 350);
    assert_int_equal(ledger.split_at_peak[TH_PURPOSE_KEY], 100);
    assert_int_equal(ledger.split_at_peak[TH_PURPOSE_HASH], 250);
}

static void a_phase_begins_with_what_is_live(void **state)
{
    (void)state;
    th_ledger_enter_phase(&ledger, TH_PHASE_SHAKING);
    th_ledger_take(&ledger, TH_PURPOSE_KEY, 500);
    th_ledger_take(&ledger, TH_PURPOSE_SESSION, 80);
    th_ledger_give(&ledger, TH_PURPOSE_KEY, 500);
    th_ledger_enter_phase(&ledger, TH_PHASE_UP);
    th_ledger_take(&ledger, TH_PURPOSE_RECORD_IN, 30);
    const struct th_ledger_phase *shaking = &ledger.phases[TH_PHASE_SHAKING];
    const struct th_ledger_phase *up = &ledger.phases[TH_PHASE_UP];
    assert_int_equal(shaking->peak_bytes, 580);
    assert_int_equal(shaking->purpose_peak_bytes[TH_PURPOSE_KEY], 500);
    assert_int_equal(up->peak_bytes, 110);
    assert_int_equal(up->purpose_peak_bytes[TH_PURPOSE_KEY], 0);
    assert_int_equal(up->purpose_peak_bytes[TH_PURPOSE_SESSION], 80);
    assert_int_equal(up->purpose_peak_bytes[TH_PURPOSE_RECORD_IN], 30);
    assert_int_equal(shaking->taken, 2);
    assert_int_equal(up->taken, 1);
    th_ledger_give(&ledger, TH_PURPOSE_SESSION, 80);
    th_ledger_give(&ledger, TH_PURPOSE_RECORD_IN, 30);
}

static void coming_back_to_a_phase_keeps_its_peaks(void **state)
{
    (void)state;
    th_ledger_enter_phase(&ledger, TH_PHASE_UP);
    th_ledger_take(&ledger, TH_PURPOSE_KEY, 10);
    th_ledger_give(&ledger, TH_PURPOSE_KEY, 10);
    th_ledger_enter_phase(&ledger, TH_PHASE_RESTING);
    th_ledger_enter_phase(&ledger, TH_PHASE_UP);
    assert_int_equal(ledger.phases[TH_PHASE_UP].peak_bytes, 10);
    assert_int_equal(ledger.phases[TH_PHASE_RESTING].peak_bytes, 0);
}

static void the_last_refusal_is_kept_with_its_phase(void **state)
{
    (void)state;
    th_ledger_enter_phase(&ledger, TH_PHASE_SHAKING);
    th_ledger_refuse(&ledger, (struct th_refusal){.pool = "first"});
    th_ledger_refuse(&ledger, (struct th_refusal){.pool = "second", .purpose = TH_PURPOSE_KEY,
                                                  .needed_bytes = 7, .budget_bytes = 5});
    assert_string_equal(ledger.refusal.pool, "second");
    assert_int_equal(ledger.refusal.phase, TH_PHASE_SHAKING);
    assert_int_equal(ledger.refusal.needed_bytes, 7);
    assert_int_equal(ledger.refused, 2);
    assert_int_equal(ledger.phases[TH_PHASE_SHAKING].refused, 2);
    assert_int_equal(ledger.taken, 0);
}

static void the_process_is_the_sum_of_its_ledgers(void **state)
{
    (void)state;
    struct th_ledger other;
    th_ledger_open(&other, "other");
    size_t before = th_ledger_process_live_bytes();
    th_ledger_take(&ledger, TH_PURPOSE_KEY, 1000000);
    th_ledger_take(&other, TH_PURPOSE_KEY, 2000000);
    assert_int_equal(th_ledger_process_live_bytes(), before + 3000000);
    assert_int_equal(th_ledger_process_peak_bytes(), before + 3000000);
    th_ledger_give(&ledger, TH_PURPOSE_KEY, 1000000);
    th_ledger_give(&other, TH_PURPOSE_KEY, 2000000);
    assert_int_equal(th_ledger_process_live_bytes(), before);
    assert_int_equal(th_ledger_process_peak_bytes(), before + 3000000);
}

static void every_purpose_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < TH_PURPOSES; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(th_purpose_name((enum th_purpose)i),
                                    th_purpose_name((enum th_purpose)j));
    assert_string_equal(th_purpose_name(TH_PURPOSE_RECORD_IN), "record-in");
    assert_string_equal(th_purpose_name(TH_PURPOSES), "unknown");
}

#define LEDGER_TEST(name) cmocka_unit_test_setup(name, open_ledger)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(live_and_peak_are_sums),
        LEDGER_TEST(the_split_belongs_to_the_moment_of_the_peak),
        LEDGER_TEST(a_phase_begins_with_what_is_live),
        LEDGER_TEST(coming_back_to_a_phase_keeps_its_peaks),
        LEDGER_TEST(the_last_refusal_is_kept_with_its_phase),
        LEDGER_TEST(the_process_is_the_sum_of_its_ledgers),
        cmocka_unit_test(every_purpose_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

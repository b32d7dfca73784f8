/* Who pays: routing, budgets, owners, and allocations made to fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mem/failing.h"
#include "mem/payer.h"

static _Alignas(16) uint8_t heap[TH_TLS_HEAP_BYTES];
static _Alignas(16) uint8_t cell[TH_RECORD_CELL_BYTES];
static _Alignas(16) uint8_t shared_heap[TH_SHARED_HEAP_BYTES];
static struct th_payer payer;
static struct th_payer shared;

static void open_with_budget(size_t budget_bytes)
{
    th_payer_open(&shared, &(struct th_payer_config){
        .name = "shared", .heap = shared_heap, .heap_bytes = sizeof shared_heap});
    th_payer_open(&payer, &(struct th_payer_config){
        .name = "TLS heap", .heap = heap, .heap_bytes = sizeof heap,
        .cell = cell, .cell_bytes = sizeof cell, .budget_bytes = budget_bytes,
        .shared = &shared});
}

static int open_payers(void **state)
{
    (void)state;
    open_with_budget(0);
    return 0;
}

/* Every test must leave nothing behind. */
static int close_payers(void **state)
{
    (void)state;
    size_t leaked = th_payer_close(&payer) + th_payer_close(&shared);
    return leaked || payer.ledger.live_bytes || shared.ledger.live_bytes ? -1 : 0;
}

static void *take(enum th_purpose purpose, size_t bytes)
{
    return th_payer_take(&payer, purpose, bytes);
}

static void give(void *block)
{
    th_payer_give(&payer, block);
}

/* ---- who pays ----------------------------------------------------------------------------- */

static void entering_and_leaving_nest(void **state)
{
    (void)state;
    assert_null(th_payer_current());
    struct th_payer *nobody = th_payer_enter(&payer);
    struct th_payer *before = th_payer_enter(&shared);
    assert_null(nobody);
    assert_ptr_equal(before, &payer);
    assert_ptr_equal(th_payer_current(), &shared);
    th_payer_leave(before);
    assert_ptr_equal(th_payer_current(), &payer);
    th_payer_leave(nobody);
    assert_null(th_payer_current());
}

static void nobody_pays_for_nothing(void **state)
{
    (void)state;
    size_t before = th_payer_lost_strays();
    assert_null(th_payer_take(NULL, TH_PURPOSE_KEY, 10));
    assert_null(th_payer_resize(NULL, TH_PURPOSE_KEY, NULL, 10));
    th_payer_give(NULL, NULL);
    assert_int_equal(th_payer_lost_strays(), before);
    th_payer_give(NULL, heap + 16);
    assert_int_equal(th_payer_lost_strays(), before + 1);
}

static void a_block_goes_back_to_its_owner(void **state)
{
    (void)state;
    void *ours = th_payer_take(&shared, TH_PURPOSE_CERTIFICATE, 100);
    void *own = take(TH_PURPOSE_KEY, 50);
    give(ours);
    assert_int_equal(shared.ledger.live_bytes, 0);
    assert_int_equal(payer.ledger.live_bytes, 50);
    th_payer_give(&shared, own);
    assert_int_equal(th_payer_strays(&shared), 1);
    give(own);
    assert_int_equal(th_payer_strays(&payer), 0);
}

static void strays_are_counted_and_harm_nothing(void **state)
{
    (void)state;
    uint8_t foreign[32];
    void *block = take(TH_PURPOSE_KEY, 50);
    give(block);
    give(block);
    give(foreign);
    assert_null(th_payer_resize(&payer, TH_PURPOSE_KEY, foreign, 10));
    assert_int_equal(th_payer_strays(&payer), 3);
    assert_int_equal(payer.ledger.returned, 1);
    assert_true(th_pool_check(&payer.heap));
}

/* ---- records ------------------------------------------------------------------------------ */

static void large_records_live_in_the_cell_and_small_ones_in_the_heap(void **state)
{
    (void)state;
    void *small = take(TH_PURPOSE_RECORD_IN, TH_RECORD_THRESHOLD_BYTES);
    void *large = take(TH_PURPOSE_RECORD_IN, TH_RECORD_CELL_BYTES);
    void *other = take(TH_PURPOSE_RECORD_OUT, 5000);
    assert_true(th_pool_owns(&payer.heap, small));
    assert_int_equal(th_cell_size(&payer.cell, large), TH_RECORD_CELL_BYTES);
    assert_true(th_pool_owns(&payer.heap, other));
    assert_int_equal(payer.ledger.live_by_purpose[TH_PURPOSE_RECORD_IN],
                     TH_RECORD_THRESHOLD_BYTES + TH_RECORD_CELL_BYTES);
    give(small);
    give(large);
    give(other);
}

static void one_byte_too_long_a_record_is_refused(void **state)
{
    (void)state;
    assert_null(take(TH_PURPOSE_RECORD_IN, (1 << 14) + 257));
    assert_string_equal(payer.ledger.refusal.pool, "record cell");
    assert_int_equal(payer.ledger.refusal.needed_bytes, 16641);
    assert_int_equal(payer.ledger.refusal.budget_bytes, 16640);
    give(take(TH_PURPOSE_RECORD_IN, (1 << 14) + 256));
    assert_int_equal(payer.ledger.taken, 1);
}

/* As wolfSSL grows its input buffer: the new one is taken before the old one is returned. */
static void large_after_large_falls_back_to_the_heap(void **state)
{
    (void)state;
    void *old = take(TH_PURPOSE_RECORD_IN, 16401);
    for (int i = 0; i < 5; i++) {
        uint8_t *grown = take(TH_PURPOSE_RECORD_IN, 16640);
        assert_non_null(grown);
        memset(grown, i, 16640);
        give(old);
        old = grown;
    }
    give(old);
    assert_int_equal(payer.ledger.peak_bytes, 2 * 16640);
}

static void large_after_large_without_room_in_the_heap_is_refused(void **state)
{
    (void)state;
    void *rest = take(TH_PURPOSE_OTHER, th_pool_largest(&payer.heap) - 1000);
    void *old = take(TH_PURPOSE_RECORD_IN, 16401);
    assert_null(take(TH_PURPOSE_RECORD_IN, 16401));
    assert_string_equal(payer.ledger.refusal.pool, "TLS heap");
    give(old);
    give(take(TH_PURPOSE_RECORD_IN, 16401));
    give(rest);
}

/* ---- budgets ------------------------------------------------------------------------------ */

static void a_budget_is_kept_to_the_byte(void **state)
{
    (void)state;
    close_payers(state);
    open_with_budget(1000);
    void *most = take(TH_PURPOSE_KEY, 900);
    assert_null(take(TH_PURPOSE_HASH, 101));
    assert_string_equal(payer.ledger.refusal.pool, "TLS heap");
    assert_int_equal(payer.ledger.refusal.purpose, TH_PURPOSE_HASH);
    assert_int_equal(payer.ledger.refusal.needed_bytes, 101);
    assert_int_equal(payer.ledger.refusal.live_bytes, 900);
    assert_int_equal(payer.ledger.refusal.budget_bytes, 1000);
    assert_int_equal(payer.ledger.refusal.largest_bytes, 100);
    void *rest = take(TH_PURPOSE_HASH, 100);
    assert_non_null(rest);
    void *record = take(TH_PURPOSE_RECORD_IN, 16000);
    assert_non_null(record);
    give(record);
    give(most);
    give(rest);
}

static void absurd_sizes_are_refused_and_named(void **state)
{
    (void)state;
    assert_null(take(TH_PURPOSE_OTHER, SIZE_MAX));
    assert_int_equal(payer.ledger.refusal.needed_bytes, UINT32_MAX);
    assert_null(take(TH_PURPOSE_RECORD_IN, SIZE_MAX));
    assert_int_equal(payer.ledger.refused, 2);
    assert_int_equal(payer.ledger.live_bytes, 0);
}

/* ---- resizing ----------------------------------------------------------------------------- */

static void resizing_keeps_the_content_and_the_books(void **state)
{
    (void)state;
    uint8_t *block = th_payer_resize(&payer, TH_PURPOSE_OTHER, NULL, 10);
    memcpy(block, "0123456789", 10);
    block = th_payer_resize(&payer, TH_PURPOSE_OTHER, block, 1000);
    assert_memory_equal(block, "0123456789", 10);
    block = th_payer_resize(&payer, TH_PURPOSE_OTHER, block, 4);
    assert_memory_equal(block, "0123", 4);
    assert_int_equal(payer.ledger.live_bytes, 4);
    assert_int_equal(payer.ledger.peak_bytes, 1010);
    give(block);
}

static void a_refused_resize_leaves_the_old_block(void **state)
{
    (void)state;
    uint8_t *block = take(TH_PURPOSE_OTHER, 3);
    memcpy(block, "old", 3);
    assert_null(th_payer_resize(&payer, TH_PURPOSE_OTHER, block, 1 << 20));
    assert_memory_equal(block, "old", 3);
    give(block);
}

static void a_shared_block_stays_shared_when_resized(void **state)
{
    (void)state;
    void *block = th_payer_take(&shared, TH_PURPOSE_CONTEXT, 20);
    block = th_payer_resize(&payer, TH_PURPOSE_CONTEXT, block, 40);
    assert_true(th_pool_owns(&shared.heap, block));
    assert_int_equal(payer.ledger.taken, 0);
    give(block);
}

static void trimming_harms_no_live_block(void **state)
{
    (void)state;
    uint8_t *low = memset(take(TH_PURPOSE_KEY, 5000), 1, 5000);
    uint8_t *freed = memset(take(TH_PURPOSE_OTHER, 15000), 2, 15000);
    uint8_t *high = memset(take(TH_PURPOSE_KEY, 5000), 3, 5000);
    give(freed);
    th_payer_trim(&payer);
    for (size_t i = 0; i < 5000; i++) {
        assert_int_equal(low[i], 1);
        assert_int_equal(high[i], 3);
    }
    assert_true(th_pool_check(&payer.heap));
    give(low);
    give(high);
}

/* ---- closing ------------------------------------------------------------------------------ */

static void closing_returns_what_leaked(void **state)
{
    (void)state;
    size_t before = th_ledger_process_live_bytes();
    take(TH_PURPOSE_KEY, 100);
    take(TH_PURPOSE_RECORD_IN, 9000);
    take(TH_PURPOSE_HASH, 10);
    assert_int_equal(th_payer_close(&payer), 3);
    assert_int_equal(payer.ledger.live_bytes, 0);
    assert_int_equal(th_ledger_process_live_bytes(), before);
    assert_null(take(TH_PURPOSE_KEY, 1));
}

/* ---- failing ------------------------------------------------------------------------------ */

/* Returns a bit for each of five allocations that was granted. */
static unsigned five_allocations(void)
{
    unsigned granted = 0;
    for (unsigned i = 0; i < 5; i++) {
        void *block = take(TH_PURPOSE_OTHER, 10);
        granted |= (block != NULL) << i;
        give(block);
    }
    return granted;
}

static void the_nth_allocation_fails_once(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 5; n++) {
        th_failing_at(n, false);
        assert_int_equal(five_allocations(), 31u & ~(1u << (n - 1)));
        assert_int_equal(th_failing_injected(), 1);
        assert_int_equal(th_failing_seen(), 5);
    }
    th_failing_at(6, false);
    assert_int_equal(five_allocations(), 31);
    assert_int_equal(th_failing_injected(), 0);
    th_failing_stop();
    assert_int_equal(payer.ledger.refused, 5);
}

static void all_fail_from_the_nth_on(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 5; n++) {
        th_failing_at(n, true);
        assert_int_equal(five_allocations(), (1u << (n - 1)) - 1);
        assert_int_equal(th_failing_injected(), 6 - n);
    }
    th_failing_stop();
    assert_int_equal(five_allocations(), 31);
}

static unsigned witnessed_bytes;

static void note_refusal(enum th_purpose purpose, size_t bytes)
{
    assert_int_equal(purpose, TH_PURPOSE_OTHER);
    witnessed_bytes += (unsigned)bytes;
}

static void each_refusal_is_witnessed(void **state)
{
    (void)state;
    th_failing_witness = note_refusal;
    th_failing_at(4, true);
    five_allocations();
    th_failing_stop();
    th_failing_witness = NULL;
    assert_int_equal(witnessed_bytes, 2 * 10);
}

static void counting_fails_nothing(void **state)
{
    (void)state;
    th_failing_at(0, true);
    assert_int_equal(five_allocations(), 31);
    assert_int_equal(th_failing_seen(), 5);
    assert_int_equal(th_failing_injected(), 0);
    th_failing_stop();
}

#define PAYER_TEST(name) cmocka_unit_test_setup_teardown(name, open_payers, close_payers)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAYER_TEST(entering_and_leaving_nest),
        PAYER_TEST(nobody_pays_for_nothing),
        PAYER_TEST(a_block_goes_back_to_its_owner),
        PAYER_TEST(strays_are_counted_and_harm_nothing),
        PAYER_TEST(large_records_live_in_the_cell_and_small_ones_in_the_heap),
        PAYER_TEST(one_byte_too_long_a_record_is_refused),
        PAYER_TEST(large_after_large_falls_back_to_the_heap),
        PAYER_TEST(large_after_large_without_room_in_the_heap_is_refused),
        PAYER_TEST(a_budget_is_kept_to_the_byte),
        PAYER_TEST(absurd_sizes_are_refused_and_named),
        PAYER_TEST(resizing_keeps_the_content_and_the_books),
        PAYER_TEST(a_refused_resize_leaves_the_old_block),
        PAYER_TEST(a_shared_block_stays_shared_when_resized),
        PAYER_TEST(trimming_harms_no_live_block),
        PAYER_TEST(closing_returns_what_leaked),
        PAYER_TEST(the_nth_allocation_fails_once),
        PAYER_TEST(all_fail_from_the_nth_on),
        PAYER_TEST(each_refusal_is_witnessed),
        PAYER_TEST(counting_fails_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

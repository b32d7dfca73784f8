/* A payer with an annex and a record cell for a time, as in the profile hub: what outlives the
 * handshake lies in its own heap, all else in the annex, and nothing is left there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mem/failing.h"
#include "mem/lease.h"
#include "mem/payer.h"

static _Alignas(16) uint8_t heap[TH_TLS_HEAP_BYTES];
static _Alignas(16) uint8_t annexes[2 * TH_HANDSHAKE_HEAP_BYTES];
static _Alignas(16) uint8_t cell[TH_RECORD_CELL_BYTES];
static struct th_payer payer;
static struct th_leases leases;
static struct th_lease lease;

static const enum th_purpose lasting[] = {
    TH_PURPOSE_SESSION, TH_PURPOSE_EXTENSION, TH_PURPOSE_TICKET, TH_PURPOSE_CIPHER,
    TH_PURPOSE_RANDOM,
};

static bool lasts(enum th_purpose purpose)
{
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++)
        if (lasting[i] == purpose)
            return true;
    return false;
}

static bool lies_in(const void *block, const uint8_t *memory, size_t bytes)
{
    return (const uint8_t *)block >= memory && (const uint8_t *)block < memory + bytes;
}

static int open_payer(void **state)
{
    (void)state;
    th_payer_open(&payer, &(struct th_payer_config){
        .name = "TLS heap", .heap = heap, .heap_bytes = sizeof heap,
        .annex_bytes = TH_HANDSHAKE_HEAP_BYTES});
    th_leases_open(&leases, annexes, sizeof annexes, TH_HANDSHAKE_HEAP_BYTES);
    lease = (struct th_lease){0};
    th_lease_take(&leases, &lease, 0);
    return 0;
}

static int close_payer(void **state)
{
    (void)state;
    size_t leaked = th_payer_close(&payer);
    return leaked || payer.ledger.live_bytes || th_payer_strays(&payer) ? -1 : 0;
}

static void lend(void)
{
    th_payer_lend_annex(&payer, lease.memory, TH_HANDSHAKE_HEAP_BYTES);
}

static void *take(enum th_purpose purpose, size_t bytes)
{
    return th_payer_take(&payer, purpose, bytes);
}

/* ---- where blocks lie ------------------------------------------------------------------------ */

static void what_ends_with_the_handshake_lies_in_the_annex(void **state)
{
    (void)state;
    lend();
    for (enum th_purpose purpose = 0; purpose < TH_PURPOSES; purpose++) {
        void *block = take(purpose, 100);
        assert_int_equal(lies_in(block, heap, sizeof heap), lasts(purpose));
        assert_int_equal(lies_in(block, annexes, sizeof annexes), !lasts(purpose));
        th_payer_give(&payer, block);
    }
    assert_true(th_payer_annex_is_idle(&payer));
    assert_int_equal(th_payer_take_annex(&payer), 0);
}

static void without_an_annex_all_lies_in_the_heap(void **state)
{
    (void)state;
    for (enum th_purpose purpose = 0; purpose < TH_PURPOSES; purpose++) {
        void *block = take(purpose, 100);
        assert_true(lies_in(block, heap, sizeof heap));
        th_payer_give(&payer, block);
    }
}

static void what_lies_in_the_heap_outlives_the_annex(void **state)
{
    (void)state;
    lend();
    void *session = take(TH_PURPOSE_SESSION, 1424);
    void *temporary = take(TH_PURPOSE_ECC, 2000);
    assert_false(th_payer_annex_is_idle(&payer));
    th_payer_give(&payer, temporary);
    assert_true(th_payer_annex_is_idle(&payer));
    th_payer_take_annex(&payer);
    memset(session, 1, 1424);
    th_payer_give(&payer, session);
}

static void moved_blocks_stay_with_their_purpose(void **state)
{
    (void)state;
    lend();
    void *lasting_block = th_payer_resize(&payer, TH_PURPOSE_TICKET, NULL, 50);
    void *temporary = th_payer_resize(&payer, TH_PURPOSE_HASH, NULL, 50);
    memset(lasting_block, 7, 50);
    lasting_block = th_payer_resize(&payer, TH_PURPOSE_TICKET, lasting_block, 500);
    temporary = th_payer_resize(&payer, TH_PURPOSE_HASH, temporary, 500);
    assert_true(lies_in(lasting_block, heap, sizeof heap));
    assert_int_equal(((uint8_t *)lasting_block)[49], 7);
    assert_true(lies_in(temporary, annexes, sizeof annexes));
    th_payer_give(&payer, lasting_block);
    th_payer_give(&payer, temporary);
    assert_int_equal(th_payer_take_annex(&payer), 0);
}

/* ---- the books ------------------------------------------------------------------------------- */

static void both_are_in_one_ledger(void **state)
{
    (void)state;
    lend();
    void *a = take(TH_PURPOSE_SESSION, 1000), *b = take(TH_PURPOSE_ECC, 3000);
    assert_int_equal(payer.ledger.live_bytes, 4000);
    assert_int_equal(payer.ledger.peak_bytes, 4000);
    assert_int_equal(th_payer_annex_peak_bytes(&payer), 3000);
    th_payer_give(&payer, b);
    th_payer_take_annex(&payer);
    assert_int_equal(payer.ledger.live_bytes, 1000);
    assert_int_equal(th_payer_annex_peak_bytes(&payer), 3000);
    th_payer_give(&payer, a);
}

static void a_refusal_names_the_pool(void **state)
{
    (void)state;
    lend();
    assert_null(take(TH_PURPOSE_ECC, TH_HANDSHAKE_HEAP_BYTES));
    assert_string_equal(payer.ledger.refusal.pool, "handshake heap");
    assert_null(take(TH_PURPOSE_SESSION, TH_TLS_HEAP_BYTES));
    assert_string_equal(payer.ledger.refusal.pool, "TLS heap");
    th_payer_take_annex(&payer);
    assert_null(take(TH_PURPOSE_ECC, TH_TLS_HEAP_BYTES));
    assert_string_equal(payer.ledger.refusal.pool, "TLS heap");
}

static void a_budget_counts_both(void **state)
{
    (void)state;
    th_payer_close(&payer);
    th_payer_open(&payer, &(struct th_payer_config){
        .name = "TLS heap", .heap = heap, .heap_bytes = sizeof heap,
        .annex_bytes = TH_HANDSHAKE_HEAP_BYTES, .budget_bytes = 5000});
    lend();
    void *a = take(TH_PURPOSE_SESSION, 2000), *b = take(TH_PURPOSE_ECC, 3000);
    assert_non_null(b);
    assert_null(take(TH_PURPOSE_ECC, 1));
    assert_string_equal(payer.ledger.refusal.pool, "TLS heap");
    assert_int_equal(payer.ledger.refusal.budget_bytes, 5000);
    assert_int_equal(payer.ledger.refusal.live_bytes, 5000);
    assert_null(take(TH_PURPOSE_SESSION, 1));
    th_payer_give(&payer, a);
    th_payer_give(&payer, b);
}

/* ---- giving back ------------------------------------------------------------------------------ */

static void what_is_taken_away_is_wiped(void **state)
{
    (void)state;
    lend();
    uint8_t *secret = take(TH_PURPOSE_HANDSHAKE, 64);
    memset(secret, 0xA5, 64);
    th_payer_give(&payer, secret);
    th_payer_take_annex(&payer);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(secret[i], 0);
}

static void what_leaked_is_given_back_and_counted(void **state)
{
    (void)state;
    lend();
    take(TH_PURPOSE_ECC, 100);
    take(TH_PURPOSE_HASH, 200);
    assert_int_equal(th_payer_take_annex(&payer), 2);
    assert_int_equal(payer.ledger.live_bytes, 0);
}

static void closing_takes_the_annex_along(void **state)
{
    (void)state;
    lend();
    take(TH_PURPOSE_ECC, 100);
    assert_int_equal(th_payer_close(&payer), 1);
    assert_null(payer.annex);
}

/* ---- the record cell -------------------------------------------------------------------------- */

static void a_large_record_lies_in_the_cell_while_there_is_one(void **state)
{
    (void)state;
    void *in_heap = take(TH_PURPOSE_RECORD_IN, 1000);
    assert_true(lies_in(in_heap, heap, sizeof heap));
    th_payer_lend_cell(&payer, cell, sizeof cell);
    void *in_cell = take(TH_PURPOSE_RECORD_IN, 16000);
    assert_true(lies_in(in_cell, cell, sizeof cell));
    assert_false(th_payer_cell_is_idle(&payer));
    th_payer_give(&payer, in_cell);
    assert_true(th_payer_cell_is_idle(&payer));
    assert_int_equal(th_payer_take_cell(&payer), 0);
    th_payer_lend_cell(&payer, cell, sizeof cell);
    assert_int_equal(payer.cell.peak_bytes, 16000);
    th_payer_take_cell(&payer);
    th_payer_give(&payer, in_heap);
}

/* ---- refusals --------------------------------------------------------------------------------- */

static void refused_allocations_leave_nothing_behind(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 4; n++) {
        void *blocks[4];
        th_failing_at(n, false);
        lend();
        for (size_t i = 0; i < 4; i++)
            blocks[i] = take(i % 2 ? TH_PURPOSE_ECC : TH_PURPOSE_SESSION, 300);
        th_failing_stop();
        assert_null(blocks[n - 1]);
        for (size_t i = 0; i < 4; i++)
            th_payer_give(&payer, blocks[i]);
        assert_int_equal(th_payer_take_annex(&payer), 0);
        assert_int_equal(payer.ledger.live_bytes, 0);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_payer, close_payer)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_ends_with_the_handshake_lies_in_the_annex),
        TEST(without_an_annex_all_lies_in_the_heap),
        TEST(what_lies_in_the_heap_outlives_the_annex),
        TEST(moved_blocks_stay_with_their_purpose),
        TEST(both_are_in_one_ledger),
        TEST(a_refusal_names_the_pool),
        TEST(a_budget_counts_both),
        TEST(what_is_taken_away_is_wiped),
        TEST(what_leaked_is_given_back_and_counted),
        TEST(closing_takes_the_annex_along),
        TEST(a_large_record_lies_in_the_cell_while_there_is_one),
        TEST(refused_allocations_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The record cell: two ends, no headers, exactly the largest record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "mem/cell.h"

static _Alignas(16) uint8_t memory[TH_RECORD_CELL_BYTES];
static struct th_cell cell;

static int open_cell(void **state)
{
    (void)state;
    th_cell_open(&cell, memory, sizeof memory);
    return 0;
}

static int close_cell(void **state)
{
    (void)state;
    return th_cell_close(&cell) == 0 ? 0 : -1;
}

static void the_largest_record_fits_and_one_byte_more_does_not(void **state)
{
    (void)state;
    assert_int_equal(TH_RECORD_CELL_BYTES, (1 << 14) + 256);
    assert_null(th_cell_take(&cell, (1 << 14) + 257));
    uint8_t *record = th_cell_take(&cell, (1 << 14) + 256);
    assert_non_null(record);
    memset(record, 1, (1 << 14) + 256);
    assert_true(th_cell_give(&cell, record));
}

static void both_ends_serve_without_overlap(void **state)
{
    (void)state;
    for (size_t low = 1; low < 16600; low += 97) {
        size_t high = (sizeof memory - low) & ~(size_t)15;
        uint8_t *first = th_cell_take(&cell, low);
        uint8_t *second = th_cell_take(&cell, high);
        assert_non_null(second);
        assert_int_equal((uintptr_t)second % 16, 0);
        assert_true(first + low <= second);
        memset(first, 1, low);
        memset(second, 2, high);
        assert_int_equal(first[low - 1], 1);
        assert_int_equal(th_cell_live_bytes(&cell), low + high);
        assert_null(th_cell_take(&cell, 1));
        assert_true(th_cell_give(&cell, first));
        assert_true(th_cell_give(&cell, second));
    }
}

static void a_second_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    void *first = th_cell_take(&cell, 8400);
    assert_null(th_cell_take(&cell, 16401));
    assert_null(th_cell_take(&cell, sizeof memory - 8400 + 1));
    assert_true(th_cell_give(&cell, first));
}

static void the_low_end_stops_at_the_high_block(void **state)
{
    (void)state;
    void *low = th_cell_take(&cell, 1000);
    void *high = th_cell_take(&cell, 8000);
    assert_true(th_cell_give(&cell, low));
    assert_null(th_cell_take(&cell, sizeof memory - 8000 + 1));
    low = th_cell_take(&cell, sizeof memory - 8000);
    assert_ptr_equal(low, memory);
    assert_true(th_cell_give(&cell, low));
    assert_true(th_cell_give(&cell, high));
}

static void growing_again_and_again_alternates_the_ends(void **state)
{
    (void)state;
    uint8_t *old = th_cell_take(&cell, 600);
    for (size_t bytes = 700; bytes < 8200; bytes += 100) {
        uint8_t *grown = th_cell_take(&cell, bytes);
        assert_non_null(grown);
        assert_true(th_cell_give(&cell, old));
        old = grown;
    }
    assert_true(th_cell_give(&cell, old));
    assert_int_equal(cell.peak_bytes, 8100 + 8000);
}

static void sizes_are_known(void **state)
{
    (void)state;
    void *low = th_cell_take(&cell, 1000);
    void *high = th_cell_take(&cell, 2001);
    assert_int_equal(th_cell_size(&cell, low), 1000);
    assert_int_equal(th_cell_size(&cell, high), 2001);
    assert_int_equal(th_cell_size(&cell, memory + 16), 0);
    assert_ptr_equal(th_cell_first(&cell), low);
    assert_true(th_cell_give(&cell, low));
    assert_false(th_cell_give(&cell, low));
    assert_ptr_equal(th_cell_first(&cell), high);
    assert_true(th_cell_give(&cell, high));
    assert_null(th_cell_first(&cell));
}

static void no_memory_refuses_everything(void **state)
{
    (void)state;
    struct th_cell none;
    th_cell_open(&none, NULL, 16640);
    assert_null(th_cell_take(&none, 1));
    assert_int_equal(th_cell_close(&none), 0);
}

static void closing_wipes_both_ends(void **state)
{
    (void)state;
    static _Alignas(16) uint8_t own[4096];
    static const uint8_t zeros[512];
    struct th_cell leaky;
    memset(own, 0x77, sizeof own);
    th_cell_open(&leaky, own, sizeof own);
    memset(th_cell_take(&leaky, 512), 1, 512);
    memset(th_cell_take(&leaky, 512), 2, 512);
    assert_int_equal(th_cell_close(&leaky), 2);
    assert_memory_equal(own, zeros, 512);
    assert_memory_equal(own + sizeof own - 512, zeros, 512);
    assert_int_equal(own[2048], 0x77);
    assert_null(th_cell_take(&leaky, 1));
}

static void trimming_spares_a_live_record(void **state)
{
    (void)state;
    static _Alignas(4096) uint8_t own[2 * 4096];
    unsigned char pages[2];
    struct th_cell paged;
    th_cell_open(&paged, own, sizeof own);
    uint8_t *record = memset(th_cell_take(&paged, sizeof own), 7, sizeof own);
    th_cell_trim(&paged);
    assert_int_equal(record[0], 7);
    assert_int_equal(record[sizeof own - 1], 7);
    th_cell_give(&paged, record);
    assert_int_equal(mincore(own, sizeof own, pages), 0);
    assert_int_equal(pages[0] & pages[1] & 1, 1);
    th_cell_trim(&paged);
    assert_int_equal(mincore(own, sizeof own, pages), 0);
    assert_int_equal((pages[0] | pages[1]) & 1, 0);
    assert_int_equal(th_cell_close(&paged), 0);
}

#define CELL_TEST(name) cmocka_unit_test_setup_teardown(name, open_cell, close_cell)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CELL_TEST(the_largest_record_fits_and_one_byte_more_does_not),
        CELL_TEST(both_ends_serve_without_overlap),
        CELL_TEST(a_second_that_does_not_fit_is_refused),
        CELL_TEST(the_low_end_stops_at_the_high_block),
        CELL_TEST(growing_again_and_again_alternates_the_ends),
        CELL_TEST(sizes_are_known),
        cmocka_unit_test(no_memory_refuses_everything),
        cmocka_unit_test(closing_wipes_both_ends),
        cmocka_unit_test(trimming_spares_a_live_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

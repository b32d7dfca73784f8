/* The pool with units of 256 bytes, as the heap of a foreign library has them: src/system/libc.c.
 * A block is still aligned to 16, and no longer begins where a unit does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TH_POOL_UNIT 256
#include "../../../mem/pool.c"

enum { POOL_BYTES = 256 * 1024, BLOCKS = 200, STEPS = 20000 };

static _Alignas(16) uint8_t memory[POOL_BYTES];
static struct th_pool pool;

static int open_pool(void **state)
{
    (void)state;
    th_pool_open(&pool, memory, sizeof memory);
    return 0;
}

static int close_pool(void **state)
{
    (void)state;
    return th_pool_close(&pool) == 0 && pool.strays == 0 ? 0 : -1;
}

/* ---- a model ------------------------------------------------------------------------------ */

struct entry {
    uint8_t *block;
    size_t bytes;
    uint8_t fill;
};

static struct entry model[BLOCKS];
static uint32_t seed = 12345;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static void take_one(struct entry *entry)
{
    *entry = (struct entry){NULL, draw(draw(2) ? 300 : 8000), (uint8_t)draw(256)};
    entry->block = th_pool_take(&pool, TH_PURPOSE_OTHER, entry->bytes);
    if (!entry->block)
        return;
    assert_int_equal((uintptr_t)entry->block % TH_POOL_ALIGN_BYTES, 0);
    assert_int_equal(th_pool_size(entry->block), entry->bytes);
    memset(entry->block, entry->fill, entry->bytes);
}

static void give_one(struct entry *entry)
{
    for (size_t i = 0; i < entry->bytes; i++)
        assert_int_equal(entry->block[i], entry->fill);
    assert_true(th_pool_is_live(&pool, entry->block));
    th_pool_give(&pool, entry->block);
    entry->block = NULL;
}

static void turn(struct entry *entry)
{
    if (entry->block)
        give_one(entry);
    else
        take_one(entry);
}

static void agrees_with_a_model(void **state)
{
    (void)state;
    for (size_t step = 0; step < STEPS; step++) {
        turn(&model[draw(BLOCKS)]);
        if (step % 64 == 0)
            assert_true(th_pool_check(&pool));
    }
    for (size_t i = 0; i < BLOCKS; i++)
        if (model[i].block)
            give_one(&model[i]);
    assert_int_equal(th_pool_largest(&pool), th_pool_capacity(&pool));
}

/* ---- sizes, mistakes, the end ------------------------------------------------------------- */

static void every_size_is_kept_exactly(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 1100; bytes++) {
        void *block = th_pool_take(&pool, TH_PURPOSE_KEY, bytes);
        assert_int_equal(th_pool_size(block), bytes);
        assert_int_equal(pool.live_bytes, bytes);
        th_pool_give(&pool, block);
    }
}

static void only_the_start_of_a_live_block_is_returned(void **state)
{
    (void)state;
    uint8_t *block = th_pool_take(&pool, TH_PURPOSE_OTHER, 1000);
    memset(block, 0, 1000);
    th_pool_give(&pool, block + 16);
    th_pool_give(&pool, block + 256);
    th_pool_give(&pool, memory);
    assert_int_equal(pool.strays, 3);
    th_pool_give(&pool, block);
    th_pool_give(&pool, block);
    assert_int_equal(pool.strays, 4);
    assert_int_equal(pool.live_blocks, 0);
    pool.strays = 0;
}

static void closing_ends_and_counts_what_leaked(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_non_null(th_pool_take(&pool, TH_PURPOSE_OTHER, 700 * i));
    assert_int_equal(th_pool_close(&pool), 5);
}

static void the_largest_pool_has_16_mb(void **state)
{
    (void)state;
    static uint8_t large[TH_POOL_MOST_BYTES];
    struct th_pool most;
    th_pool_open(&most, large, sizeof large);
    size_t all = th_pool_capacity(&most);
    assert_int_equal(all, 65535u * 256 - 8);
    void *last = NULL, *first = th_pool_take(&most, TH_PURPOSE_OTHER, all - 256);
    assert_non_null(first);
    assert_non_null(last = th_pool_take(&most, TH_PURPOSE_OTHER, 248));
    assert_null(th_pool_take(&most, TH_PURPOSE_OTHER, 0));
    assert_true(th_pool_check(&most));
    th_pool_give(&most, first);
    th_pool_give(&most, last);
    assert_int_equal(th_pool_close(&most), 0);
    assert_int_equal(most.strays, 0);
}

#define POOL_TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POOL_TEST(agrees_with_a_model),
        POOL_TEST(every_size_is_kept_exactly),
        POOL_TEST(only_the_start_of_a_live_block_is_returned),
        POOL_TEST(closing_ends_and_counts_what_leaked),
        cmocka_unit_test(the_largest_pool_has_16_mb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

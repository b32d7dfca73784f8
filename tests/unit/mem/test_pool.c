/* The pool against a model: what was written stays, nothing overlaps, every count is exact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "mem/pool.h"

enum { MODEL_BLOCKS = 400, POOL_BYTES = 64 * 1024 };

static _Alignas(16) uint8_t memory[POOL_BYTES + 32];
static struct th_pool pool;

static int open_pool(void **state)
{
    (void)state;
    th_pool_open(&pool, memory, POOL_BYTES);
    return 0;
}

static int close_pool(void **state)
{
    (void)state;
    return th_pool_close(&pool) == 0 ? 0 : -1;
}

/* ---- the model ---------------------------------------------------------------------------- */

struct entry {
    uint8_t *block;
    size_t bytes;
    enum th_purpose purpose;
    uint8_t fill;
};

static struct entry model[MODEL_BLOCKS];
static size_t model_blocks;
static size_t model_bytes;
static uint32_t seed;

static uint32_t draw(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % below;
}

/* Mostly small, now and then large: as TLS asks. */
static size_t draw_bytes(void)
{
    static const uint32_t limits[] = {8, 40, 40, 200, 200, 800, 3000, 17000};
    return draw(limits[draw(8)]);
}

static void expect_intact(const struct entry *entry)
{
    for (size_t i = 0; i < entry->bytes; i++)
        assert_int_equal(entry->block[i], entry->fill);
    assert_int_equal(th_pool_size(entry->block), entry->bytes);
    assert_int_equal(th_pool_purpose(entry->block), entry->purpose);
}

static void model_take(void)
{
    size_t bytes = draw_bytes();
    size_t largest = th_pool_largest(&pool);
    struct entry entry = {NULL, bytes, (enum th_purpose)draw(TH_PURPOSES), (uint8_t)draw(256)};
    entry.block = th_pool_take(&pool, entry.purpose, bytes);
    assert_int_equal(entry.block != NULL, largest && bytes <= largest);
    if (!entry.block)
        return;
    assert_int_equal((uintptr_t)entry.block % 16, 0);
    memset(entry.block, entry.fill, bytes);
    model[model_blocks++] = entry;
    model_bytes += bytes;
}

static void model_give(void)
{
    struct entry *entry = &model[draw((uint32_t)model_blocks)];
    expect_intact(entry);
    th_pool_give(&pool, entry->block);
    model_bytes -= entry->bytes;
    *entry = model[--model_blocks];
}

static void model_step(uint32_t take_percent)
{
    bool takes = draw(100) < take_percent && model_blocks < MODEL_BLOCKS;
    if (takes || model_blocks == 0)
        model_take();
    else
        model_give();
    assert_int_equal(pool.live_bytes, model_bytes);
    assert_int_equal(pool.live_blocks, model_blocks);
}

static void run_model(uint32_t first_seed, size_t pool_bytes)
{
    seed = first_seed;
    model_blocks = model_bytes = 0;
    th_pool_open(&pool, memory + first_seed % 17, pool_bytes);
    for (size_t step = 0; step < 40000; step++) {
        model_step(step / 2000 % 2 ? 35 : 65);
        if (step % 16 == 0)
            assert_true(th_pool_check(&pool));
    }
    while (model_blocks)
        model_give();
    assert_true(th_pool_check(&pool));
    assert_int_equal(th_pool_largest(&pool), th_pool_capacity(&pool));
    assert_int_equal(th_pool_close(&pool), 0);
}

static void agrees_with_a_model(void **state)
{
    (void)state;
    static const size_t sizes[] = {1000, 9000, 24576, 36864, POOL_BYTES};
    const char *given = getenv("TH_SEED");
    uint32_t start = given ? (uint32_t)strtoul(given, NULL, 10) : 1 + (uint32_t)getpid();
    printf("TH_SEED=%u\n", start);
    for (uint32_t i = 0; i < 10; i++)
        run_model(start + i * 7919, sizes[i % 5]);
}

/* ---- exact sizes -------------------------------------------------------------------------- */

static void every_size_is_kept_exactly(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 5000; bytes++) {
        uint8_t *block = th_pool_take(&pool, TH_PURPOSE_OTHER, bytes);
        assert_non_null(block);
        memset(block, 0x11, bytes);
        assert_int_equal(th_pool_size(block), bytes);
        assert_int_equal(pool.live_bytes, bytes);
        assert_int_equal(pool.footprint_bytes, (bytes + 8 + 15) / 16 * 16);
        th_pool_give(&pool, block);
    }
}

static void nothing_has_an_address_of_its_own(void **state)
{
    (void)state;
    void *one = th_pool_take(&pool, TH_PURPOSE_OTHER, 0);
    void *other = th_pool_take(&pool, TH_PURPOSE_OTHER, 0);
    assert_non_null(one);
    assert_non_null(other);
    assert_ptr_not_equal(one, other);
    th_pool_give(&pool, one);
    th_pool_give(&pool, other);
}

static void the_whole_pool_is_one_block(void **state)
{
    (void)state;
    size_t all = th_pool_capacity(&pool);
    assert_int_equal(all, POOL_BYTES - 16 - 8);
    assert_null(th_pool_take(&pool, TH_PURPOSE_OTHER, all + 1));
    void *block = th_pool_take(&pool, TH_PURPOSE_OTHER, all);
    assert_non_null(block);
    assert_int_equal(th_pool_largest(&pool), 0);
    assert_null(th_pool_take(&pool, TH_PURPOSE_OTHER, 0));
    th_pool_give(&pool, block);
    assert_int_equal(th_pool_largest(&pool), all);
}

static void absurd_sizes_are_refused(void **state)
{
    (void)state;
    static const size_t absurd[] = {SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 8, SIZE_MAX - 15,
                                    SIZE_MAX / 2, UINT32_MAX, TH_POOL_MOST_BYTES,
                                    TH_POOL_MOST_BYTES - 8, (size_t)1 << 20};
    for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++)
        assert_null(th_pool_take(&pool, TH_PURPOSE_OTHER, absurd[i]));
    assert_true(th_pool_check(&pool));
}

static void the_largest_pool_is_used_to_its_end(void **state)
{
    (void)state;
    size_t bytes = TH_POOL_MOST_BYTES + 4096;
    uint8_t *large = malloc(bytes);
    struct th_pool most;
    th_pool_open(&most, large, bytes);
    size_t all = th_pool_capacity(&most);
    assert_int_equal(all, TH_POOL_MOST_BYTES - 16 - 8);
    uint8_t *block = th_pool_take(&most, TH_PURPOSE_OTHER, all);
    assert_non_null(block);
    memset(block, 1, all);
    assert_true(th_pool_check(&most));
    th_pool_give(&most, block);
    void *first = th_pool_take(&most, TH_PURPOSE_OTHER, all - 24 - 16);
    void *last = th_pool_take(&most, TH_PURPOSE_OTHER, 24);
    assert_non_null(first);
    assert_non_null(last);
    assert_true(th_pool_check(&most));
    th_pool_give(&most, first);
    th_pool_give(&most, last);
    assert_int_equal(th_pool_close(&most), 0);
    free(large);
}

static void tiny_memory_refuses_everything(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 64; bytes++) {
        struct th_pool tiny;
        th_pool_open(&tiny, memory, bytes);
        assert_null(th_pool_take(&tiny, TH_PURPOSE_OTHER, 0));
        assert_int_equal(th_pool_capacity(&tiny), 0);
        assert_int_equal(th_pool_largest(&tiny), 0);
        assert_true(th_pool_check(&tiny));
        assert_int_equal(th_pool_close(&tiny), 0);
    }
}

/* ---- joining ------------------------------------------------------------------------------ */

static void free_neighbours_join_in_every_order(void **state)
{
    (void)state;
    static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < 6; i++) {
        void *blocks[3];
        for (size_t j = 0; j < 3; j++)
            blocks[j] = th_pool_take(&pool, TH_PURPOSE_OTHER, 100 * (j + 1));
        for (size_t j = 0; j < 3; j++) {
            th_pool_give(&pool, blocks[orders[i][j]]);
            assert_true(th_pool_check(&pool));
        }
        assert_int_equal(th_pool_largest(&pool), th_pool_capacity(&pool));
    }
}

/* ---- mistakes ----------------------------------------------------------------------------- */

static const void *alarmed;

static void note_alarm(const void *address)
{
    alarmed = address;
}

static void a_second_free_is_noticed(void **state)
{
    (void)state;
    void *block = th_pool_take(&pool, TH_PURPOSE_OTHER, 100);
    void *wall = th_pool_take(&pool, TH_PURPOSE_OTHER, 100);
    th_pool_alarm = note_alarm;
    th_pool_give(&pool, block);
    th_pool_give(&pool, block);
    assert_ptr_equal(alarmed, block);
    th_pool_give(&pool, wall);
    th_pool_give(&pool, wall); /* by now swallowed by its neighbour */
    th_pool_alarm = NULL;
    assert_ptr_equal(alarmed, wall);
    assert_int_equal(pool.strays, 2);
    assert_int_equal(pool.live_blocks, 0);
    assert_true(th_pool_check(&pool));
}

static void foreign_addresses_are_noticed(void **state)
{
    (void)state;
    uint8_t foreign[64];
    uint8_t *block = th_pool_take(&pool, TH_PURPOSE_OTHER, 100);
    memset(block, 0, 100);
    th_pool_give(&pool, foreign);
    th_pool_give(&pool, NULL);
    th_pool_give(&pool, memory);
    th_pool_give(&pool, block + 1);
    th_pool_give(&pool, block + 16);
    th_pool_give(&pool, memory + POOL_BYTES);
    assert_int_equal(pool.strays, 6);
    assert_true(th_pool_check(&pool));
    th_pool_give(&pool, block);
    assert_int_equal(pool.strays, 6);
}

static void owns_its_memory_and_no_more(void **state)
{
    (void)state;
    uint8_t *block = th_pool_take(&pool, TH_PURPOSE_OTHER, 10);
    assert_true(th_pool_owns(&pool, block));
    assert_true(th_pool_is_live(&pool, block));
    assert_false(th_pool_is_live(&pool, block + 1));
    assert_false(th_pool_owns(&pool, (void *)((uintptr_t)memory - 1)));
    assert_false(th_pool_owns(&pool, memory + POOL_BYTES));
    assert_false(th_pool_owns(&pool, &pool));
    th_pool_give(&pool, block);
    assert_false(th_pool_is_live(&pool, block));
}

/* ---- closing and walking ------------------------------------------------------------------ */

static void closing_counts_and_wipes_what_leaked(void **state)
{
    (void)state;
    static uint8_t own[4096];
    static const uint8_t zeros[1024];
    struct th_pool leaky;
    memset(own, 0x77, sizeof own);
    th_pool_open(&leaky, own, sizeof own);
    for (size_t i = 0; i < 5; i++)
        memset(th_pool_take(&leaky, TH_PURPOSE_KEY, 100), 0x55, 100);
    size_t reach = leaky.reach_bytes;
    assert_int_equal(th_pool_close(&leaky), 5);
    assert_memory_equal(own, zeros, reach);
    assert_null(th_pool_take(&leaky, TH_PURPOSE_KEY, 1));
    assert_int_equal(own[2048], 0x77);
}

static size_t resident_pages(const uint8_t *from, size_t bytes)
{
    unsigned char pages[64] = {0};
    size_t resident = 0;
    assert_int_equal(mincore((void *)from, bytes, pages), 0);
    for (size_t i = 0; i < sizeof pages; i++)
        resident += pages[i] & 1;
    return resident;
}

static void trimming_gives_free_pages_back_and_no_other(void **state)
{
    (void)state;
    static _Alignas(4096) uint8_t own[16 * 4096];
    struct th_pool large;
    uint8_t *blocks[6];
    th_pool_open(&large, own, sizeof own);
    for (size_t i = 0; i < 6; i++)
        blocks[i] = memset(th_pool_take(&large, TH_PURPOSE_OTHER, 10000), (int)i, 10000);
    th_pool_give(&large, blocks[1]);
    th_pool_give(&large, blocks[2]);
    th_pool_give(&large, blocks[4]);
    size_t before = resident_pages(own, sizeof own);
    th_pool_trim(&large);
    assert_in_range(before - resident_pages(own, sizeof own), 4, 7);
    assert_true(th_pool_check(&large));
    for (size_t i = 0; i < 6; i += 3)
        for (size_t j = 0; j < 10000; j++)
            assert_int_equal(blocks[i][j], i);
    blocks[1] = memset(th_pool_take(&large, TH_PURPOSE_OTHER, 20000), 9, 20000);
    assert_true(th_pool_check(&large));
    assert_int_equal(th_pool_close(&large), 4);
}

static void trimming_spares_the_links_at_the_start_of_a_page(void **state)
{
    (void)state;
    static _Alignas(4096) uint8_t own[4 * 4096];
    struct th_pool paged;
    th_pool_open(&paged, own, sizeof own);
    void *wall = th_pool_take(&paged, TH_PURPOSE_OTHER, 4096 - 16 - 8);
    void *page = th_pool_take(&paged, TH_PURPOSE_OTHER, 5000);
    assert_ptr_equal(page, own + 4096);
    th_pool_give(&paged, page);
    th_pool_trim(&paged);
    assert_true(th_pool_check(&paged));
    th_pool_give(&paged, wall);
    assert_int_equal(th_pool_close(&paged), 0);
}

static void add_up(void *arg, const void *block, size_t bytes, enum th_purpose purpose)
{
    size_t *sums = arg;
    assert_non_null(block);
    sums[purpose] += bytes;
}

static void walking_sees_every_live_block(void **state)
{
    (void)state;
    size_t sums[TH_PURPOSES] = {0};
    void *key = th_pool_take(&pool, TH_PURPOSE_KEY, 33);
    void *gap = th_pool_take(&pool, TH_PURPOSE_OTHER, 50);
    void *hash = th_pool_take(&pool, TH_PURPOSE_HASH, 7);
    th_pool_give(&pool, gap);
    th_pool_walk(&pool, add_up, sums);
    assert_int_equal(sums[TH_PURPOSE_KEY], 33);
    assert_int_equal(sums[TH_PURPOSE_HASH], 7);
    assert_int_equal(sums[TH_PURPOSE_OTHER], 0);
    assert_ptr_equal(th_pool_first(&pool), key);
    th_pool_give(&pool, key);
    assert_ptr_equal(th_pool_first(&pool), hash);
    th_pool_give(&pool, hash);
    assert_null(th_pool_first(&pool));
}

static void fresh_and_freed_memory_are_poisoned(void **state)
{
    (void)state;
    uint8_t *block = th_pool_take(&pool, TH_PURPOSE_OTHER, 64);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(block[i], 0xA5);
    th_pool_give(&pool, block);
}

static void the_footprint_is_counted_beside_the_request(void **state)
{
    (void)state;
    void *one = th_pool_take(&pool, TH_PURPOSE_OTHER, 1);
    void *two = th_pool_take(&pool, TH_PURPOSE_OTHER, 9);
    assert_int_equal(pool.peak_bytes, 10);
    assert_int_equal(pool.footprint_peak_bytes, 16 + 32);
    th_pool_give(&pool, one);
    th_pool_give(&pool, two);
    assert_int_equal(pool.live_bytes + pool.footprint_bytes, 0);
    assert_int_equal(pool.peak_bytes, 10);
}

#define POOL_TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_model),
        POOL_TEST(every_size_is_kept_exactly),
        POOL_TEST(nothing_has_an_address_of_its_own),
        POOL_TEST(the_whole_pool_is_one_block),
        POOL_TEST(absurd_sizes_are_refused),
        POOL_TEST(free_neighbours_join_in_every_order),
        POOL_TEST(a_second_free_is_noticed),
        POOL_TEST(foreign_addresses_are_noticed),
        POOL_TEST(owns_its_memory_and_no_more),
        POOL_TEST(walking_sees_every_live_block),
        POOL_TEST(fresh_and_freed_memory_are_poisoned),
        POOL_TEST(the_footprint_is_counted_beside_the_request),
        cmocka_unit_test(the_largest_pool_is_used_to_its_end),
        cmocka_unit_test(tiny_memory_refuses_everything),
        cmocka_unit_test(trimming_gives_free_pages_back_and_no_other),
        cmocka_unit_test(trimming_spares_the_links_at_the_start_of_a_page),
        cmocka_unit_test(closing_counts_and_wipes_what_leaked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

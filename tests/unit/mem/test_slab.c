/* Equal blocks: the lowest free one first, none twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem/slab.h"

static _Alignas(16) uint8_t memory[70 * 32];

static void blocks_are_handed_out_from_the_lowest(void **state)
{
    (void)state;
    struct th_slab slab;
    th_slab_open(&slab, memory, 4 * 32 + 31, 32);
    for (size_t i = 0; i < 4; i++)
        assert_ptr_equal(th_slab_take(&slab), memory + i * 32);
    assert_null(th_slab_take(&slab));
    th_slab_give(&slab, memory + 64);
    th_slab_give(&slab, memory + 32);
    assert_ptr_equal(th_slab_take(&slab), memory + 32);
    assert_ptr_equal(th_slab_take(&slab), memory + 64);
    assert_null(th_slab_take(&slab));
}

static void sixty_four_is_the_most(void **state)
{
    (void)state;
    struct th_slab slab;
    th_slab_open(&slab, memory, sizeof memory, 32);
    for (size_t i = 0; i < 64; i++)
        assert_ptr_equal(th_slab_take(&slab), memory + i * 32);
    assert_null(th_slab_take(&slab));
}

static void too_little_memory_has_no_block(void **state)
{
    (void)state;
    struct th_slab slab;
    th_slab_open(&slab, memory, 31, 32);
    assert_null(th_slab_take(&slab));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_handed_out_from_the_lowest),
        cmocka_unit_test(sixty_four_is_the_most),
        cmocka_unit_test(too_little_memory_has_no_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

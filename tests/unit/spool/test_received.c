/* Which messages were received, over power cuts at every write and sync, and on a disk that fails:
 * what was synced last is there, or something newer, and always whole. */
#define FILE_BYTES 24576
#include "power_cut.h"

static uint32_t synced, begun; /* each word but the first is the same number, which only grows */
static unsigned bad, newer;

static const struct th_spool_config config = {.path = "/virtual", .max_bytes = 16384};

static void look_at(struct disk *what)
{
    const uint32_t *ids = found.received.ids;
    disk = what;
    images++;
    bool is_good = th_spool_open(&found, &config, TH_SPOOL_OWN, 1, &fault) == 0;
    for (unsigned i = 2; i < ids[0]; i++)
        is_good &= ids[i] == ids[1];
    uint32_t kept = ids[0] ? ids[1] : 0;
    bad += !is_good || kept < synced || kept > begun;
    newer += kept > synced;
    th_spool_close(&found);
}

static void keep(bool is_synced)
{
    static const uint32_t sizes[] = {4, 70, 136, 600, TH_RECEIVED_WORDS};
    begun++;
    spool.received.ids[0] = sizes[chance(5)];
    for (unsigned i = 1; i < TH_RECEIVED_WORDS; i++)
        spool.received.ids[i] = begun;
    if (th_spool_keep(&spool, is_synced) && is_synced)
        synced = begun;
}

static void receive(unsigned steps)
{
    for (unsigned step = 0; step < steps; step++)
        keep(chance(3) == 0);
}

static int begin(void **state)
{
    (void)state;
    empty(&main_disk);
    empty(&image);
    disk = &main_disk;
    images = bad = newer = synced = begun = operations = fail_from = fail_to = 0;
    lies_data = false;
    seed = 7;
    cutting = true;
    return th_spool_open(&spool, &config, TH_SPOOL_OWN, 1, &fault);
}

static void open_again(void **state)
{
    end(state);
    assert_int_equal(th_spool_open(&spool, &config, TH_SPOOL_OWN, 1, &fault), 0);
    cutting = true;
}

static void test_cut_at_every_change(void **state)
{
    receive(100);
    open_again(state);
    assert_int_equal(spool.received.ids[1], begun);
    receive(100);
    print_message("%u images, %u of them newer than what was synced; %u bad\n", images, newer, bad);
    assert_true(images > 1000 && newer > 300);
    assert_int_equal(bad, 0);
}

static void test_failing_disks(void **state)
{
    static const int numbers[] = {EIO, ENOSPC, EROFS};
    for (unsigned i = 0; i < 30; i++) {
        fail_errno = numbers[i % 3];
        fail_from = operations + 1 + chance(10);
        fail_to = fail_from + 1 + chance(6);
        receive(12);
    }
    fail_to = 0;
    keep(true);
    open_again(state);
    assert_int_equal(spool.received.ids[1], begun);
    assert_true(images > 1000);
    assert_int_equal(bad, 0);
}

static void test_that_a_lie_is_found(void **state)
{
    (void)state;
    lies_data = true;
    receive(60);
    assert_true(bad > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cut_at_every_change, begin, end),
        cmocka_unit_test_setup_teardown(test_failing_disks, begin, end),
        cmocka_unit_test_setup_teardown(test_that_a_lie_is_found, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

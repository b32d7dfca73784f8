#include "../mqtt/wire.h"

#include "session/identifiers.h"

#include <stdlib.h>

static struct th_session_ids ids;
static bool model[65536];
static unsigned model_count;

static int forget_all(void **state)
{
    (void)state;
    memset(&ids, 0, sizeof ids);
    memset(model, 0, sizeof model);
    model_count = 0;
    return 0;
}

static bool is_inside(unsigned id, unsigned except)
{
    for (unsigned i = 0; i < ids.ranges; i++)
        if (i != except && ids.list[i].first <= id && id <= ids.list[i].last)
            return true;
    return false;
}

static void check(void)
{
    assert_int_equal(ids.count, model_count);
    assert_in_range(ids.ranges, 0, TH_SESSION_ID_RANGES);
    for (unsigned i = 0; i < ids.ranges; i++) {
        assert_true(ids.list[i].first <= ids.list[i].last);
        assert_false(is_inside(ids.list[i].first, i));
        assert_false(is_inside(ids.list[i].first - 1u, i));
    }
    for (unsigned id = 1; id < 65536; id++)
        if (th_session_ids_have(&ids, (uint16_t)id) != model[id])
            fail_msg("identifier %u: %d in the model", id, model[id]);
}

static void add(unsigned id)
{
    th_session_ids_add(&ids, (uint16_t)id);
    model[id] = true;
    model_count++;
}

static bool drop(unsigned id)
{
    bool dropped = th_session_ids_drop(&ids, (uint16_t)id);
    model_count -= dropped;
    model[id] = !dropped;
    return dropped;
}

static void test_all_there_are(void **state)
{
    (void)state;
    for (unsigned id = 1; id < 65536; id++)
        add(id);
    assert_int_equal(ids.ranges, 1);
    check();
    for (unsigned id = 65535; id > 0; id--)
        assert_true(drop(id));
    assert_int_equal(ids.ranges, 0);
    check();
}

static void test_the_count_begins_again_at_1(void **state)
{
    (void)state;
    add(65534), add(65535), add(1), add(2);
    assert_int_equal(ids.ranges, 2);
    check();
}

static void test_a_gap_is_closed(void **state)
{
    (void)state;
    add(5), add(7), add(9);
    assert_int_equal(ids.ranges, 3);
    add(8), add(6);
    assert_int_equal(ids.ranges, 1);
    check();
}

static void test_a_full_set_takes_neighbours_only(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= TH_SESSION_ID_RANGES; i++)
        add(10 * i);
    assert_false(th_session_ids_have_room(&ids, 5));
    assert_true(th_session_ids_have_room(&ids, 11));
    assert_true(th_session_ids_have_room(&ids, 9));
    add(11), add(12);
    assert_false(drop(11));
    check();
    assert_true(drop(10) && drop(11) && drop(12));
    assert_true(th_session_ids_have_room(&ids, 5));
    check();
}

static void test_as_many_as_ranges_in_any_order(void **state)
{
    (void)state;
    srand(1);
    for (int turns = 0; turns < 20000; turns++) {
        unsigned id = 1 + (unsigned)rand() % 100;
        if (model[id])
            assert_true(drop(id));
        else if (model_count < TH_SESSION_ID_RANGES && th_session_ids_have_room(&ids, (uint16_t)id))
            add(id);
        else
            assert_int_equal(model_count, TH_SESSION_ID_RANGES);
        if (turns % 1000 == 0)
            check();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all_there_are, forget_all),
        cmocka_unit_test_setup(test_the_count_begins_again_at_1, forget_all),
        cmocka_unit_test_setup(test_a_gap_is_closed, forget_all),
        cmocka_unit_test_setup(test_a_full_set_takes_neighbours_only, forget_all),
        cmocka_unit_test_setup(test_as_many_as_ranges_in_any_order, forget_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

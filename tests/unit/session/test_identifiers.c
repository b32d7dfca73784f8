#include "../mqtt/wire.h"

#include "session/identifiers.h"

#include <stdlib.h>

static struct th_session_id_page list[TH_SESSION_ID_PAGES];
static struct th_session_ids ids;
static bool model[65536];
static unsigned model_count;

static int forget_all(void **state)
{
    (void)state;
    memset(list, 0xa5, sizeof list);
    memset(model, 0, sizeof model);
    ids = (struct th_session_ids){.list = list};
    model_count = 0;
    return 0;
}

static unsigned used_pages(void)
{
    unsigned used = 0;
    for (unsigned page = 0; page < TH_SESSION_ID_PAGES; page++)
        used += memchr(model + page * TH_SESSION_IDS_OF_PAGE, 1, TH_SESSION_IDS_OF_PAGE) != NULL;
    return used;
}

static void check(void)
{
    assert_true(th_session_ids_sound(&ids));
    assert_int_equal(ids.count, model_count);
    assert_int_equal(ids.pages, used_pages());
    for (unsigned id = 0; id < 65536; id++)
        if (th_session_ids_have(&ids, (uint16_t)id) != model[id])
            fail_msg("identifier %u: %d in the model", id, model[id]);
}

static void add(unsigned id)
{
    th_session_ids_add(&ids, (uint16_t)id);
    model[id] = true;
    model_count++;
}

static void drop(unsigned id)
{
    th_session_ids_drop(&ids, (uint16_t)id);
    model[id] = false;
    model_count--;
}

static void test_all_there_are(void **state)
{
    (void)state;
    for (unsigned id = 1; id < 65536; id++)
        add(id);
    check();
    assert_int_equal(ids.pages, TH_SESSION_ID_PAGES);
    for (unsigned id = 65535; id > 0; id--)
        drop(id);
    check();
    assert_int_equal(ids.pages, 0);
}

/* Every second one, in an order that mixes the pages. */
static void test_no_two_side_by_side(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 32768; i++)
        add(i * 2 * 997 % 65536);
    check();
    for (unsigned i = 0; i < 32768; i += 3)
        drop(i * 2 * 997 % 65536);
    check();
}

static void test_the_count_begins_again_at_1(void **state)
{
    (void)state;
    add(65534), add(65535), add(1), add(2);
    check();
    drop(65534), drop(65535);
    check();
    assert_int_equal(ids.pages, 1);
}

/* As long as few are in it one page is touched, whatever their numbers are. */
static void test_what_is_empty_makes_room(void **state)
{
    (void)state;
    for (unsigned id = 1; id < 65536; id++) {
        add(id);
        if (id > 1)
            drop(id - 1);
        assert_in_range(ids.pages, 1, 2);
    }
    check();
    uint32_t first;
    memcpy(&first, &list[2], sizeof first);
    assert_int_equal(first, 0xa5a5a5a5);
}

static void test_at_random(void **state)
{
    (void)state;
    srand(1);
    for (int turns = 0; turns < 200000; turns++) {
        unsigned id = 1 + (unsigned)rand() % 65535;
        if (turns % 3)
            id = id % 5 * 4096 + id % 64;
        if (model[id])
            drop(id);
        else
            add(id);
        if (turns % 10000 == 0)
            check();
    }
}

static void test_what_nobody_made(void **state)
{
    (void)state;
    add(1), add(5000);
    assert_true(th_session_ids_sound(&ids));
    list[1].number = list[0].number;
    assert_false(th_session_ids_sound(&ids));
    list[1].number = TH_SESSION_ID_PAGES;
    assert_false(th_session_ids_sound(&ids));
    list[1].number = TH_SESSION_ID_PAGES - 1;
    assert_true(th_session_ids_sound(&ids));
    ids.pages = TH_SESSION_ID_PAGES + 1;
    assert_false(th_session_ids_sound(&ids));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all_there_are, forget_all),
        cmocka_unit_test_setup(test_no_two_side_by_side, forget_all),
        cmocka_unit_test_setup(test_the_count_begins_again_at_1, forget_all),
        cmocka_unit_test_setup(test_what_is_empty_makes_room, forget_all),
        cmocka_unit_test_setup(test_at_random, forget_all),
        cmocka_unit_test_setup(test_what_nobody_made, forget_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

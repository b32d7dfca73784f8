/* Leases: never more than there are, first come first served, whoever leaves the line or gives
 * up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mem/lease.h"

#define PIECE_BYTES 32
#define PIECES 3
#define USERS 9
#define LIMIT_MS 1000

static _Alignas(16) uint8_t memory[PIECES * PIECE_BYTES];
static struct th_leases leases;
static struct th_lease users[USERS];
static uint64_t now_ms;

static int open_leases(void **state)
{
    (void)state;
    now_ms = 5000;
    th_leases_open(&leases, memory, sizeof memory, PIECE_BYTES);
    for (size_t i = 0; i < USERS; i++)
        users[i] = (struct th_lease){0};
    return 0;
}

static bool take(size_t user)
{
    return th_lease_take(&leases, &users[user], now_ms);
}

static void give(size_t user)
{
    th_lease_give(&leases, &users[user], now_ms);
}

static bool overdue(size_t user)
{
    return now_ms >= th_lease_due_ms(&leases, &users[user], LIMIT_MS);
}

static void fill(void)
{
    for (size_t i = 0; i < PIECES; i++)
        assert_true(take(i));
}

/* ---- granting ------------------------------------------------------------------------------- */

static void each_gets_a_piece_of_its_own(void **state)
{
    (void)state;
    fill();
    for (size_t i = 0; i < PIECES; i++)
        assert_ptr_equal(users[i].memory, memory + i * PIECE_BYTES);
    assert_false(take(PIECES));
    assert_null(users[PIECES].memory);
    assert_int_equal(leases.held, PIECES);
    assert_int_equal(leases.held_peak, PIECES);
    assert_int_equal(leases.waiting, 1);
}

static void asking_again_changes_nothing(void **state)
{
    (void)state;
    fill();
    void *mine = users[0].memory;
    assert_true(take(0));
    assert_ptr_equal(users[0].memory, mine);
    assert_false(take(PIECES));
    assert_false(take(PIECES));
    assert_int_equal(leases.waiting, 1);
    assert_int_equal(leases.waits, 1);
}

static void what_is_given_back_is_free_if_nobody_waits(void **state)
{
    (void)state;
    fill();
    give(1);
    assert_null(users[1].memory);
    assert_int_equal(leases.held, PIECES - 1);
    assert_true(take(5));
    assert_ptr_equal(users[5].memory, memory + PIECE_BYTES);
}

static void giving_what_is_not_held_is_harmless(void **state)
{
    (void)state;
    give(0);
    fill();
    give(5);
    assert_int_equal(leases.held, PIECES);
    give(0);
    give(0);
    assert_int_equal(leases.held, PIECES - 1);
}

/* ---- the line --------------------------------------------------------------------------------- */

static void the_first_in_line_is_served_first(void **state)
{
    (void)state;
    fill();
    assert_false(take(3));
    assert_false(take(4));
    assert_int_equal(th_lease_ahead(&leases, &users[4]), 1);
    now_ms += 7;
    give(2);
    assert_non_null(users[3].memory);
    assert_false(users[3].waits);
    assert_int_equal(users[3].since_ms, now_ms);
    assert_null(users[4].memory);
    assert_true(take(3));
    assert_false(take(2));
    give(0);
    assert_non_null(users[4].memory);
    assert_null(users[2].memory);
}

static void whoever_comes_while_others_wait_is_not_served_before(void **state)
{
    (void)state;
    fill();
    assert_false(take(3));
    give(0);
    assert_false(take(4));
    assert_non_null(users[3].memory);
}

static void the_line_closes_up_behind_those_who_leave(void **state)
{
    (void)state;
    fill();
    for (size_t i = 3; i < 8; i++)
        assert_false(take(i));
    give(3); /* the first */
    give(5); /* in the middle */
    give(7); /* the last */
    assert_int_equal(leases.waiting, 2);
    assert_false(take(8));
    give(0);
    give(1);
    give(2);
    assert_non_null(users[4].memory);
    assert_non_null(users[6].memory);
    assert_non_null(users[8].memory);
    assert_int_equal(leases.waiting, 0);
    assert_null(leases.first);
    assert_null(leases.last);
}

/* ---- the limit -------------------------------------------------------------------------------- */

static void it_may_be_kept_while_nobody_waits(void **state)
{
    (void)state;
    fill();
    now_ms += 100 * LIMIT_MS;
    assert_false(overdue(0));
    assert_false(take(3));
    assert_true(overdue(0));
    assert_false(overdue(3));
    give(3);
    assert_false(overdue(0));
}

static void the_limit_counts_from_the_grant(void **state)
{
    (void)state;
    fill();
    assert_false(take(3));
    assert_false(take(4));
    now_ms += LIMIT_MS - 1;
    assert_false(overdue(0));
    give(1);
    now_ms += 1;
    assert_true(overdue(0));
    assert_false(overdue(3));
    now_ms += LIMIT_MS - 1;
    assert_true(overdue(3));
}

/* ---- whatever happens --------------------------------------------------------------------------- */

static void check_books(void)
{
    uint32_t held = 0, waiting = 0;
    for (size_t i = 0; i < USERS; i++) {
        held += users[i].memory != NULL;
        waiting += users[i].waits;
        assert_false(users[i].memory && users[i].waits);
        for (size_t j = 0; j < i; j++)
            assert_true(!users[i].memory || users[i].memory != users[j].memory);
    }
    assert_int_equal(leases.held, held);
    assert_int_equal(leases.waiting, waiting);
    assert_true(held <= PIECES);
    assert_true(held == PIECES || waiting == 0);
}

static void the_books_hold_whatever_happens(void **state)
{
    (void)state;
    srand(1);
    for (int i = 0; i < 100000; i++) {
        size_t user = (size_t)rand() % USERS;
        if (rand() % 2)
            take(user);
        else
            give(user);
        check_books();
    }
}

/* Each asks as soon as it has given back: nobody waits for more than all others' turns. */
static void nobody_starves(void **state)
{
    (void)state;
    unsigned turns[USERS] = {0};
    for (int i = 0; i < 900; i++) {
        for (size_t user = 0; user < USERS; user++)
            take(user);
        size_t done = (size_t)i % USERS;
        if (users[done].memory) {
            turns[done]++;
            give(done);
        }
    }
    for (size_t user = 0; user < USERS; user++)
        assert_in_range(turns[user], 25, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_gets_a_piece_of_its_own, open_leases),
        cmocka_unit_test_setup(asking_again_changes_nothing, open_leases),
        cmocka_unit_test_setup(what_is_given_back_is_free_if_nobody_waits, open_leases),
        cmocka_unit_test_setup(giving_what_is_not_held_is_harmless, open_leases),
        cmocka_unit_test_setup(the_first_in_line_is_served_first, open_leases),
        cmocka_unit_test_setup(whoever_comes_while_others_wait_is_not_served_before, open_leases),
        cmocka_unit_test_setup(the_line_closes_up_behind_those_who_leave, open_leases),
        cmocka_unit_test_setup(it_may_be_kept_while_nobody_waits, open_leases),
        cmocka_unit_test_setup(the_limit_counts_from_the_grant, open_leases),
        cmocka_unit_test_setup(the_books_hold_whatever_happens, open_leases),
        cmocka_unit_test_setup(nobody_starves, open_leases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

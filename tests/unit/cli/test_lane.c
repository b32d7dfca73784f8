/* Lanes of several connections: each has memory of its own, for all rooms of the agent. */
#include "cli/command.h"
#include "cli/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const struct th_cli_share __start_lane_shares[], __stop_lane_shares[];

struct lane {
    uint32_t number;
    uint8_t rest[60];
};
TH_LANE(struct lane, own);
TH_LANE_ARRAY(uint8_t, room, 5000);

/* Links the agent's rooms, which the program has. */
int (*const with_all_its_rooms)(int argc, char *argv[]) = th_cli_agent;

static void *place_of(const struct th_cli_share *share)
{
    void *place;
    memcpy(&place, share->pointer, sizeof place);
    return place;
}

static void test_each_lane_is_apart_and_empty(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TH_LANES; i++) {
        th_cli_lane_enter(i);
        assert_int_equal(th_cli_lane(), i);
        assert_int_equal(own->number, 0);
        assert_int_equal(room[0] | room[4999], 0);
        own->number = 100 + i;
        memset(room, (int)i + 1, 5000);
    }
    for (unsigned i = TH_LANES; i-- > 0;) {
        th_cli_lane_enter(i);
        assert_int_equal(own->number, 100 + i);
        assert_int_equal(room[0], i + 1);
        assert_int_equal(room[4999], i + 1);
    }
    assert_ptr_equal(own, &own_first);
    assert_ptr_equal(room, room_first);
}

static void test_no_two_rooms_share_a_byte(void **state)
{
    (void)state;
    th_cli_lane_enter(1);
    for (const struct th_cli_share *one = __start_lane_shares; one < __stop_lane_shares; one++)
        for (const struct th_cli_share *two = one + 1; two < __stop_lane_shares; two++) {
            const uint8_t *here = place_of(one), *there = place_of(two);
            assert_true(here + abs(one->bytes) <= there || there + abs(two->bytes) <= here);
        }
    th_cli_lane_enter(0);
}

/* Nor with another lane; and little is left over. */
static void test_a_lane_has_room_for_all(void **state)
{
    (void)state;
    size_t needed = 0;
    unsigned count = 0;
    for (const struct th_cli_share *s = __start_lane_shares; s < __stop_lane_shares; s++, count++)
        needed += (size_t)abs(s->bytes);
    assert_in_range(count, 30, TH_LANE_SHARES);
    assert_in_range(needed, TH_LANE_BYTES - 32768, TH_LANE_BYTES);
}

static void test_places_are_aligned(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TH_LANES; i++) {
        th_cli_lane_enter(i);
        for (const struct th_cli_share *s = __start_lane_shares; s < __stop_lane_shares; s++)
            assert_int_equal((uintptr_t)place_of(s) % 8, 0);
    }
    th_cli_lane_enter(0);
}

/* Each has its turn once, and between rounds it is the first one's. */
static void test_a_round_ends_where_it_began(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= TH_LANES; count++) {
        unsigned met = 0;
        th_cli_lanes_open(count);
        do {
            assert_int_equal(th_cli_lane(), met);
            assert_int_equal(own == &own_first, met == 0);
            met++;
        } while (th_cli_lane_next());
        assert_int_equal(met, count);
        assert_int_equal(th_cli_lane(), 0);
        assert_ptr_equal(own, &own_first);
        assert_ptr_equal(room, room_first);
    }
    th_cli_lanes_open(1);
}

/* Whoever broke a round off. */
static void test_the_first_one_can_be_entered_at_any_time(void **state)
{
    (void)state;
    th_cli_lanes_open(TH_LANES);
    assert_true(th_cli_lane_next());
    th_cli_lane_enter(0);
    assert_ptr_equal(own, &own_first);
    assert_true(th_cli_lane_next());
    assert_int_equal(th_cli_lane(), 1);
    th_cli_lane_enter(0);
    th_cli_lanes_open(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_lane_is_apart_and_empty),
        cmocka_unit_test(test_no_two_rooms_share_a_byte),
        cmocka_unit_test(test_a_lane_has_room_for_all),
        cmocka_unit_test(test_places_are_aligned),
        cmocka_unit_test(test_a_round_ends_where_it_began),
        cmocka_unit_test(test_the_first_one_can_be_entered_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "cli/lane.h"

#include <stdint.h>
#include <string.h>

/* The first lane lies where its rooms are. In each of the others what is small stands together at
 * the beginning, which is always touched, and what is large behind it. */
#define PAGE_BYTES 4096

static TH_HEADED uint8_t lanes[TH_LANES - 1][TH_LANE_BYTES];

static unsigned count = 1, turn;

/* The linker's: all of TH_LANE. */
extern const struct th_cli_share __start_lane_shares[], __stop_lane_shares[];
#pragma weak __start_lane_shares
#pragma weak __stop_lane_shares

static size_t room_of(const struct th_cli_share *share)
{
    return (share->bytes + 63) & ~(size_t)63;
}

static void turn_to(const struct th_cli_share *share, void *place)
{
    memcpy(share->pointer, &place, sizeof place);
}

static void turn_all_to(unsigned lane)
{
    uint8_t *small = lanes[lane ? lane - 1 : 0], *large = small + TH_LANE_BYTES;
    for (const struct th_cli_share *s = __start_lane_shares; s < __stop_lane_shares; s++) {
        bool is_large = s->bytes >= PAGE_BYTES;
        large -= is_large ? room_of(s) : 0;
        turn_to(s, !lane ? s->first : is_large ? large : small);
        small += is_large ? 0 : room_of(s);
    }
}

void th_cli_lane_enter(unsigned lane)
{
    if (lane != turn)
        turn_all_to(lane);
    turn = lane;
}

void th_cli_lanes_open(unsigned wanted)
{
    count = wanted;
}

unsigned th_cli_lane(void)
{
    return turn;
}

unsigned th_cli_lanes(void)
{
    return count;
}

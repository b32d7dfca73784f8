#include "cli/lane.h"

#include <string.h>

/* The first lane lies where its rooms are. In each of the others what is always touched stands
 * together at the beginning, and what is roomy at the end. */
static TH_HEADED uint8_t lanes[TH_LANES - 1][TH_LANE_BYTES];

/* The pointers as they are while it is the first one's turn. */
static TH_ROOMY void *firsts[TH_LANE_SHARES];

static unsigned count = 1, turn;

/* The linker's: all of TH_LANE. */
extern const struct th_cli_share __start_lane_shares[], __stop_lane_shares[];
#pragma weak __start_lane_shares
#pragma weak __stop_lane_shares

static void turn_to(const struct th_cli_share *share, void **first, void *place)
{
    if (!turn)
        memcpy(first, share->pointer, sizeof place);
    memcpy(share->pointer, &place, sizeof place);
}

static void turn_all_to(unsigned lane)
{
    uint8_t *small = lanes[lane ? lane - 1 : 0], *roomy = small + TH_LANE_BYTES;
    void **first = firsts;
    for (const struct th_cli_share *s = __start_lane_shares; s < __stop_lane_shares; s++, first++) {
        uint8_t *place = small;
        if (s->bytes < 0)
            place = roomy += s->bytes;
        else
            small += s->bytes;
        turn_to(s, first, lane ? place : *first);
    }
}

void th_cli_lane_enter(unsigned lane)
{
    if (lane != turn)
        turn_all_to(lane);
    turn = lane;
}

bool th_cli_lane_next(void)
{
    th_cli_lane_enter(turn + 1 < count ? turn + 1 : 0);
    return turn;
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

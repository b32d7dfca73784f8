#include "cli/lane.h"

/* There is one. */

void th_cli_lane_enter(unsigned lane)
{
    (void)lane;
}

bool th_cli_lane_next(void)
{
    return false;
}

void th_cli_lanes_open(unsigned wanted)
{
    (void)wanted;
}

unsigned th_cli_lane(void)
{
    return 0;
}

unsigned th_cli_lanes(void)
{
    return 1;
}

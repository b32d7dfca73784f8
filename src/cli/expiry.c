#include "cli/expiry.h"

#include "base/calendar.h"
#include "base/clock.h"
#include "cli/lane.h"
#include "cli/say.h"
#include <stddef.h>

#define DAY_S 86400
#define HOUR_MS 3600000 /* the calendar may be set */

struct lane {
    int64_t not_before_s, not_after_s; /* 0: none is watched */
    int told;                          /* how many moments had passed when it was last said */
    uint64_t until_ms;
};
TH_LANE(struct lane, own);

void th_cli_expiry_watch(int64_t not_before_s, int64_t not_after_s)
{
    own->not_before_s = not_before_s;
    own->not_after_s = not_after_s;
    own->told = 0;
    own->until_ms = 0;
}

int64_t th_cli_expiry_not_after_s(void)
{
    return own->not_after_s;
}

uint64_t th_cli_expiry_until_ms(void)
{
    return own->not_after_s ? own->until_ms : TH_NEVER;
}

static int64_t renewal_s(void)
{
    return own->not_after_s - (own->not_after_s - own->not_before_s) / 5;
}

static int moments_passed(int64_t now_s)
{
    static const uint8_t days_before[] = {30, 14, 7, 1, 0};
    int passed = now_s >= renewal_s();
    for (size_t i = 0; i < sizeof days_before; i++)
        passed += now_s >= own->not_after_s - days_before[i] * DAY_S;
    return passed;
}

static void say(int64_t now_s)
{
    int64_t left_s = own->not_after_s - now_s;
    const char *renew = now_s >= renewal_s() ? "; it is time to renew it" : "";
    if (left_s < 0)
        th_cli_warn("the certificate of the identity has expired");
    else
        th_cli_warn("the certificate of the identity expires in %d days%s", (int)(left_s / DAY_S),
                    renew);
}

void th_cli_expiry_tell(void)
{
    uint64_t now_ms = th_clock_ms();
    if (!own->not_after_s || own->until_ms > now_ms)
        return;
    int64_t now_s = th_calendar_s();
    int passed = moments_passed(now_s);
    own->until_ms = now_ms + HOUR_MS;
    if (passed > own->told)
        say(now_s);
    own->told = passed;
}

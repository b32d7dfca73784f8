#include "cli/clock.h"

#include "base/calendar.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/format.h"
#include "base/roomy.h"
#include "cli/events.h"
#include "cli/keptfile.h"
#include "cli/lane.h"
#include "cli/number.h"
#include "cli/say.h"
#include "net/sntp.h"
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

#define LOOK_AGAIN_MS 1000
#define DAY_S 86400 /* the file is not touched more often: flash wears out */

struct lane {
    bool needless; /* no certificate will be judged, or by any date */
};
TH_LANE(struct lane, its);

static struct {
    bool needs_kernel; /* the kernel must call its clock synchronised */
    bool said;        /* that we wait */
    bool told;        /* the date is a time server's */
    int file;
    uint64_t give_up_ms;
} own;

static TH_ROOMY struct th_net_sntp_exchange exchange;

/* ---- the last date that was right ------------------------------------------------------------ */

#define FILE_BYTES 21 /* always the same digits: one is written over the other */

/* A power cut may have left its length and no content: nothing is kept then. */
static int read_file(const char *path, struct th_fault *fault)
{
    static const char nothing[FILE_BYTES];
    char text[FILE_BYTES];
    int64_t kept_s;
    ssize_t got = read(own.file, text, sizeof text);
    if (got >= 0 && !memcmp(text, nothing, (size_t)got))
        return 0;
    text[got > 0 ? got - 1 : 0] = '\0';
    if (!th_cli_number_parse(text, 1, INT64_MAX, &kept_s))
        return th_fault_set(fault, TH_E_FILE, "--clock-file %s: holds no date; delete it, or name "
                            "another", path);
    th_calendar_raise_floor(kept_s);
    return 0;
}

static int open_file(const char *path, struct th_fault *fault)
{
    own.file = th_cli_keptfile_open("clock-file", path, fault);
    return own.file < 0 ? own.file : read_file(path, fault);
}

/* If it cannot be kept now, then another time. In place: 21 bytes of one sector are the old or the
 * new ones. Not what a time server has told, which anybody could: a certificate that is valid for
 * ten years confirms it, and a date too late would never be lived down. */
void th_cli_clock_confirm(void)
{
    char text[FILE_BYTES + 1];
    int64_t now_s = th_calendar_s();
    if (own.file < 0 || own.told || now_s < th_calendar_floor_s() + DAY_S)
        return;
    th_calendar_raise_floor(now_s);
    th_format(text, sizeof text, "%020lld\n", (long long)now_s);
    if (pwrite(own.file, text, FILE_BYTES, 0) > 0)
        th_file_sync(own.file);
}

/* ---- before ---------------------------------------------------------------------------------- */

static bool is_needless(const struct th_cli_settings *s)
{
    return s->no_tls || s->psk_identity || s->insecure_no_verify ||
           s->clock == TH_CLI_CLOCK_IGNORE;
}

/* Nor by any of the others. */
static bool is_needless_for_all(const struct th_cli_settings *s)
{
    return its->needless && (th_cli_lanes() == 1 || s->clock == TH_CLI_CLOCK_IGNORE);
}

static int open_common(const struct th_cli_settings *s, struct th_fault *fault)
{
    bool needless = is_needless_for_all(s);
    own.file = -1;
    own.needs_kernel = s->clock == TH_CLI_CLOCK_SYNC;
    if (s->sntp.count)
        exchange = (struct th_net_sntp_exchange){.servers = s->sntp.items, .count = s->sntp.count};
    own.give_up_ms = th_clock_ms() + (s->clock == TH_CLI_CLOCK_FAIL ? 0 : (uint64_t)s->clock_ms);
    if (needless)
        th_calendar_believe_any();
    return !needless && s->clock_file ? open_file(s->clock_file, fault) : 0;
}

int th_cli_clock_open(const struct th_cli_settings *s, struct th_fault *fault)
{
    its->needless = is_needless(s);
    return th_cli_lane() ? 0 : open_common(s, fault);
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* By NTP, PTP, a GPS receiver, whoever it is: adjtimex(2). */
static bool is_synchronised(void)
{
    struct timex asked = {0};
    return adjtimex(&asked) != TIME_ERROR;
}

static bool is_right(void)
{
    return th_calendar_is_believable() && (!own.needs_kernel || is_synchronised());
}

static bool ask_servers(uint64_t now_ms)
{
    int64_t now_s;
    if (!th_net_sntp_step(&exchange, now_ms, th_calendar_floor_s(), &now_s))
        return false;
    th_calendar_set(now_s);
    own.told = true;
    return true;
}

static int explain(struct th_fault *fault)
{
    if (th_calendar_is_believable())
        return th_fault_set(fault, TH_E_CLOCK, "the kernel's clock is not synchronised");
    return th_calendar_fault(fault);
}

static void say_once(const struct th_fault *fault)
{
    if (own.said)
        return;
    own.said = true;
    th_cli_warn("%s: waiting", fault->text);
    th_cli_events_waiting(fault);
}

int th_cli_clock_step(struct th_fault *fault)
{
    uint64_t now_ms = th_clock_ms();
    if (its->needless)
        return 0;
    if (is_right() || ask_servers(now_ms)) {
        th_net_sntp_end(&exchange);
        return 0;
    }
    int result = explain(fault);
    if (now_ms >= own.give_up_ms)
        return result;
    say_once(fault);
    th_fault_clear(fault);
    return TH_WANT_READ;
}

struct pollfd th_cli_clock_awaited(void)
{
    return (struct pollfd){.fd = th_net_sntp_fd(&exchange), .events = POLLIN};
}

int th_cli_clock_wait_ms(void)
{
    uint64_t now_ms = th_clock_ms();
    int wait_ms = th_clock_shorter_ms(LOOK_AGAIN_MS, th_clock_wait_ms(own.give_up_ms, now_ms));
    return th_clock_shorter_ms(wait_ms, th_net_sntp_wait_ms(&exchange, now_ms));
}

void th_cli_clock_close(void)
{
    th_net_sntp_end(&exchange);
    if (own.file >= 0)
        close(own.file);
    own.file = -1;
}

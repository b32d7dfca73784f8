#include "agent/notify.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/format.h"
#include "cli/lane.h"
#include "cli/say.h"
#include "net/unix.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAST_MS 10
#define MOST_US 86400000000ull

static struct {
    int fd;
    bool ready;
    uint64_t every_ms; /* 0: nobody watches */
    uint64_t due_ms;
} manager = {.fd = -1};

static uint64_t number_of(const char *text)
{
    uint64_t number = 0;
    for (; text && *text >= '0' && *text <= '9' && number < MOST_US; text++)
        number = 10 * number + (uint64_t)(*text - '0');
    return number;
}

/* $WATCHDOG_PID tells whose the variables are: a wrapper's, perhaps. */
static uint64_t watch_us(void)
{
    uint64_t pid = number_of(getenv("WATCHDOG_PID"));
    return pid && pid != (uint64_t)getpid() ? 0 : number_of(getenv("WATCHDOG_USEC"));
}

/* One of us for all connections. */
static int open_manager(const struct th_cli_settings *settings)
{
    (void)settings;
    const char *path = getenv("NOTIFY_SOCKET");
    if (th_cli_lane())
        return 0;
    manager.fd = path && *path ? th_net_unix_datagram(path) : -1;
    uint64_t half_ms = manager.fd < 0 ? 0 : watch_us() / 2000;
    manager.every_ms = half_ms && half_ms < LEAST_MS ? LEAST_MS : half_ms;
    return 0;
}

/* What the manager does not take now is lost: the next one comes. */
static void tell(const char *text)
{
    ssize_t told = manager.fd < 0 ? 0 : write(manager.fd, text, strlen(text));
    (void)told;
}

static bool turn(void)
{
    uint64_t now_ms = th_clock_ms();
    if (!manager.ready)
        tell("READY=1");
    else if (manager.every_ms && manager.due_ms <= now_ms)
        tell("WATCHDOG=1");
    else
        return false;
    manager.ready = true;
    manager.due_ms = now_ms + manager.every_ms;
    return false;
}

static uint64_t until_ms(void)
{
    return manager.every_ms ? manager.due_ms : TH_NEVER;
}

/* A name, and what stands between, find room beside the text of a fault. */
static void tell_status(const char *status, const char *more)
{
    char text[sizeof((struct th_fault *)0)->text + 64];
    const char *name = th_cli_voice_connection();
    th_format(text, sizeof text, name ? "STATUS=%s: %s%s" : "STATUS=%s%s%s", name ? name : "",
              status, more);
    tell(text);
}

static void tell_event(const struct th_event *event)
{
    if (event->kind == TH_EVENT_DISCONNECTED)
        tell_status(*event->fault->text ? event->fault->text : "disconnected",
                    event->redial_in_ms < 0 ? "" : "; trying again");
    if (event->kind == TH_EVENT_CONNECTED)
        tell_status("connected", "");
}

void th_agent_notify_reloading(bool begins)
{
    char text[64];
    th_format(text, sizeof text, begins ? "RELOADING=1\nMONOTONIC_USEC=%llu" : "READY=1",
              (unsigned long long)th_clock_us());
    tell(text);
}

static void close_manager(void)
{
    if (!th_cli_lane())
        th_file_close(&manager.fd);
}

const struct th_agent_part th_agent_notify = {
    .open = open_manager,
    .event = tell_event,
    .turn = turn,
    .until_ms = until_ms,
    .close = close_manager,
};

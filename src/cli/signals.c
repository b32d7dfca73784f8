#include "cli/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LAST_WORDS_MS 1000 /* so long we wait for a reader once we were asked to end */

static struct {
    int fd;
    int count;
    int first;
    int hangups;
    sigset_t mask_before;
} own = {.fd = -1};

/* Those that do not end us either, a bit each; and how often each came. */
static uint32_t others;
static unsigned came[32];

void th_cli_signals_ignore_write_errors(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

/* What is ignored does not come through a descriptor either, and a shell ignores SIGINT for what
 * it starts in the background. */
static void hold(sigset_t *held, int number)
{
    sigaddset(held, number);
    sigprocmask(SIG_BLOCK, held, NULL);
    signal(number, SIG_DFL);
}

void th_cli_signals_note(int number)
{
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, number);
    sigprocmask(SIG_BLOCK, &held, NULL);
    others |= 1u << number;
}

static void hold_others(sigset_t *held)
{
    for (int number = 1; others >> number; number++)
        if (others >> number & 1)
            hold(held, number);
}

void th_cli_signals_enter(bool hangup)
{
    sigset_t held;
    sigemptyset(&held);
    sigprocmask(SIG_BLOCK, &held, &own.mask_before);
    hold(&held, SIGINT);
    hold(&held, SIGTERM);
    if (hangup)
        hold(&held, SIGHUP);
    if (others)
        hold_others(&held);
    own.count = own.first = own.hangups = 0;
    own.fd = signalfd(-1, &held, SFD_NONBLOCK | SFD_CLOEXEC);
    if (own.fd < 0)
        sigprocmask(SIG_SETMASK, &own.mask_before, NULL);
}

void th_cli_signals_leave(void)
{
    if (own.fd >= 0)
        close(own.fd);
    own.fd = -1;
    sigprocmask(SIG_SETMASK, &own.mask_before, NULL);
}

static void note_signal(void)
{
    struct signalfd_siginfo info;
    if (read(own.fd, &info, sizeof info) != sizeof info)
        return;
    if (others >> info.ssi_signo & 1)
        came[info.ssi_signo]++;
    else if (info.ssi_signo == SIGHUP)
        own.hangups++;
    else if (own.count++ == 0)
        own.first = (int)info.ssi_signo;
}

int th_cli_signals_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    fds[count] = (struct pollfd){.fd = own.fd, .events = POLLIN};
    int ready = poll(fds, count + 1, timeout_ms);
    if (ready <= 0 || !fds[count].revents)
        return ready;
    note_signal();
    return ready - 1;
}

void th_cli_signals_rest(unsigned us)
{
    struct pollfd asked = {.fd = own.fd, .events = POLLIN};
    const struct timespec moment = {.tv_nsec = (long)us * 1000};
    if (ppoll(&asked, 1, &moment, NULL) > 0)
        note_signal();
}

bool th_cli_signals_await_writable(int fd)
{
    struct pollfd awaited[2] = {{.fd = fd, .events = POLLOUT}};
    int before = own.count;
    int ready;
    do
        ready = th_cli_signals_poll(awaited, 1, before ? LAST_WORDS_MS : -1);
    while (ready < 0 ? errno == EINTR : ready == 0 && !before && !own.count);
    return ready != 0; /* or writing will tell */
}

int th_cli_signals_count(void)
{
    return own.count;
}

int th_cli_signals_hangups(void)
{
    return own.hangups;
}

unsigned th_cli_signals_noted(int number)
{
    return came[number];
}

int th_cli_signals_first(void)
{
    return own.first;
}

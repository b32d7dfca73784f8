#include "cli/signals.h"

#include <signal.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t asked;
static volatile sig_atomic_t first;
static sigset_t before;
static bool entered;

static void on_signal(int number)
{
    if (!first)
        first = number;
    asked++;
}

void th_cli_signals_ignore_pipe(void)
{
    signal(SIGPIPE, SIG_IGN);
}

/* A signal that was ignored when we started stays ignored: nohup, or "&" in a script. */
static void catch_unless_ignored(int number)
{
    struct sigaction action;
    sigaction(number, NULL, &action);
    if (action.sa_handler == SIG_IGN)
        return;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

void th_cli_signals_enter(void)
{
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigprocmask(SIG_BLOCK, &held, &before);
    catch_unless_ignored(SIGINT);
    catch_unless_ignored(SIGTERM);
    first = asked = 0;
    entered = true;
}

void th_cli_signals_leave(void)
{
    entered = false;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

int th_cli_signals_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    struct timespec timeout = {timeout_ms / 1000, (timeout_ms % 1000) * 1000000L};
    return ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, entered ? &before : NULL);
}

int th_cli_signals_count(void)
{
    return asked;
}

int th_cli_signals_first(void)
{
    return first;
}

/* SIGINT and SIGTERM ask us to end; SIGPIPE and SIGXFSZ are errors of write(2). Between enter and
 * leave the first two come through a descriptor: none is missed, and no handler runs on our
 * measured stack. */
#ifndef TH_CLI_SIGNALS_H
#define TH_CLI_SIGNALS_H

#include <poll.h>
#include <stdbool.h>

void th_cli_signals_ignore_write_errors(void);
void th_cli_signals_enter(bool hangup); /* SIGHUP, too; it does not ask us to end */
void th_cli_signals_leave(void);

/* poll(2), which ends when a signal comes, too; then possibly with 0 before its time. Behind the
 * `count` descriptors there is room for one of ours. */
int th_cli_signals_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

/* Waits less than a second for nothing but a signal. */
void th_cli_signals_rest(unsigned us);

/* Waits until the descriptor takes at least PIPE_BUF bytes without blocking. False if a signal came
 * instead, or, once we were asked to end, a second without a reader. */
bool th_cli_signals_await_writable(int fd);

/* How often we were asked to end, and by which signal first (0: none). */
int th_cli_signals_count(void);
int th_cli_signals_first(void);

/* How often SIGHUP came. */
int th_cli_signals_hangups(void);

/* Before enter: from now on this one (below 32) is noted, too, and does not end us. How often it
 * came. */
void th_cli_signals_note(int number);
unsigned th_cli_signals_noted(int number);

#endif

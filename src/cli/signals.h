/* SIGINT and SIGTERM ask us to end; SIGPIPE is an error of write(2). Between enter and leave the
 * two are held back and come through only while waiting, so that none is missed. */
#ifndef TH_CLI_SIGNALS_H
#define TH_CLI_SIGNALS_H

#include <poll.h>
#include <stdbool.h>

void th_cli_signals_ignore_pipe(void);
void th_cli_signals_enter(void);
void th_cli_signals_leave(void);

/* poll(2), during which a signal can come; then -1 with EINTR. */
int th_cli_signals_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

/* How often we were asked to end, and by which signal first (0: none). */
int th_cli_signals_count(void);
int th_cli_signals_first(void);

#endif

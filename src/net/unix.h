/* A Unix socket where others may ask: made at the start, each asker accepted without waiting. */
#ifndef TH_NET_UNIX_H
#define TH_NET_UNIX_H

#include "net/socket.h"

/* Listens at `path`, with the rights of `mode` (0600 ...) from its first moment on. A socket that
 * nobody listens to any more is replaced; what is no socket, or in use, stays. The descriptor, to
 * be polled for reading, or an error: FILE. */
int th_net_unix_listen(const char *path, unsigned mode, struct th_fault *fault);

/* Whoever waits: a descriptor that does not block. TH_WANT_READ: nobody any more; TH_E_SYSTEM: no
 * descriptor is to be had. */
int th_net_unix_accept(int listening);

/* Connects to who listens at `path`, and waits until it has room for us. A descriptor that blocks,
 * for at most `patience_ms` each time it is written to. Errors: TCP (nobody listens), TIMEOUT,
 * FILE. */
int th_net_unix_reach(const char *path, int patience_ms, struct th_fault *fault);

/* Sends what fits into the socket's buffer without waiting, and closes. */
void th_net_unix_tell(int fd, const void *data, size_t bytes);

/* A datagram socket whose write(2) goes to `path`, without waiting; a path that begins with @ is an
 * abstract name (unix(7)). -1: nobody is there. */
int th_net_unix_datagram(const char *path);

#endif

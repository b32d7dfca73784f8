/* A Unix socket where others may ask: made at the start, each asker accepted without waiting. */
#ifndef TH_NET_UNIX_H
#define TH_NET_UNIX_H

#include "net/socket.h"

/* Listens at `path`, with the rights of `mode` (0600 ...) from its first moment on. A socket that
 * nobody listens to any more is replaced; what is no socket, or in use, stays. The descriptor, to
 * be polled for reading, or an error: FILE. */
int th_net_unix_listen(const char *path, unsigned mode, struct th_fault *fault);

/* Whoever waits: a descriptor for th_net_write() and th_net_hang_up(). TH_WANT_READ: nobody any
 * more; TH_E_SYSTEM: no descriptor is to be had. One system call. */
int th_net_unix_accept(int listening);

#endif

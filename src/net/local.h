/* Programs of this machine that come to us. */
#ifndef TH_NET_LOCAL_H
#define TH_NET_LOCAL_H

#include "net/socket.h"

/* Listens on this port of 127.0.0.1. The descriptor, to be polled for reading and given to
 * th_net_unix_accept(), or an error: SYSTEM. */
int th_net_local_listen(uint16_t port, struct th_fault *fault);

/* Whether who is at the other end of this Unix socket has our user, or is root. */
bool th_net_local_is_ours(int fd);

#endif

/* The hosts file, hosts(5). */
#ifndef TH_NET_HOSTS_H
#define TH_NET_HOSTS_H

#include "net/address.h"

/* Adds every address the file at `path` gives to `name`. True when there was one. */
bool th_net_hosts_find(const char *path, const char *name, struct th_net_addresses *found);

#endif

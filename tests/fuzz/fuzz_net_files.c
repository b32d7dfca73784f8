/* The hosts file and resolv.conf, from the same bytes, and addresses as text. */
#include "net/hosts.h"
#include "net/name.h"
#include "net/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* A file in memory, the same one for every run. */
static const char *file_with(const uint8_t *data, size_t bytes)
{
    static char path[40];
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("fuzz", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    expect(ftruncate(fd, 0) == 0 && pwrite(fd, data, bytes, 0) == (ssize_t)bytes);
    return path;
}

static void check_hosts(const char *path)
{
    struct th_net_addresses found = {.count = 0};
    expect(th_net_hosts_find(path, "broker", &found) == (found.count > 0));
    expect(found.count <= TH_NET_ADDRESSES_MAX);
}

static void check_resolver(const char *path)
{
    struct th_net_resolver *resolver = malloc(sizeof *resolver);
    th_net_resolver_read(resolver, path);
    expect(resolver->server_count >= 1 && resolver->server_count <= TH_NET_SERVERS_MAX);
    expect(resolver->timeout_s >= 1 && resolver->timeout_s <= 30);
    expect(resolver->attempts >= 1 && resolver->attempts <= 5 && resolver->ndots <= 15);
    const char *domain;
    for (unsigned n = 0; (domain = th_net_resolver_search(resolver, n)); n++)
        expect(th_net_name_is_valid(domain));
    free(resolver);
}

/* What is read as an address is read the same from its own text. */
static void check_address(const uint8_t *data, size_t bytes)
{
    struct th_net_address address, again;
    char text[TH_NET_ADDRESS_TEXT_BYTES], *copy = strndup((const char *)data, bytes);
    if (th_net_address_parse(&address, copy)) {
        th_net_address_format(&address, text);
        expect(th_net_address_parse(&again, text));
        expect(th_net_address_equal(&address, &again));
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const char *path = file_with(data, bytes);
    check_hosts(path);
    check_resolver(path);
    check_address(data, bytes);
    return 0;
}

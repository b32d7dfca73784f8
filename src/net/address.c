#include "net/address.h"

#include "base/format.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Copies `text` without its brackets; false when it cannot be an address. */
static bool strip_brackets(char plain[TH_NET_ADDRESS_TEXT_BYTES], const char *text)
{
    size_t length = strlen(text);
    bool bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';
    if (bracketed) {
        text++;
        length -= 2;
    }
    if (length >= TH_NET_ADDRESS_TEXT_BYTES)
        return false;
    memcpy(plain, text, length);
    plain[length] = '\0';
    return !bracketed || strchr(plain, ':');
}

static bool parse_digits(uint32_t *number, const char *text)
{
    uint64_t value = 0;
    for (; th_is_digit(*text) && value <= UINT32_MAX; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    *number = (uint32_t)value;
    return *text == '\0' && value > 0 && value <= UINT32_MAX;
}

/* if_nametoindex() asks a Unix socket, which the sandbox kills. */
static uint32_t interface_index(const char *name)
{
    struct ifreq request = {0};
    if (strlen(name) >= sizeof request.ifr_name)
        return 0;
    strcpy(request.ifr_name, name);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = ioctl(fd, SIOCGIFINDEX, &request);
    close(fd);
    return result == 0 ? (uint32_t)request.ifr_ifindex : 0;
}

static bool parse_scope(uint32_t *scope, const char *text)
{
    if (parse_digits(scope, text))
        return true;
    *scope = interface_index(text);
    return *scope > 0;
}

/* Cuts "%scope" off. */
static bool take_scope(struct th_net_address *address, char *text)
{
    char *percent = strchr(text, '%');
    if (!percent)
        return true;
    *percent = '\0';
    return parse_scope(&address->scope, percent + 1);
}

static bool parse_ipv6(struct th_net_address *address, char *text)
{
    address->family = AF_INET6;
    return take_scope(address, text) && inet_pton(AF_INET6, text, address->bytes) == 1;
}

static bool parse_ipv4(struct th_net_address *address, const char *text)
{
    address->family = AF_INET;
    return inet_pton(AF_INET, text, address->bytes) == 1;
}

bool th_net_address_parse(struct th_net_address *address, const char *text)
{
    char plain[TH_NET_ADDRESS_TEXT_BYTES];
    memset(address, 0, sizeof *address);
    if (!strip_brackets(plain, text))
        return false;
    return strchr(plain, ':') ? parse_ipv6(address, plain) : parse_ipv4(address, plain);
}

bool th_net_address_equal(const struct th_net_address *a, const struct th_net_address *b)
{
    return a->family == b->family && a->scope == b->scope
        && !memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static bool contains(const struct th_net_addresses *addresses, const struct th_net_address *address)
{
    for (size_t i = 0; i < addresses->count; i++)
        if (th_net_address_equal(&addresses->list[i], address))
            return true;
    return false;
}

static size_t count_family(const struct th_net_addresses *addresses, int family)
{
    size_t count = 0;
    for (size_t i = 0; i < addresses->count; i++)
        count += addresses->list[i].family == family;
    return count;
}

/* Removes the last address of another family than `family`; there is one. */
static void drop_other(struct th_net_addresses *addresses, int family)
{
    size_t at = addresses->count - 1;
    while (addresses->list[at].family == family)
        at--;
    addresses->count--;
    memmove(&addresses->list[at], &addresses->list[at + 1],
            (addresses->count - at) * sizeof *addresses->list);
}

static bool may_displace(const struct th_net_addresses *addresses, int family)
{
    return count_family(addresses, family) < TH_NET_ADDRESSES_MAX / 2;
}

void th_net_addresses_add(struct th_net_addresses *addresses, const struct th_net_address *address)
{
    if (contains(addresses, address))
        return;
    if (addresses->count == TH_NET_ADDRESSES_MAX && may_displace(addresses, address->family))
        drop_other(addresses, address->family);
    if (addresses->count < TH_NET_ADDRESSES_MAX)
        addresses->list[addresses->count++] = *address;
}

#define GROUPS 8

static unsigned group(const struct th_net_address *address, size_t at)
{
    return (unsigned)address->bytes[2 * at] << 8 | address->bytes[2 * at + 1];
}

static size_t zeros_from(const struct th_net_address *address, size_t at)
{
    size_t count = 0;
    while (at + count < GROUPS && group(address, at + count) == 0)
        count++;
    return count;
}

/* Where the longest run of at least two zero groups begins, the first of equals; GROUPS: none. */
static size_t longest_zeros(const struct th_net_address *address)
{
    size_t best = GROUPS, longest = 1;
    for (size_t at = 0; at < GROUPS; at++)
        if (zeros_from(address, at) > longest) {
            longest = zeros_from(address, at);
            best = at;
        }
    return best;
}

/* RFC 5952. libc's inet_ntop would bring all of printf with it. */
static size_t format_ipv6(const struct th_net_address *address, char *text)
{
    size_t gap = longest_zeros(address), used = 0, at = 0;
    while (at < GROUPS) {
        bool skips = at == gap;
        const char *colon = skips ? "::" : at && text[used - 1] != ':' ? ":" : "";
        used += (size_t)th_format(text + used, TH_NET_ADDRESS_TEXT_BYTES - used,
                                  skips ? "%s" : "%s%x", colon, group(address, at));
        at += skips ? zeros_from(address, gap) : 1;
    }
    return used;
}

static size_t format_ipv4(const uint8_t *bytes, const char *prefix, char *text)
{
    return (size_t)th_format(text, TH_NET_ADDRESS_TEXT_BYTES, "%s%u.%u.%u.%u", prefix, bytes[0],
                             bytes[1], bytes[2], bytes[3]);
}

/* RFC 4291 2.5.5.2: ::ffff:192.0.2.1 */
static bool is_mapped(const struct th_net_address *address)
{
    return zeros_from(address, 0) == 5 && group(address, 5) == 0xffff;
}

static size_t format_plain(const struct th_net_address *address, char *text)
{
    if (address->family == AF_INET)
        return format_ipv4(address->bytes, "", text);
    if (is_mapped(address))
        return format_ipv4(address->bytes + 12, "::ffff:", text);
    return format_ipv6(address, text);
}

void th_net_address_format(const struct th_net_address *address,
                           char text[TH_NET_ADDRESS_TEXT_BYTES])
{
    size_t used = format_plain(address, text);
    if (address->scope)
        th_format(text + used, TH_NET_ADDRESS_TEXT_BYTES - used, "%%%u", (unsigned)address->scope);
}

void th_net_endpoint_format(const struct th_net_address *address, uint16_t port,
                            char text[TH_NET_ENDPOINT_TEXT_BYTES])
{
    char plain[TH_NET_ADDRESS_TEXT_BYTES];
    th_net_address_format(address, plain);
    const char *form = address->family == AF_INET6 ? "[%s]:%u" : "%s:%u";
    th_format(text, TH_NET_ENDPOINT_TEXT_BYTES, form, plain, port);
}

static socklen_t sockaddr_ipv4(const struct th_net_address *address, uint16_t port,
                               struct sockaddr_in *out)
{
    out->sin_family = AF_INET;
    out->sin_port = htons(port);
    memcpy(&out->sin_addr, address->bytes, sizeof out->sin_addr);
    return sizeof *out;
}

static socklen_t sockaddr_ipv6(const struct th_net_address *address, uint16_t port,
                               struct sockaddr_in6 *out)
{
    out->sin6_family = AF_INET6;
    out->sin6_port = htons(port);
    out->sin6_scope_id = address->scope;
    memcpy(&out->sin6_addr, address->bytes, sizeof out->sin6_addr);
    return sizeof *out;
}

socklen_t th_net_sockaddr(const struct th_net_address *address, uint16_t port,
                          struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    return address->family == AF_INET6
        ? sockaddr_ipv6(address, port, (struct sockaddr_in6 *)out)
        : sockaddr_ipv4(address, port, (struct sockaddr_in *)out);
}

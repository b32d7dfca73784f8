/* The name or address a server must prove (RFC 6125, RFC 9525), parsed once. Pure. */
#ifndef TH_TLS_HOST_H
#define TH_TLS_HOST_H

#include <thimble.h>

#define TH_HOST_NAME_MAX_BYTES 253 /* RFC 1035, without the final dot */

enum th_host_kind { TH_HOST_NAME, TH_HOST_IPV4, TH_HOST_IPV6 };

struct th_host {
    enum th_host_kind kind;
    char name[TH_HOST_NAME_MAX_BYTES + 1]; /* without final dot, brackets or zone */
    uint8_t address[16];                   /* network order; 4 bytes used for IPv4 */
};

/* "broker.example", "192.0.2.1", "2001:db8::1", "[2001:db8::1]", "fe80::1%eth0". Returns 0, or
 * TH_E_SERVER_NAME with a sentence: empty, too long, a label that is empty or longer than 63, or
 * a character no host name has (letters, digits, '-' and '_'; RFC 1123 and practice). */
int th_host_parse(struct th_host *host, const char *text, struct th_fault *fault);

/* Whether a dNSName of a certificate stands for this name: case-insensitive, '*' only as the whole
 * leftmost label of a pattern with at least two more, never for an address. */
bool th_host_matches_dns(const struct th_host *host, struct th_slice pattern);

/* Whether an iPAddress of a certificate (4 or 16 bytes) is this address. */
bool th_host_matches_address(const struct th_host *host, struct th_slice address);

#endif

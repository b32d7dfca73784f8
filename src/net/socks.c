#include "net/socks.h"

#include "base/err.h"
#include "base/words.h"
#include "crypt/wipe.h"
#include "net/address.h"
#include "net/socket.h"

#include <string.h>

enum {
    VERSION = 5,
    LOGIN_VERSION = 1, /* RFC 1929 */
    NO_LOGIN = 0,
    NAME_AND_PASSWORD = 2,
    NO_METHOD = 0xff,
    CONNECT = 1,
    IPV4 = 1,
    DOMAIN = 3,
    IPV6 = 4,
    PORT_BYTES = 2,
};

/* ---- what we say ----------------------------------------------------------------------------- */

static uint8_t *put_bytes(uint8_t *at, const void *data, size_t bytes)
{
    memcpy(at, data, bytes);
    return at + bytes;
}

/* The length before it, in one byte. */
static uint8_t *put_field(uint8_t *at, const void *data, size_t bytes)
{
    *at++ = (uint8_t)bytes;
    return bytes ? put_bytes(at, data, bytes) : at;
}

static uint8_t *put_methods(uint8_t *at, const struct th_net_socks *socks)
{
    static const uint8_t methods[] = {NO_LOGIN, NAME_AND_PASSWORD};
    *at++ = VERSION;
    return put_field(at, methods, socks->proxy->username ? 2 : 1);
}

static uint8_t *put_login(uint8_t *at, const struct th_net_socks *socks)
{
    const struct th_proxy *proxy = socks->proxy;
    *at++ = LOGIN_VERSION;
    at = put_field(at, proxy->username, strlen(proxy->username));
    return put_field(at, proxy->password.data, proxy->password.len_bytes);
}

static uint8_t *put_host(uint8_t *at, const char *host)
{
    struct th_net_address address;
    if (!th_net_address_parse(&address, host)) {
        *at++ = DOMAIN;
        return put_field(at, host, strlen(host));
    }
    *at++ = address.family == AF_INET6 ? IPV6 : IPV4;
    return put_bytes(at, address.bytes, address.family == AF_INET6 ? 16 : 4);
}

static uint8_t *put_connect(uint8_t *at, const struct th_net_socks *socks)
{
    static const uint8_t connect_request[] = {VERSION, CONNECT, 0};
    at = put_bytes(at, connect_request, sizeof connect_request);
    at = put_host(at, socks->host);
    *at++ = (uint8_t)(socks->port >> 8);
    *at++ = (uint8_t)socks->port;
    return at;
}

size_t th_net_socks_message(const struct th_net_socks *socks,
                            uint8_t message[TH_NET_SOCKS_MESSAGE_BYTES])
{
    switch (socks->stage) {
    case TH_NET_SOCKS_METHOD:
        return (size_t)(put_methods(message, socks) - message);
    case TH_NET_SOCKS_LOGIN:
        return (size_t)(put_login(message, socks) - message);
    case TH_NET_SOCKS_CONNECT:
        return (size_t)(put_connect(message, socks) - message);
    default:
        return 0;
    }
}

/* ---- what it answers ------------------------------------------------------------------------- */

static void enter(struct th_net_socks *socks, enum th_net_socks_stage stage, size_t reply_bytes)
{
    socks->stage = (uint8_t)stage;
    socks->asked = stage >= TH_NET_SOCKS_BOUND;
    socks->missing = (uint16_t)reply_bytes;
    socks->sent = socks->got = 0;
}

void th_net_socks_begin(struct th_net_socks *socks, const struct th_proxy *proxy,
                        const char *host, uint16_t port)
{
    *socks = (struct th_net_socks){.proxy = proxy, .host = host, .port = port};
    enter(socks, TH_NET_SOCKS_METHOD, 2);
}

static int enter_login(struct th_net_socks *socks)
{
    enter(socks, TH_NET_SOCKS_LOGIN, 2);
    return 0;
}

static int enter_connect(struct th_net_socks *socks)
{
    enter(socks, TH_NET_SOCKS_CONNECT, sizeof socks->reply);
    return 0;
}

static int not_socks(struct th_fault *fault)
{
    return th_fault_set(fault, TH_E_PROXY, "the proxy does not speak SOCKS5; check its address and "
                        "port");
}

static int judge_method(struct th_net_socks *socks, struct th_fault *fault)
{
    bool can_log_in = socks->proxy->username != NULL;
    if (socks->reply[0] != VERSION)
        return not_socks(fault);
    if (socks->reply[1] == NO_LOGIN)
        return enter_connect(socks);
    if (socks->reply[1] == NAME_AND_PASSWORD && can_log_in)
        return enter_login(socks);
    if (socks->reply[1] != NO_METHOD)
        return not_socks(fault);
    return th_fault_set(fault, TH_E_PROXY, "%s", can_log_in
                        ? "the proxy takes no password"
                        : "the proxy wants a name and a password");
}

/* The version in this reply is one of RFC 1929; some proxies send that of SOCKS. */
static int judge_login(struct th_net_socks *socks, struct th_fault *fault)
{
    if (socks->reply[1] == 0)
        return enter_connect(socks);
    return th_fault_set(fault, TH_E_PROXY, "the proxy refused name or password");
}

/* RFC 1928 section 6. */
#define REPLIES(WORD) \
    WORD(1, "general failure") \
    WORD(2, "not allowed") \
    WORD(3, "network unreachable") \
    WORD(4, "host unreachable") \
    WORD(5, "connection refused") \
    WORD(6, "time to live expired") \
    WORD(7, "unknown command") \
    WORD(8, "unknown kind of address")

TH_WORDS(replies, REPLIES);

static int refused(const struct th_net_socks *socks, struct th_fault *fault)
{
    uint8_t code = socks->reply[1];
    const char *why = th_words_find(&replies, code);
    if (fault && !fault->code)
        fault->reason = code;
    return th_fault_set(fault, TH_E_PROXY, "the proxy did not connect to %.120s:%u: %s (%u)",
                        socks->host, socks->port, why ? why : "unknown reply", code);
}

/* Bytes of the address whose kind and first byte are there, without that one. */
static size_t bound_bytes(const struct th_net_socks *socks)
{
    switch (socks->reply[3]) {
    case IPV4:
        return 3;
    case IPV6:
        return 15;
    case DOMAIN:
        return socks->reply[4];
    default:
        return 0;
    }
}

static int judge_connect(struct th_net_socks *socks, struct th_fault *fault)
{
    uint8_t kind = socks->reply[3];
    if (socks->reply[0] != VERSION)
        return not_socks(fault);
    if (socks->reply[1] != 0)
        return refused(socks, fault);
    if (kind != IPV4 && kind != IPV6 && kind != DOMAIN)
        return not_socks(fault);
    enter(socks, TH_NET_SOCKS_BOUND, bound_bytes(socks) + PORT_BYTES);
    return 0;
}

static int judge(struct th_net_socks *socks, struct th_fault *fault)
{
    switch (socks->stage) {
    case TH_NET_SOCKS_METHOD:
        return judge_method(socks, fault);
    case TH_NET_SOCKS_LOGIN:
        return judge_login(socks, fault);
    case TH_NET_SOCKS_CONNECT:
        return judge_connect(socks, fault);
    default:
        enter(socks, TH_NET_SOCKS_DONE, 0);
        return 0;
    }
}

int th_net_socks_take(struct th_net_socks *socks, const uint8_t *bytes, size_t count,
                      struct th_fault *fault)
{
    for (size_t i = 0; i < count && socks->stage < TH_NET_SOCKS_BOUND; i++)
        socks->reply[socks->got++] = bytes[i];
    socks->missing -= (uint16_t)count;
    return socks->missing ? 0 : judge(socks, fault);
}

/* ---- over a socket --------------------------------------------------------------------------- */

static int ask(struct th_net_socks *socks, int fd, struct th_fault *fault)
{
    uint8_t message[TH_NET_SOCKS_MESSAGE_BYTES];
    size_t bytes = th_net_socks_message(socks, message);
    int sent = th_net_write(fd, message + socks->sent, bytes - socks->sent, fault);
    th_crypt_wipe(message, sizeof message);
    if (sent < 0)
        return sent;
    socks->sent = (uint16_t)(socks->sent + sent);
    socks->asked = socks->sent == bytes;
    return 0;
}

static int hear(struct th_net_socks *socks, int fd, struct th_fault *fault)
{
    uint8_t bytes[32];
    size_t wanted = socks->missing < sizeof bytes ? socks->missing : sizeof bytes;
    int got = th_net_read(fd, bytes, wanted, NULL);
    if (got == TH_WANT_READ)
        return got;
    if (got < 0)
        return th_fault_set(fault, got, "the proxy closed the connection instead of an answer");
    return th_net_socks_take(socks, bytes, (size_t)got, fault);
}

int th_net_socks_step(struct th_net_socks *socks, int fd, struct th_fault *fault)
{
    int result = 0;
    while (result == 0 && socks->stage != TH_NET_SOCKS_DONE)
        result = socks->asked ? hear(socks, fd, fault) : ask(socks, fd, fault);
    return result;
}

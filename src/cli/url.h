/* The URLs of -L and --proxy. */
#ifndef TH_CLI_URL_H
#define TH_CLI_URL_H

#include <stdbool.h>
#include <thimble.h>

/* Slices of the text that was parsed; data NULL: not there. The last '@' before the first '/' ends
 * the credentials. */
struct th_cli_url {
    bool plaintext;            /* mqtt://, ws:// */
    bool websocket;            /* ws://, wss:// */
    struct th_slice username;
    struct th_slice password;
    struct th_slice host;      /* without the brackets of an IPv6 address */
    uint16_t port;             /* 0: not given */
    struct th_slice path;      /* with its '/'; behind it, in MQTT, the topic */
};

/* mqtt(s)://[username[:password]@]host[:port][/topic] or ws(s)://...[/path]. Nothing is
 * percent-decoded, as in mosquitto's clients. Returns NULL, or what is wrong with it: a sentence
 * that lives for ever. */
const char *th_cli_url_parse(struct th_cli_url *url, struct th_slice text);

/* HOST:PORT and nothing else; true if it is one. */
bool th_cli_url_parse_server(struct th_cli_url *url, struct th_slice text);

/* socks5h://[username[:password]@]host[:port]; likewise. */
const char *th_cli_url_parse_proxy(struct th_cli_url *url, struct th_slice text);

/* Copies a part with %25, %3A and the like decoded and ends it with a NUL. The bytes written
 * without that, or -1: too long, or nothing that was encoded. */
int th_cli_url_decode(char *to, size_t room, struct th_slice from);

#endif

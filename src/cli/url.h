/* mqtt(s)://[username[:password]@]host[:port][/topic], as -L takes it. */
#ifndef TH_CLI_URL_H
#define TH_CLI_URL_H

#include <stdbool.h>
#include <thimble.h>

/* Slices of the text that was parsed; data NULL: not there. Nothing is percent-decoded, as in
 * mosquitto's clients; the last '@' before the first '/' ends the credentials. */
struct th_cli_url {
    bool plaintext;            /* mqtt:// */
    struct th_slice username;
    struct th_slice password;
    struct th_slice host;      /* without the brackets of an IPv6 address */
    uint16_t port;             /* 0: not given */
    struct th_slice topic;
};

/* Returns NULL, or what is wrong with it: a sentence that lives for ever. */
const char *th_cli_url_parse(struct th_cli_url *url, struct th_slice text);

#endif

/* What the command line, the environment and the defaults amount to. The option table writes here
 * and nobody else interprets argv. Texts point into argv or the environment. */
#ifndef TH_CLI_SETTINGS_H
#define TH_CLI_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <thimble.h>

/* Commands, as a mask: an option says which of them know it. */
enum { TH_CLI_PUB = 1, TH_CLI_SUB = 2, TH_CLI_BOTH = TH_CLI_PUB | TH_CLI_SUB };

#define TH_CLI_UNSET (-2)        /* a number nobody gave */
#define TH_CLI_FOREVER (-1)      /* --retry inf */
#define TH_CLI_LIST_MAX 64       /* topics of one kind */
#define TH_CLI_NEVER_EXPIRES UINT32_MAX

struct th_cli_list {
    const char *items[TH_CLI_LIST_MAX];
    uint32_t count;
};

struct th_cli_settings {
    int command;

    const char *host;
    int64_t port;
    char *url;
    bool no_tls;

    const char *client_id;
    const char *client_id_prefix;
    const char *username;
    char *password_argument;     /* wiped as soon as it is kept elsewhere */
    const char *password_file;
    struct th_slice password;
    bool persistent;
    int64_t keep_alive_s;
    int64_t version;             /* enum th_mqtt_version */
    int64_t session_expiry_s;

    const char *cafile;
    const char *certificate;
    const char *key;
    int64_t tls_versions;        /* lowest and highest enum th_tls_version: 256 * min + max */
    const char *alpn;
    bool insecure;
    bool insecure_no_verify;
    const char *hwrng;

    const char *will_topic;
    const char *will_payload;
    int64_t will_qos;
    bool will_retain;

    struct th_cli_list topics;
    struct th_cli_list unsubscribe;
    struct th_cli_list filter_out;
    int64_t qos;

    const char *message;
    const char *file;
    bool lines;
    bool whole_input;
    bool null_message;
    bool retain;

    bool verbose;
    bool no_newline;
    bool no_retained;
    bool retained_only;
    bool exit_after_subscribe;
    int64_t count;
    int64_t seconds;

    bool debug;
    bool quiet;
    bool help;
    bool version_wanted;

    const char *report;          /* "" for people, "json:FILE", NULL: none */
    int64_t lookup_ms;
    int64_t tcp_ms;
    int64_t tls_ms;
    int64_t connack_ms;
    int64_t ack_ms;
    int64_t timeout_ms;          /* of every phase that has none of its own */
    int64_t retry;
    int64_t heap_budget_bytes;
    int64_t window_budget_bytes;
    int64_t outbox_budget_bytes;
};

/* Nothing given. */
void th_cli_settings_clear(struct th_cli_settings *settings, int command);

/* Fills what was not given with its default. */
void th_cli_settings_default(struct th_cli_settings *settings);

#endif

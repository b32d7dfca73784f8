/* What the command line, the environment and the defaults amount to. The option table writes here
 * and nobody else interprets argv. Texts point into argv or the environment. */
#ifndef TH_CLI_SETTINGS_H
#define TH_CLI_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <thimble.h>

/* Commands, as a mask: an option says which of them know it. */
enum {
    TH_CLI_PUB = 1,
    TH_CLI_SUB = 2,
    TH_CLI_RR = 4,
    TH_CLI_CLIENTS = TH_CLI_PUB | TH_CLI_SUB | TH_CLI_RR, /* mosquitto has them, too */
    TH_CLI_AGENT = TH_AGENT_BIT,
    TH_CLI_ALL = TH_CLI_CLIENTS | TH_CLI_AGENT, /* that speak MQTT */
    TH_CLI_PRINT = TH_CLI_SUB | TH_CLI_RR | TH_CLI_AGENT, /* what comes */
    TH_CLI_CERT = 8,
    TH_CLI_KEY = 16,
    TH_CLI_CSR = 32,
    TH_CLI_IDENTITY = 64,
    TH_CLI_TUNNEL = 128,
    TH_CLI_BENCH = 512,
    TH_CLI_ROADS = TH_CLI_ALL | TH_CLI_TUNNEL | TH_CLI_BENCH, /* that connect */
    TH_CLI_FILES = TH_CLI_CERT | TH_CLI_KEY | TH_CLI_CSR | TH_CLI_IDENTITY, /* take words, too */
};

/* Whose habits the program has: under a mosquitto name defaults, output and exit status are
 * mosquitto's, under its own they are ours. */
enum th_cli_persona { TH_CLI_THIMBLE, TH_CLI_MOSQUITTO };

/* --clock: what a date that cannot be right means. */
enum th_cli_clock { TH_CLI_CLOCK_WAIT, TH_CLI_CLOCK_SYNC, TH_CLI_CLOCK_FAIL, TH_CLI_CLOCK_IGNORE };

/* --log-format. */
enum th_cli_log_format { TH_CLI_LOG_TEXT, TH_CLI_LOG_JSON, TH_CLI_LOG_LOGFMT, TH_CLI_LOG_SYSLOG };

#define TH_CLI_UNSET (-2)        /* a number nobody gave */
#define TH_CLI_FOREVER (-1)      /* --retry inf */
#define TH_CLI_LIST_MAX 64       /* topics of one kind */
#define TH_CLI_BROKERS_MAX 8
#define TH_CLI_PROPERTIES_MAX 32 /* -D of all commands */
#define TH_CLI_PROPERTIES_OURS 3 /* session expiry; response topic and correlation data of rr */
#define TH_CLI_NEVER_EXPIRES UINT32_MAX

struct th_cli_list {
    uint32_t count;
    const char *items[TH_CLI_LIST_MAX];
};

/* -D COMMAND NAME VALUE; those of one command lie side by side. */
struct th_cli_properties {
    uint32_t count;
    struct th_property list[TH_CLI_PROPERTIES_MAX + TH_CLI_PROPERTIES_OURS];
    uint8_t packets[TH_CLI_PROPERTIES_MAX + TH_CLI_PROPERTIES_OURS]; /* enum th_cli_packet */
};

struct th_cli_settings {
    int command;
    int persona;                 /* enum th_cli_persona */
    int64_t exit_codes;          /* enum th_cli_persona; --exit-codes */
    const char *options_file;    /* -o; NULL: the user's, under $XDG_CONFIG_HOME */
    const char *config_file;     /* --config; of agent: -c */

    const char *host;
    int64_t port;
    char *url;
    bool url_asks_for_tls;
    bool no_tls;
    const char *unix_path;
    bool srv;
    bool websocket;
    const char *websocket_path;
    char *proxy_argument;        /* wiped as soon as it is kept elsewhere */
    struct th_proxy proxy;
    const char *bind_address;
    const char *bind_interface;
    int64_t mark;                /* --fwmark */
    bool nodelay;                /* always so; taken for the habit's sake */

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
    int64_t authentication;      /* enum th_authentication */
    int64_t topic_alias_maximum; /* the broker may use */

    const char *hwrng;
    const char *identity_dir;

    /* From here to key_form: what means nothing without TLS. */
    const char *cafile;
    const char *capath;
    bool os_certs;
    const char *pins;
    const char *ca_pins;
    const char *crl;
    int64_t stapling;            /* enum th_stapling */
    const char *certificate;
    const char *key;
    const char *identity;        /* the name of a stored one */
    int64_t tls_versions;        /* lowest and highest enum th_tls_version: 256 * min + max */
    const char *alpn;
    bool insecure;
    bool insecure_no_verify;
    const char *server_name;
    const char *ciphers;
    const char *ciphersuites;
    char *psk_argument;          /* hexadecimal; wiped as soon as it is kept elsewhere */
    struct th_slice psk;
    const char *psk_identity;
    const char *keylog;
    int64_t clock;               /* enum th_cli_clock */
    int64_t clock_ms;            /* how long a date is waited for */
    struct th_cli_list sntp;
    const char *clock_file;
    const char *session_file;
    const char *keypass_file;    /* its first line */
    const char *keypass_credential; /* systemd's */
    int64_t key_form;            /* pem, and nothing else */

    const char *will_topic;
    const char *will_payload;
    int64_t will_qos;
    bool will_retain;

    int64_t qos;

    const char *message;
    const char *file;
    bool lines;
    bool whole_input;
    bool null_message;
    bool retain;
    int64_t max_inflight;        /* -M */
    uint16_t receive_maximum;    /* we announce; 0: what there is room for */
    int64_t repeat;
    int64_t repeat_delay_ms;

    const char *response_topic;  /* rr -e */
    bool latency;                /* rr: print it */

    bool verbose;
    bool no_newline;
    bool no_retained;
    bool retained_only;
    bool remove_retained;
    bool retain_as_published;
    int64_t retain_handling;     /* 0, 1, 2 */
    bool exit_after_subscribe;
    const char *format;          /* -F */
    bool pretty;
    bool jsonl;
    bool watch;                  /* -w */
    bool message_rate;
    int64_t random_filter;       /* hundredths of a percent */
    const char *events;          /* "" for standard output, a file, NULL: none */
    int64_t count;
    int64_t seconds;

    bool debug;
    bool quiet;
    bool help;
    bool version_wanted;

    const char *report;          /* "" for people, "json:FILE", NULL: none */
    const char *prom_file;
    int64_t log_format;          /* enum th_cli_log_format */
    const char *memory_trace;    /* a file */
    const char *status_socket;   /* its path */
    int64_t status_mode;         /* who may connect to it, as of chmod(1) */
    int64_t sandbox;             /* enum th_report_sandbox_mode */
    int64_t lookup_ms;
    int64_t tcp_ms;
    int64_t tls_ms;
    int64_t connack_ms;
    int64_t ack_ms;
    int64_t timeout_ms;          /* of every phase that has none of its own */
    int64_t retry;
    int64_t attempts;            /* that follow from it, or from no option */
    bool first_too;              /* also if the very first one fails */
    int64_t backoff_first_ms;    /* --backoff FIRST..MAX */
    int64_t backoff_max_ms;
    int64_t first_delay_ms;
    const uint16_t *ports;       /* of these, ended by 0; NULL: only `port` */
    int64_t failback_ms;         /* 0: never */
    int64_t wait_broker_ms;      /* 0: for ever, TH_CLI_UNSET: do not */
    int64_t heap_budget_bytes;
    int64_t window_budget_bytes;
    int64_t outbox_budget_bytes;

    /* Of cert, key and csr. */
    void (*on_certificate)(void *arg, unsigned index, struct th_slice der); /* of a server's */
    bool json;
    bool issuers;                /* cert pin --ca */
    const char *warn, *critical; /* cert check: days */
    const char *out;
    const char *chain;           /* cert bundle --for */
    const char *own_ca;          /* identity import */
    int64_t key_type;            /* bits of its curve */
    const char *subject;
    const char *alternative_names;

    /* Of agent. */
    const char *status_topic;    /* how we are, in JSON */
    const char *firmware_version; /* stands there */
    const char *spool;           /* a directory */
    /* 0: as in th_spool_config */
    int64_t spool_bytes, spool_messages, spool_age_s, spool_daily_bytes;
    int64_t spool_full;          /* enum th_spool_policy */
    int64_t spool_attempts;      /* connections over one message; 0: any number */
    const char *plain_endpoint;  /* HOST[:PORT], without TLS */

    /* Of tunnel. */
    const char *listen;          /* the path of a Unix socket */
    int64_t listen_port;         /* or this, of 127.0.0.1 */
    int64_t listen_mode;         /* as of chmod(1) */

    /* Of bench. */
    int64_t connections;
    int64_t hold_ms;

    /* Of agent: where messages come in. */
    const char *inbox;           /* the path of a Unix socket */
    int64_t inbox_mode;          /* as of chmod(1) */
    bool input;                  /* --stdin */
    const char *drop;            /* a directory */
    const char *drop_topic;      /* its template */

    /* Of pub, through an agent. */
    const char *agent;           /* the path of its inbox */
    const char *message_id;

    /* Of identity. */
    const char *endpoint;
    const char *device_id;
    bool with_key;

    /* Last, and each is touched only where it has something. */
    struct th_cli_list topics;
    struct th_cli_list addresses; /* --addr */
    struct th_cli_list unsubscribe;
    struct th_cli_list filter_out;
    struct th_cli_list brokers;   /* by preference, instead of `host` */
    struct th_cli_list fallbacks; /* --fallback-addr */
    struct th_cli_list words;     /* what is no option */
    struct th_cli_list spool_conflate;
    struct th_cli_list plain_topics; /* that may go to `plain_endpoint` */
    struct th_cli_properties properties;
};

/* The packets that take properties of -D. */
enum th_cli_packet {
    TH_CLI_CONNECT,
    TH_CLI_PUBLISH,
    TH_CLI_SUBSCRIBE,
    TH_CLI_UNSUBSCRIBE,
    TH_CLI_DISCONNECT,
    TH_CLI_WILL,
    TH_CLI_PACKETS
};

/* Sets what differs, and leaves other pages as they are. NULL: all is 0. */
void th_cli_settings_copy(struct th_cli_settings *to, const struct th_cli_settings *from);

/* Nothing given. */
void th_cli_settings_clear(struct th_cli_settings *settings, int command);

/* Fills what was not given with its default. */
void th_cli_settings_default(struct th_cli_settings *settings);

/* SIGHUP has another generation of --identity tried: of what goes on until it is ended. Or the
 * agent read its configuration again. */
bool th_cli_settings_rotate(const struct th_cli_settings *settings);
bool th_cli_settings_reload(const struct th_cli_settings *settings);

#endif

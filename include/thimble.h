/* thimble: MQTT over mutual TLS in a fixed, proven memory budget.
 *
 * Conventions, which hold for every function below and are not repeated there.
 *
 * Memory      You hand in every byte. `th_*_need_bytes()` says how many, `th_*_open()` takes the
 *             block, aligned to 16, and uses nothing else: no malloc, no mmap. The block is yours
 *             again after the matching `th_*_close()`.
 * Lifetime    Structures, strings and buffers a configuration points to are not copied: keep them
 *             until close. Pointers handed to a callback are valid until it returns.
 * Results     >= 0 is success. TH_WANT_READ and TH_WANT_WRITE mean "not yet: poll, then call again
 *             with the same arguments". Everything else below zero is one of `enum th_error`; the
 *             whole story (cause, errno, phase, a sentence) is in the fault record.
 * Waiting     Nothing blocks except `th_run()`, which waits at most as long as it is told.
 * Callbacks   Are called by `th_step()` and `th_run()` only. They may publish, subscribe,
 *             unsubscribe, disconnect and ask, and connect in TH_EVENT_DISCONNECTED; they never
 *             step, run or close.
 * Threads     One client is used by one thread at a time. Clients of different threads may share
 *             a context: its handshakes take turns. (Not in the profile hub: there all clients of
 *             a context belong to one thread, because they lease memory from each other.)
 * Signals     None is installed and none is needed: a closed peer never raises SIGPIPE.
 * Time        Deadlines are monotonic; only certificate validity reads the calendar.
 */
#ifndef THIMBLE_H
#define THIMBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TH_VERSION "0.1.0"

/* ---- results ------------------------------------------------------------------------------ */

/* Numbers and names are stable: scripts and logs may keep them. th_error_name() gives the name. */
enum th_error {
    TH_OK = 0,
    TH_WANT_READ = -2,
    TH_WANT_WRITE = -3,

    TH_E_TLS = -10,                /* tls-error: a TLS failure that no other kind describes */
    TH_E_HANDSHAKE = -11,          /* handshake-failed: the peer or we ended the handshake */
    TH_E_CERTIFICATE = -12,        /* certificate-error: the server's chain does not verify */
    TH_E_SERVER_NAME = -13,        /* invalid-server-name: not a name, or not in the certificate */
    TH_E_CIPHER_SUITE = -14,       /* unsupported-cipher-suite: no suite, group or version shared */
    TH_E_CLOSED = -15,             /* connection-closed: the peer closed, or it was lost */
    TH_E_PROTOCOL = -16,           /* protocol-error: the broker broke a rule of MQTT */
    TH_E_TCP = -17,                /* tcp-connection-failed: no address accepted a connection */
    TH_E_NO_SOCKET = -18,          /* no-such-socket: the call needs a connection, there is none */
    TH_E_SEND_FULL = -19,          /* send-buffer-full: the outbox has no room now; nothing done */
    TH_E_RECEIVE = -20,            /* receive-error: the socket failed while reading */

    TH_E_LOOKUP = -30,             /* name-lookup-failed */
    TH_E_TIMEOUT = -31,            /* timeout: the deadline of the phase passed */
    TH_E_REFUSED = -32,            /* refused: the broker said no; the fault holds its reason */
    TH_E_MEMORY = -33,             /* out-of-memory: a pool is too small; the fault names it */
    TH_E_ARGUMENT = -34,           /* invalid-argument: the caller's configuration is wrong */
    TH_E_FILE = -35,               /* file-error: a certificate or key file cannot be used */
    TH_E_ENTROPY = -36,            /* no-entropy: the kernel's random pool is not ready */
    TH_E_TOO_LARGE = -37,          /* too-large: a packet exceeds a limit; the fault names it */
    TH_E_CLIENT_CERTIFICATE = -38, /* client-certificate-refused: the broker's TLS refused ours */
    TH_E_SYSTEM = -39,             /* system-error: a system call failed; see sys_errno */
    TH_E_PROXY = -40,              /* proxy-failed: the proxy refused, or speaks something else */
    TH_E_AUTHENTICATION = -41,     /* authentication-failed: the broker does not know the secret */
    TH_E_CLOCK = -42               /* clock-implausible: the date is one nobody can believe */
};

/* "certificate-error" for TH_E_CERTIFICATE; "unknown" for what is not in the list. */
const char *th_error_name(int error);

/* The life of a connection. Deadlines, the ledger and the stack are kept by these. */
enum th_phase {
    TH_PHASE_RESTING,  /* not connected; with a redial pending, waiting for its time */
    TH_PHASE_FINDING,  /* looking the name up */
    TH_PHASE_DIALING,  /* TCP */
    TH_PHASE_SHAKING,  /* TLS handshake */
    TH_PHASE_GREETING, /* CONNECT sent, CONNACK awaited */
    TH_PHASE_UP,
    TH_PHASE_CLOSING,  /* DISCONNECT and close_notify on their way */
    TH_PHASES
};

const char *th_phase_name(enum th_phase phase);

/* The first failure wins; it stays until the next attempt begins. */
struct th_fault {
    int code;             /* enum th_error; 0: no fault */
    int sys_errno;        /* errno of the system call that failed, or 0 */
    int tls_code;         /* wolfSSL's code, or 0 */
    int reason;           /* MQTT reason or return code of a refusal, the broker's or ours; the HTTP
                           * status of a WebSocket that was refused; a proxy's reply; of a file or
                           * a certificate, enum th_validity; or 0 */
    enum th_phase phase;  /* when */
    char text[232];       /* one sentence: what, where, and what to do; NUL-terminated */
};

/* ---- slices, messages, properties --------------------------------------------------------- */

struct th_slice {
    const uint8_t *data;
    size_t len_bytes;
};

/* One MQTT 5 property (5.0 section 2.2.2.2). Which member counts follows from the identifier:
 * numbers (byte, two-byte, four-byte, variable) in `number`; strings and binary data in `text`;
 * a user property has its name in `text` and its value in `value`. */
struct th_property {
    uint8_t id;
    uint32_t number;
    struct th_slice text;
    struct th_slice value;
};

/* A list to send. */
struct th_properties {
    const struct th_property *list;
    size_t count;
};

/* A list that was received: already validated bytes, read with th_property_next(). */
struct th_received_properties {
    struct th_slice raw;
};

/* Takes the first property off `rest` and fills `out`. Returns 1, or 0 at the end. */
int th_property_next(struct th_received_properties *rest, struct th_property *out);

/* A payload that is read while it is sent, for messages larger than the outbox. read() copies up
 * to `bytes` (at least 1) from `offset_bytes` on into `out` and returns how many, at least 1.
 * Less than zero, an enum th_error, means that it cannot be read any more: that ends the
 * connection, for a PUBLISH that was begun cannot be taken back, and the message is dropped
 * (TH_REASON_UNREADABLE). Called from th_step(), with ascending offsets, and from 0 again after
 * a redial; it calls nothing of thimble. `arg` must live until TH_EVENT_PUBLISHED, or
 * th_close(). While it is sent, and only then, nothing else is: the time it takes does not count
 * in the deadlines of what was sent before. */
struct th_payload_source {
    int (*read)(void *arg, uint64_t offset_bytes, uint8_t *out, size_t bytes);
    void *arg;
    uint32_t total_bytes; /* at most 268,435,455, header included (5.0 section 1.5.5) */
    void (*written)(void *arg); /* QoS 0: it is written, and not read any more; or NULL */
};

/* What the broker may know of a message of QoS 1 or 2 from an earlier process, in a session that it
 * keeps (3.1.1 and 5.0 section 4.4). Take up all of it before the connection is up, in the order in
 * which it was sent: whether the session is there still, CONNACK tells. After one that says it is
 * not, messages are new, and a released one stays uncertain (TH_REASON_UNCERTAIN). */
enum th_taken_up {
    TH_TAKEN_NEW,     /* nothing */
    TH_TAKEN_SENT,    /* perhaps sent with this packet_id: it goes out with DUP (3.3.1.1) */
    TH_TAKEN_RELEASED /* QoS 2: PUBREC came: only PUBREL is sent (4.3.3). Nothing but packet_id and
                       * qos counts */
};

/* Packet identifiers from here on are the application's to give, so that it knows them before the
 * message is sent; those below are the library's. */
#define TH_PACKET_ID_OWN 0x8000

struct th_message {
    struct th_slice topic;
    struct th_slice payload;
    struct th_payload_source source; /* instead of payload; read NULL: there is none */
    uint8_t qos;   /* 0, 1, 2 */
    bool retain;
    uint8_t taken_up;   /* enum th_taken_up; with packet_id */
    uint16_t packet_id; /* QoS 1, 2: yours, TH_PACKET_ID_OWN or more, not in use; 0: any */
    struct th_properties properties; /* MQTT 5 only; else it must be empty. A Message Expiry
                                      * Interval is counted down while the message waits here; when
                                      * it has passed it is dropped (TH_REASON_EXPIRED). */
};

/* A message from the broker. One that exceeds the packet window arrives in pieces: the first at
 * offset 0, the last ending at total_bytes. Topic and properties come with every piece. */
struct th_delivery {
    struct th_slice topic;
    struct th_slice payload;
    size_t offset_bytes;
    size_t total_bytes;
    uint8_t qos;
    bool retain;
    bool dup;
    uint16_t packet_id; /* 0 at QoS 0 */
    struct th_received_properties properties;
};

/* One topic filter of a SUBSCRIBE (5.0 section 3.8.3.1). The flags exist in MQTT 5 only. */
struct th_filter {
    struct th_slice filter;
    uint8_t qos;
    bool no_local;
    bool retain_as_published;
    uint8_t retain_handling; /* 0, 1, 2 */
};

enum th_event_kind {
    TH_EVENT_CONNECTED,    /* reason: CONNACK code; session_present */
    TH_EVENT_SUBSCRIBED,   /* packet_id; codes: one reason code for each filter */
    TH_EVENT_UNSUBSCRIBED, /* packet_id; codes (MQTT 5) */
    TH_EVENT_PUBLISHED,    /* packet_id (0 at QoS 0: written to the connection); reason */
    TH_EVENT_DISCONNECTED, /* fault; redial_in_ms >= 0 if another attempt follows */
    TH_EVENT_RECEIVED      /* packet_id: PUBREC came, PUBREL waits; with holds_pubrel only */
};

struct th_event {
    enum th_event_kind kind;
    uint16_t packet_id;
    uint8_t reason;
    bool session_present;
    int redial_in_ms; /* -1: no further attempt */
    struct th_slice codes;
    struct th_received_properties properties;
    const struct th_fault *fault; /* DISCONNECTED; PUBLISHED with a reason of enum th_reason */
};

/* Reasons of TH_EVENT_PUBLISHED that are ours: the standard leaves these numbers free. A sentence
 * is in `fault`. */
enum th_reason {
    TH_REASON_EXPIRED = 0xf0,    /* its Message Expiry Interval passed while it waited here */
    TH_REASON_UNREADABLE = 0xf1, /* its source failed; the connection ends with the same fault */
    TH_REASON_UNCERTAIN = 0xf2,  /* QoS 2: the broker had it and lost the session; only the broker
                                  * knows whether it was passed on, so it is not sent again */
    TH_REASON_WITHDRAWN = 0xf3   /* th_withdraw(); without a sentence */
};

/* A packet that was sent (its first byte is on its way) or received (and may come), for traces.
 * Never a password, never a payload. */
struct th_packet_note {
    bool sent;
    uint8_t type;  /* MQTT control packet type (5.0 section 2.1.2), 1 to 15 */
    uint8_t flags; /* the low four bits of its first byte */
    uint8_t reason;
    uint16_t packet_id;
    struct th_slice topic;   /* PUBLISH; empty when a topic alias stands for it */
    size_t payload_bytes;    /* PUBLISH */
    struct th_slice filters; /* SUBSCRIBE, UNSUBSCRIBE: as encoded (5.0 sections 3.8.3, 3.10.3) */
    struct th_received_properties properties; /* of what was received, MQTT 5 */
};

/* ---- log ---------------------------------------------------------------------------------- */

enum th_log_level { TH_LOG_ERROR, TH_LOG_WARNING, TH_LOG_INFO, TH_LOG_DEBUG };

/* `line` gets whole lines without the newline; never a key, password or payload. NULL: silent. */
struct th_log {
    void (*line)(void *arg, enum th_log_level level, const char *text);
    void *arg;
    enum th_log_level level; /* the noisiest that is still wanted */
};

/* ---- the calendar ------------------------------------------------------------------------- */

/* Certificates are judged by the date, so a wrong date is worse than none. One before the floor is
 * not believed: a connection that has a certificate to judge then fails with TH_E_CLOCK, and a
 * redial tries again. The calendar is the process's: change it while no other thread steps. */

/* Since 1970, UTC. */
int64_t th_calendar_s(void);
int64_t th_calendar_ms(void);

/* It is `now_s`, and goes on from there with the running time of the machine, whatever the
 * system's date is or becomes; that one is not touched. 0: the system's date counts again. */
void th_calendar_set(int64_t now_s);

/* The floor is the date of this build, and rises: to the last date that was known to be right, for
 * example. */
void th_calendar_raise_floor(int64_t floor_s);

/* From now on there is no floor: a device that thinks it is 1970 judges by that. */
void th_calendar_believe_any(void);

/* ---- context: what connections share ------------------------------------------------------ */

/* A file, or bytes in memory; the path is then only their name, or NULL. PEM or DER, told apart by
 * looking. */
struct th_source {
    const char *path;
    struct th_slice bytes;
};

/* Asked for the passphrase of an encrypted key: writes at most `bytes` and returns how many, or one
 * of enum th_error with a sentence in `fault`. What was written is wiped after use. */
#define TH_PASSPHRASE_MAX_BYTES 256
struct th_passphrase {
    int (*ask)(void *arg, uint8_t *out, size_t bytes, struct th_fault *fault); /* NULL: nobody */
    void *arg;
};

/* Whether the server is asked for its issuer's word on its certificate (OCSP stapling), and refused
 * without. */
enum th_stapling { TH_STAPLING_OFF, TH_STAPLING_ASK, TH_STAPLING_MUST };

enum th_tls_version { TH_TLS_ANY = 0, TH_TLS_1_2 = 12, TH_TLS_1_3 = 13 };

struct th_context_config {
    struct th_source roots;       /* CA certificates; required unless insecure_no_verify. Of
                                   * more than 3, these and root_paths together, none is held:
                                   * they are read again when a server names one, and must live
                                   * as long as the context */
    const char *const *root_paths; /* more of them, ended by NULL: files, and directories of files
                                   * that end in .pem, .crt, .cer, .0; or NULL */
    struct th_source crl;         /* lists of revoked certificates, PEM or DER; read at each
                                   * handshake, so it must live as long as the context; optional */
    enum th_stapling stapling;    /* what is stapled must be right; ASK: where nothing is, only a
                                   * certificate that says it must be (RFC 7633) is refused. Counts
                                   * only where certificates are verified */
    struct th_source certificate; /* our chain, leaf first; optional */
    struct th_source key;         /* PKCS#8, SEC1 or PKCS#1; with certificate, both or none */
    struct th_passphrase passphrase; /* of PKCS#8 that is encrypted */
    enum th_tls_version tls_min;  /* TH_TLS_ANY: 1.2 */
    enum th_tls_version tls_max;  /* TH_TLS_ANY: 1.3 */
    const char *alpn;             /* comma-separated protocol names, or NULL */
    const char *ciphers;          /* TLS 1.2 suites, names with colons between; NULL: ours */
    const char *ciphersuites;     /* TLS 1.3 suites, likewise */
    const char *psk_identity;     /* with psk, both or none, of at most 128 and 64 bytes: then PSK
                                   * suites, and only those, are offered, and no certificate plays
                                   * a part */
    struct th_slice psk;
    void (*on_keylog)(void *arg, const char *line); /* of SSLKEYLOGFILE, no newline; NULL: none */
    void *on_keylog_arg;
    const char *pins;             /* of the server's key, "sha256//BASE64", several with ; between:
                                   * SHA-256 of its SubjectPublicKeyInfo (RFC 7469). One of them
                                   * must match, besides all that is verified, and even with
                                   * insecure_no_verify. NULL: none. Must live as long as the
                                   * context */
    const char *ca_pins;          /* likewise of a CA certificate in the verified path, the trusted
                                   * root included; not with insecure_no_verify */
    const char *hwrng_path;       /* e.g. /dev/hwrng, mixed into the seed; or NULL */
    size_t heap_budget_bytes;     /* a lower ceiling for the shared heap; 0: all of it */
    bool insecure_no_name_check;  /* the chain is verified, the name is not */
    bool insecure_no_verify;      /* nothing is verified */
    /* Gets each certificate a server sends, its own with index 0 first, whatever becomes of them;
     * again if the handshake is repeated. Within the handshake: copy them. NULL: nobody */
    void (*on_certificate)(void *arg, unsigned index, struct th_slice der);
    void *on_certificate_arg;
    struct th_log log;
};

struct th_context;

/* Whether a context takes this list of suites: TH_TLS_1_2, its `ciphers`; TH_TLS_1_3, its
 * `ciphersuites`. `psk`: with a pre-shared key. Names are OpenSSL's or IANA's; for TLS 1.2 also
 * DEFAULT, HIGH, ALL, and exclusions such as !aNULL of what is never offered. Returns 0, or
 * TH_E_ARGUMENT with a sentence that quotes the word and tells what there is. Pure. */
int th_ciphers_check(const char *list, enum th_tls_version version, bool psk,
                     struct th_fault *fault);

/* In the profile hub this holds, besides what connections share, the handshake heaps and record
 * cells that they lease; th_need_bytes() and th_tls_need_bytes() are the smaller for it. Whoever
 * gets none waits: without a descriptor to poll (th_fd() is -1, or only to write), no deadline
 * counts, and th_wait_ms() is 0 once it is its turn. So ask th_wait_ms() of every client of the
 * context before each poll(2), and step those that are due. */
size_t th_context_need_bytes(void);

/* Reads the files, builds the TLS context, wipes what was transient. On failure *context is NULL
 * and `fault` (may be NULL) tells why. Errors: FILE, CERTIFICATE, MEMORY, ENTROPY, ARGUMENT. */
int th_context_open(struct th_context **context, void *block, size_t block_bytes,
                    const struct th_context_config *config, struct th_fault *fault);

/* A new identity, or new roots, on trial: from now on handshakes use `config`, beside what they
 * used before, in the same block. Connections go on as they were made; no session of theirs is
 * taken up under the new one. No other thread uses the context meanwhile. Errors: those of
 * th_context_open(), after which nothing has changed, and ARGUMENT while another is on trial. */
int th_context_renew(struct th_context *context, const struct th_context_config *config,
                     struct th_fault *fault);

/* Ends the trial: with what is new if it proved itself, or with what was before. Connections made
 * under the other one must have ended. Without a trial nothing happens. */
void th_context_settle(struct th_context *context, bool renewed);

/* Whether files of CA certificates will be read again. NULL is fine. */
bool th_context_rereads(const struct th_context *context);

/* All clients of the context must be closed before. NULL is fine. */
void th_context_close(struct th_context *context);

/* ---- client: one MQTT connection ---------------------------------------------------------- */

/* A TLS session for the next process: at the first connection the bytes in `room` are offered, and
 * used up; later ones are written there. They hold the session's secret, and they mean something to
 * the same build, with the same broker, roots, certificate and settings only. What is damaged,
 * another's, a day old, or older than a certificate, is left alone, with a warning. */
struct th_resumption {
    uint8_t *room;       /* aligned to 8; NULL: none; 4 KB are enough for most servers' tickets */
    size_t room_bytes;
    size_t used_bytes;   /* of it: what an earlier process was given */
    void (*changed)(void *arg, size_t used_bytes); /* the room holds this now; 0: nothing */
    void *arg;
};

enum th_mqtt_version { TH_MQTT_3_1 = 3, TH_MQTT_3_1_1 = 4, TH_MQTT_5 = 5 };

/* Enhanced authentication (5.0 section 4.12), with username and password. */
enum th_authentication { TH_AUTHENTICATION_NONE, TH_AUTHENTICATION_SCRAM_SHA_256 };

/* Milliseconds allowed to each phase; 0 is the default, 30,000. */
struct th_deadlines {
    uint32_t lookup_ms;
    uint32_t tcp_ms; /* and the proxy */
    uint32_t tls_ms; /* and the WebSocket handshake */
    uint32_t connack_ms;
    uint32_t ack_ms; /* from sending to PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK; and PINGRESP */
};

/* A lost connection is redialled: first_ms, doubled each time up to max_ms, each wait drawn at
 * random from its upper half, or from all of it. What another attempt cannot heal (a certificate, a
 * credential, memory, a rule that was broken) is not tried again. A connection that held for 30 s
 * was a good one: waits and attempts are counted anew. */
struct th_redial {
    uint32_t first_ms; /* 0: 1,000 */
    uint32_t max_ms;   /* 0: 60,000 */
    int attempts;      /* 0: never redial; -1: no limit */
    bool first_too;    /* also when the very first attempt fails */
    bool full_jitter;  /* a wait is drawn from 0 to its limit; where the broker has too much to do
                        * (CONNACK 3, 0x89, 0x97, 0x9F) from the upper half of max_ms */
    uint32_t delay_ms; /* the very first attempt waits, too: from 0 to this */
};

/* Which messages of QoS 2 were received and are not released yet (PUBREL), for the next process
 * (3.1.1 and 5.0 sections 4.1 and 4.3.3). ids[0] is how many words of `ids` are to be kept, itself
 * included: usually 70. The rest is opaque, and means something to the same build. At th_open()
 * ids[0] is 0, or all are what they were when keep() last returned 0 to an earlier process. They
 * count if CONNACK says that the session is there, and host and port are the same.
 *
 * When they have changed keep() is called: after each delivery, where they need not outlast more
 * than the process (`fault` is NULL), and with `synced` once before PUBRECs and PUBCOMPs go out,
 * where they must outlast a power cut. 0: so they do. Less than zero, an enum th_error with a
 * sentence in `fault`: the connection ends with it, nothing was answered, and after a redial (which
 * follows upon SYSTEM) it is called again. It calls nothing of thimble. */
#define TH_RECEIVED_WORDS 2116
struct th_received {
    uint32_t *ids; /* TH_RECEIVED_WORDS; used while the client is open */
    int (*keep)(void *arg, bool synced, struct th_fault *fault);
    void *arg;
};

struct th_will {
    struct th_message message; /* topic.len_bytes == 0: no will */
};

/* A SOCKS5 proxy (RFC 1928, RFC 1929). It gets the name and looks it up. */
struct th_proxy {
    const char *host; /* NULL: none */
    uint16_t port;    /* 0: 1080 */
    const char *username;
    struct th_slice password;
};

/* How the broker is reached, if not by looking its name up and dialling it. All zero: just so. One
 * of addresses, unix_path, srv and proxy at a time. */
struct th_route {
    const char *const *addresses; /* numeric; instead of looking the host up */
    size_t addresses_count;
    bool remembers;               /* where a lookup fails, dial what the last one found, or else: */
    const char *const *fallbacks; /* numeric */
    size_t fallbacks_count;
    const char *unix_path;        /* a Unix socket, instead of TCP */
    bool srv;                     /* host is a domain: its SRV records name brokers and ports; the
                                   * certificate must be for the domain (or server_name) */
    const char *bind_address;     /* numeric, ours; NULL: the kernel chooses */
    const char *bind_interface;   /* SO_BINDTODEVICE; NULL: any */
    uint32_t mark;                /* SO_MARK; 0: none. Needs CAP_NET_ADMIN. */
    struct th_proxy proxy;
};

struct th_config {
    const char *host; /* name or address */
    uint16_t port;    /* 0: 8883, or 1883 with insecure_plaintext */
    const char *server_name;    /* in SNI and in the broker's certificate; NULL: host */
    struct th_route route;
    const char *websocket_path; /* "/mqtt": MQTT in WebSocket (RFC 6455); NULL: none */
    bool insecure_plaintext; /* no TLS; the context is then not used and may be NULL */
    bool handshake_only;     /* the connection ends in good order when TLS is up: no byte of MQTT is
                              * sent */

    enum th_mqtt_version version; /* 0: 3.1.1 */
    const char *client_id;        /* NULL or "": the broker chooses; not in 3.1, and in 3.1.1 with
                                   * clean_start only */
    bool clean_start;
    uint16_t keep_alive_s;        /* 0: none */
    const char *username;         /* NULL: none */
    struct th_slice password;     /* data NULL: none */
    struct th_will will;
    struct th_properties properties; /* of CONNECT, MQTT 5 */
    uint16_t receive_maximum;     /* announced in MQTT 5, 0: 64; what comes beyond it is taken */
    uint16_t send_maximum;        /* QoS 1 and 2 in flight; 0: as many as the broker allows */
    bool holds_pubrel;            /* no PUBREL of ours goes out before th_release() */
    uint16_t topic_alias_maximum; /* the broker may use for us (5.0 section 3.1.2.11.5); 0: none */
    uint16_t topic_alias_send_maximum; /* we use for the broker, if it allows; 0: none; at most 16,
                                        * the least recently used topic makes room */
    enum th_authentication authentication;

    struct th_deadlines deadlines;
    struct th_redial redial;
    struct th_resumption resumption;
    const struct th_received *received; /* NULL: what was received is forgotten with this process */
    size_t heap_budget_bytes;   /* a lower ceiling for the TLS heap; 0: all of it */
    size_t window_budget_bytes; /* a lower ceiling for the packet window; 0: all of it */
    size_t outbox_budget_bytes; /* a lower ceiling for the outbox; 0: all of it */
    int socket_buffer_bytes; /* SO_RCVBUF and SO_SNDBUF each; 0: the profile's; -1: the kernel's */

    /* The range of the stack th_step() runs on, to have its use measured; NULL: not measured.
     * The part below the caller's frame is painted: nothing else may live there. */
    void *stack_low;
    size_t stack_bytes;

    void (*on_delivery)(void *arg, const struct th_delivery *delivery);
    void (*on_event)(void *arg, const struct th_event *event);
    void (*on_packet)(void *arg, const struct th_packet_note *note); /* NULL: none */
    void *arg;
    struct th_log log;
};

struct th_client;

size_t th_need_bytes(void);

/* Prepares a client; th_connect() starts it. Errors: ARGUMENT, MEMORY. */
int th_open(struct th_client **client, void *block, size_t block_bytes,
            struct th_context *context, const struct th_config *config, struct th_fault *fault);

/* Asks for an attempt, which th_step() begins and carries on; a redial that waits is brought
 * forward. Errors: ARGUMENT when one is under way. */
int th_connect(struct th_client *client);

/* The next attempts go to another broker, and no session of TLS or MQTT goes with us: what is under
 * way is sent anew. In the callback of TH_EVENT_DISCONNECTED, of a failure after which no attempt
 * would follow, one follows, after the wait of a redial. The same broker is always called by the
 * same pointer, which lives as long as the client. Errors: ARGUMENT when an attempt is under
 * way. */
int th_redirect(struct th_client *client, const char *host, uint16_t port);

/* The next attempts are made as this says, which has to live as long as that of th_open() has; but
 * budgets, sizes and who is called stay as they are, and so does whether there is TLS. If it is
 * another host or port, no session goes with us, as with th_redirect(). Errors: ARGUMENT when an
 * attempt is under way. */
int th_reconfigure(struct th_client *client, const struct th_config *config);

/* Does all that can be done without waiting. Returns 0 while there is something to wait for, else
 * the error that ended the last attempt (TH_E_CLOSED with fault code 0 after th_disconnect();
 * TH_E_NO_SOCKET before th_connect()). */
int th_step(struct th_client *client);

/* What to wait for before the next th_step(): a descriptor (-1: none), poll(2) events, and the
 * longest wait in milliseconds (-1: no limit). */
int th_fd(const struct th_client *client);
short th_poll_events(const struct th_client *client);
int th_wait_ms(const struct th_client *client);

/* th_step(), poll(2) for at most timeout_ms (-1: as long as th_wait_ms() says), th_step(). */
int th_run(struct th_client *client, int timeout_ms);

enum th_phase th_phase(const struct th_client *client);
const struct th_fault *th_fault(const struct th_client *client);

/* The three below queue a packet in the outbox and return its packet identifier (0 at QoS 0).
 * They may be called in any phase, also from callbacks; what is queued before the connection is
 * up is sent when it is. Errors: SEND_FULL (later), TOO_LARGE (never), ARGUMENT, REFUSED (the
 * broker announced that it cannot: QoS, retain, packet size). */
int th_publish(struct th_client *client, const struct th_message *message);
int th_subscribe(struct th_client *client, const struct th_filter *filters, size_t count,
                 const struct th_properties *properties);
int th_unsubscribe(struct th_client *client, const struct th_slice *filters, size_t count,
                   const struct th_properties *properties);

/* With holds_pubrel: the PUBRECs told so far are kept where they outlast this process, so PUBREL
 * may go out: from then on the broker need not know the message (3.1.1 and 5.0 section 4.3.3). */
void th_release(struct th_client *client);

/* Takes back a message that waits to be sent, or to be sent again: the one whose payload source has
 * this arg. A broker may refuse a message by hanging up, each time it comes. Call it between
 * connections, not from read(). True: the source is not read any more, and the end of the message
 * is told with TH_EVENT_PUBLISHED when the next connection is up (TH_REASON_WITHDRAWN; at QoS 0 the
 * packet identifier is 0); until then it is pending. False: there is none that waits, nothing has
 * changed. What went out may be with the broker; a message past PUBREC is not taken back. */
bool th_withdraw(struct th_client *client, const void *source_arg);

/* Why the last th_publish(), th_subscribe(), th_unsubscribe(), th_connect() or th_disconnect() was
 * refused. */
const struct th_fault *th_request_fault(const struct th_client *client);

/* Messages and requests that are queued or not yet acknowledged. */
size_t th_pending(const struct th_client *client);

/* Messages of QoS 2 that were received, and that the broker has not released yet (PUBREL). */
size_t th_unreleased(const struct th_client *client);

/* True if the outbox takes a PUBLISH with this many bytes of topic, payload and properties now; a
 * payload from a source does not count. */
bool th_room_for(const struct th_client *client, size_t message_bytes);

/* Sends what is queued, then DISCONNECT with `reason` (0 normal, 4 with will; MQTT 5) and
 * close_notify. th_step() carries it on; no redial follows. Before the connection is up the
 * attempt, or the wait for the next, ends at once, and what is queued stays for another
 * th_connect(). The last event is TH_EVENT_DISCONNECTED without a fault code. Errors, after which
 * nothing has changed: ARGUMENT; SEND_FULL, with properties only. Once more while leaving: 0. */
int th_disconnect(struct th_client *client, uint8_t reason,
                  const struct th_properties *properties);

/* Ends at once whatever is under way, wipes and returns every byte. NULL is fine. */
void th_close(struct th_client *client);

/* ---- a plain TLS stream, without MQTT ------------------------------------------------------ */

struct th_tls;

struct th_tls_config {
    const char *host;
    uint16_t port;
    const char *server_name; /* as in th_config */
    struct th_route route;
    struct th_deadlines deadlines;
    size_t heap_budget_bytes;
    void *stack_low;
    size_t stack_bytes;
    struct th_log log;
};

size_t th_tls_need_bytes(void);

/* Set *stream to NULL before the first call, which takes the block and begins. TH_WANT_*: poll
 * th_tls_fd(), call again with the same arguments. Returns 0 when the stream is open. After an
 * error *stream is NULL again and the block is yours. */
int th_tls_connect(struct th_tls **stream, void *block, size_t block_bytes,
                   struct th_context *context, const struct th_tls_config *config,
                   struct th_fault *fault);

/* Bytes moved, TH_WANT_*, or an error; read returns TH_E_CLOSED after the peer's close_notify and
 * TH_E_RECEIVE when the stream was cut without one. What a write took may still wait for the
 * socket: poll for th_tls_poll_events(), and the next read or write sends it. */
int th_tls_read(struct th_tls *stream, void *buffer, size_t bytes);
int th_tls_write(struct th_tls *stream, const void *data, size_t bytes);
bool th_tls_is_open(const struct th_tls *stream);

/* Why the last read or write failed. */
const struct th_fault *th_tls_fault(const struct th_tls *stream);

int th_tls_fd(const struct th_tls *stream);
short th_tls_poll_events(const struct th_tls *stream);
int th_tls_wait_ms(const struct th_tls *stream);

/* Sends close_notify if the socket takes it, closes and returns every byte. NULL is fine. */
void th_tls_close(struct th_tls *stream);

#ifdef __cplusplus
}
#endif

#endif

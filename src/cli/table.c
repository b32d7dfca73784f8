/* The option table. Where mosquitto's clients have the option, name and meaning are theirs. */
#include "cli/options.h"

#include "base/format.h"
#include "base/text.h"
#include <string.h>
#include <thimble/report.h>

#define TEXTS(name, value, environment, help) \
    name "\0" value "\0" environment "\0" TH_EXPLAINED(help)
#define AT(field) .offset = offsetof(struct th_cli_settings, field)
#define FLAG(field) .kind = TH_CLI_FLAG, AT(field)
#define TEXT(field, least, limit) .kind = TH_CLI_TEXT, AT(field), .min = least, .most = limit
#define JOINED(field, with, limit) .kind = TH_CLI_JOINED, AT(field), .min = with, .most = limit
#define SECRET(field, least, limit) .kind = TH_CLI_SECRET, AT(field), .min = least, .most = limit
#define LIST(field, least, limit) .kind = TH_CLI_LIST, AT(field), .min = least, .most = limit
#define NUMBER(field, least, limit) .kind = TH_CLI_NUMBER, AT(field), .min = least, .most = limit
#define WORD(field, list) .kind = TH_CLI_WORD, AT(field), .words = list
#define SECONDS(field, least) .kind = TH_CLI_SECONDS, AT(field), .min = least, .most = DAY_MS
#define LIVE .reload = TH_CLI_LIVE
#define COMMON .common = true
#define TRIED .reload = TH_CLI_TRIED
#define BYTES(field, limit) .kind = TH_CLI_BYTES, AT(field), .min = 1, .most = limit

/* A byte in each row tells which of these is the most it takes. */
enum {
    NO_LIMIT,
    HOST_BYTES,
    PATH_BYTES,
    UNIX_PATH_BYTES,
    INTERFACE_BYTES,
    STRING_BYTES,
    PASSWORD_BYTES,
    PSK_BYTES,
    ALPN_BYTES,
    ADDRESS_BYTES,
    PREFIX_BYTES,
    LINE_BYTES,
    DAYS_BYTES,
    MOST_QOS,
    MOST_UINT16,
    MOST_UINT32,
    MOST_INT32,
    MOST_ATTEMPTS,
    MOST_SECONDS,
    DAY_MS,
    ALL_THOUSANDTHS,
    HEAP_BYTES,
    WINDOW_BYTES,
    OUTBOX_BYTES,
    CONNECTIONS,
};

static const uint32_t limits[] = {
    [HOST_BYTES] = 253, /* RFC 1035 section 2.3.4 */
    [PATH_BYTES] = 4095,
    [UNIX_PATH_BYTES] = 107, /* unix(7) */
    [INTERFACE_BYTES] = 15,  /* netdevice(7) */
    [STRING_BYTES] = 65535,  /* MQTT section 1.5.3 */
    [PASSWORD_BYTES] = 4096,
    [PSK_BYTES] = 128, /* two digits for each of 64 */
    [ALPN_BYTES] = 63,
    [ADDRESS_BYTES] = 64,
    [PREFIX_BYTES] = 200,
    [LINE_BYTES] = 1024,
    [DAYS_BYTES] = 8,
    [MOST_QOS] = 2,
    [MOST_UINT16] = UINT16_MAX,
    [MOST_UINT32] = UINT32_MAX,
    [MOST_INT32] = INT32_MAX,
    [MOST_ATTEMPTS] = 1000000,
    [MOST_SECONDS] = INT32_MAX / 1000,
    [DAY_MS] = 86400000,
    [ALL_THOUSANDTHS] = 100000,
    [HEAP_BYTES] = TH_TLS_HEAP_BYTES + TH_HANDSHAKE_HEAP_BYTES,
    [WINDOW_BYTES] = TH_PACKET_WINDOW_BYTES,
    [OUTBOX_BYTES] = TH_OUTBOX_BYTES,
    [CONNECTIONS] = TH_CONNECTIONS,
};

static const struct th_cli_word mqtt_versions[] = {
    {"mqttv311", TH_MQTT_3_1_1}, {"311", TH_MQTT_3_1_1}, {"mqttv5", TH_MQTT_5}, {"5", TH_MQTT_5},
    {"mqttv31", TH_MQTT_3_1},    {"31", TH_MQTT_3_1},    {NULL, 0},
};

#define FROM_TO(min, max) (256 * (min) + (max))

static const struct th_cli_word tls_versions[] = {
    {"tlsv1.2", FROM_TO(TH_TLS_1_2, TH_TLS_1_2)}, {"tlsv1.3", FROM_TO(TH_TLS_1_3, TH_TLS_1_3)},
    {"1.2", FROM_TO(TH_TLS_1_2, TH_TLS_1_2)},     {"1.3", FROM_TO(TH_TLS_1_3, TH_TLS_1_3)},
    {"1.2+", FROM_TO(TH_TLS_1_2, TH_TLS_1_3)},    {"1.3+", FROM_TO(TH_TLS_1_3, TH_TLS_1_3)},
    {NULL, 0},
};

static const struct th_cli_word expiries[] = {
    {"-1", TH_CLI_NEVER_EXPIRES},
    {"\xe2\x88\x9e", TH_CLI_NEVER_EXPIRES}, /* infinity sign */
    {NULL, 0},
};

static const struct th_cli_word retries[] = {{"inf", TH_CLI_FOREVER}, {NULL, 0}};
static const struct th_cli_word key_forms[] = {{"pem", 0}, {NULL, 0}};
static const struct th_cli_word key_types[] = {{"p256", 256}, {"p384", 384}, {NULL, 0}};
static const struct th_cli_word authentications[] = {
    {"scram-sha-256", TH_AUTHENTICATION_SCRAM_SHA_256}, {NULL, 0},
};

/* MQTT 5.0 section 3.8.3.1 */
static const struct th_cli_word retain_handlings[] = {
    {"always", 0}, {"new", 1}, {"never", 2}, {NULL, 0},
};

static const struct th_cli_word personas[] = {
    {"thimble", TH_CLI_THIMBLE}, {"mosquitto", TH_CLI_MOSQUITTO}, {NULL, 0},
};

static const struct th_cli_word sandboxes[] = {
    {"auto", TH_REPORT_SANDBOX_AUTO}, {"require", TH_REPORT_SANDBOX_REQUIRE},
    {"off", TH_REPORT_SANDBOX_OFF},   {NULL, 0},
};

static const struct th_cli_word staplings[] = {
    {"off", TH_STAPLING_OFF}, {"staple", TH_STAPLING_ASK}, {"must", TH_STAPLING_MUST}, {NULL, 0},
};

static const struct th_cli_word clocks[] = {
    {"wait", TH_CLI_CLOCK_WAIT},     {"sync", TH_CLI_CLOCK_SYNC}, {"fail", TH_CLI_CLOCK_FAIL},
    {"ignore", TH_CLI_CLOCK_IGNORE}, {NULL, 0},
};

static const struct th_cli_word log_formats[] = {
    {"text", TH_CLI_LOG_TEXT},     {"json", TH_CLI_LOG_JSON}, {"logfmt", TH_CLI_LOG_LOGFMT},
    {"syslog", TH_CLI_LOG_SYSLOG}, {NULL, 0},
};

static const struct th_cli_word modes[] = {
    {"0600", 0600}, {"0660", 0660}, {"0666", 0666}, {NULL, 0},
};

/* enum th_spool_policy */
static const struct th_cli_word spool_policies[] = {
    {"oldest", 0}, {"newest", 1}, {"refuse", 2}, {NULL, 0},
};

static const struct th_cli_word *const word_lists[TH_CLI_WORD_LISTS] = {
    [TH_CLI_MQTT_VERSIONS] = mqtt_versions,
    [TH_CLI_TLS_VERSIONS] = tls_versions,
    [TH_CLI_EXPIRIES] = expiries,
    [TH_CLI_RETRIES] = retries,
    [TH_CLI_KEY_FORMS] = key_forms,
    [TH_CLI_KEY_TYPES] = key_types,
    [TH_CLI_MODES] = modes,
    [TH_CLI_AUTHENTICATIONS] = authentications,
    [TH_CLI_RETAIN_HANDLINGS] = retain_handlings,
    [TH_CLI_PERSONAS] = personas,
    [TH_CLI_SANDBOXES] = sandboxes,
    [TH_CLI_CLOCKS] = clocks,
    [TH_CLI_STAPLINGS] = staplings,
    [TH_CLI_SPOOL_POLICIES] = spool_policies,
    [TH_CLI_LOG_FORMATS] = log_formats,
};

const struct th_cli_option th_cli_options[] = {
    {TEXTS("host", "HOST", "THIMBLE_HOST", "name or address of the broker (localhost)"),
     'h', TH_CLI_ROADS | TH_CLI_CERT, TEXT(host, 1, HOST_BYTES), TRIED},
    {TEXTS("port", "PORT", "", "port (8883; without TLS 1883; WebSocket 443, 80)"),
     'p', TH_CLI_ROADS, NUMBER(port, 1, MOST_UINT16), TRIED},
    {TEXTS("url", "URL", "", "mqtts://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC], mqtt, wss, ws"),
     'L', TH_CLI_ALL, SECRET(url, 1, NO_LIMIT)},
    {TEXTS("unix", "PATH", "", "connect to this Unix socket"),
     0, TH_CLI_ALL, TEXT(unix_path, 1, UNIX_PATH_BYTES)},
    {TEXTS("", "", "", "SRV records of HOST name the broker and its port"),
     'S', TH_CLI_ROADS, FLAG(srv)},
    {TEXTS("addr", "ADDRESS", "", "connect here, verify the name of -h; repeatable"),
     0, TH_CLI_ROADS | TH_CLI_CERT, LIST(addresses, 1, ADDRESS_BYTES), TRIED},
    {TEXTS("brokers", "HOST[:PORT]", "",
           "instead of -h: each when the one before fails; repeatable"),
     0, TH_CLI_AGENT, LIST(brokers, 1, HOST_BYTES), TRIED},
    {TEXTS("failback", "SECONDS", "", "back to the first of them after so long, 0: never (600)"),
     0, TH_CLI_AGENT, SECONDS(failback_ms, 0), LIVE},
    {TEXTS("fallback-addr", "ADDRESS", "", "where to connect if the lookup fails; repeatable"),
     0, TH_CLI_AGENT, LIST(fallbacks, 1, ADDRESS_BYTES), TRIED},
    {TEXTS("bind", "ADDRESS", "", "our own address"),
     'A', TH_CLI_ROADS | TH_CLI_CERT, TEXT(bind_address, 1, HOST_BYTES)},
    {TEXTS("bind-interface", "NAME", "", "the network interface to use"),
     0, TH_CLI_ROADS | TH_CLI_CERT, TEXT(bind_interface, 1, INTERFACE_BYTES)},
    {TEXTS("fwmark", "NUMBER", "", "mark our packets for the routing rules"),
     0, TH_CLI_ROADS | TH_CLI_CERT, NUMBER(mark, 1, MOST_UINT32)},
    {TEXTS("proxy", "URL", "", "socks5h://[USER[:PASSWORD]@]HOST[:PORT] (port 1080)"),
     0, TH_CLI_ROADS | TH_CLI_CERT, SECRET(proxy_argument, 1, LINE_BYTES)},
    {TEXTS("ws", "", "", "MQTT in WebSocket"), 0, TH_CLI_ALL, FLAG(websocket), TRIED},
    {TEXTS("ws-path", "PATH", "", "its path (/mqtt)"),
     0, TH_CLI_ALL, TEXT(websocket_path, 1, LINE_BYTES), TRIED},
    {TEXTS("nodelay", "", "", "always so: small packets are sent at once"),
     0, TH_CLI_ALL, FLAG(nodelay)},

    {TEXTS("id", "ID", "", "client identifier (the broker chooses one)"),
     'i', TH_CLI_ALL, TEXT(client_id, 0, STRING_BYTES), TRIED},
    {TEXTS("id-prefix", "PREFIX", "", "client identifier: PREFIX and the process id"),
     'I', TH_CLI_ALL, TEXT(client_id_prefix, 1, PREFIX_BYTES), TRIED},
    {TEXTS("username", "NAME", "THIMBLE_USERNAME", "user name for the broker"),
     'u', TH_CLI_ALL, TEXT(username, 0, STRING_BYTES), TRIED},
    {TEXTS("pw", "PASSWORD", "THIMBLE_PASSWORD",
           "password (others can see it: prefer --password-file)"),
     'P', TH_CLI_ALL, SECRET(password_argument, 0, PASSWORD_BYTES)},
    {TEXTS("password-file", "FILE", "THIMBLE_PASSWORD_FILE", "password: the first line of FILE"),
     0, TH_CLI_ALL, TEXT(password_file, 1, PATH_BYTES), TRIED},
    {TEXTS("auth", "METHOD", "", "prove the password instead of sending it: scram-sha-256"),
     0, TH_CLI_ALL, WORD(authentication, TH_CLI_AUTHENTICATIONS)},
    {TEXTS("disable-clean-session", "", "", "the broker keeps the session; needs -i or -I"),
     'c', TH_CLI_CLIENTS, FLAG(persistent), TRIED},
    {TEXTS("", "SECONDS", "", "how long it keeps it, -1: for ever (MQTT 5)"),
     'x', TH_CLI_ALL, NUMBER(session_expiry_s, 0, MOST_UINT32), .words = TH_CLI_EXPIRIES},
    {TEXTS("keepalive", "SECONDS", "", "seconds of silence before a ping (60)"),
     'k', TH_CLI_ALL | TH_CLI_BENCH, NUMBER(keep_alive_s, 5, MOST_UINT16), TRIED},
    {TEXTS("protocol-version", "VERSION", "", "mqttv31, mqttv311 or mqttv5 (mqttv311; rr: mqttv5)"),
     'V', TH_CLI_ALL | TH_CLI_BENCH, WORD(version, TH_CLI_MQTT_VERSIONS)},
    {TEXTS("property", "COMMAND NAME VALUE", "",
           "a property (MQTT 5); user-property: NAME KEY VALUE"),
     'D', TH_CLI_ALL, .kind = TH_CLI_PROPERTY, AT(properties)},
    {TEXTS("topic-alias-maximum", "COUNT", "", "topic aliases the broker may use (0)"),
     0, TH_CLI_ALL, NUMBER(topic_alias_maximum, 0, MOST_UINT16)},
    {TEXTS("", "COUNT", "", "messages of QoS 1 and 2 on their way at once (what fits)"),
     'M', TH_CLI_ALL, NUMBER(max_inflight, 1, MOST_UINT16)},

    {TEXTS("no-tls", "", "", "no encryption: everything is sent in the clear"),
     0, TH_CLI_ALL, FLAG(no_tls)},
    {TEXTS("cafile", "FILE", "THIMBLE_CAFILE", "certificates of the authorities that are trusted"),
     0, TH_CLI_ROADS | TH_CLI_CERT | TH_CLI_IDENTITY, TEXT(cafile, 1, PATH_BYTES), TRIED},
    {TEXTS("capath", "DIR", "", "a directory of such files: *.pem, *.crt, or named by hash"),
     0, TH_CLI_ROADS | TH_CLI_CERT, TEXT(capath, 1, PATH_BYTES)},
    {TEXTS("tls-use-os-certs", "", "", "trust the authorities this system trusts"),
     0, TH_CLI_ROADS | TH_CLI_CERT, FLAG(os_certs)},
    {TEXTS("pin", "PINS", "", "the broker's key is one of these: sha256//... (repeatable)"),
     0, TH_CLI_ROADS | TH_CLI_CERT, JOINED(pins, ';', PATH_BYTES)},
    {TEXTS("pin-ca", "PINS", "", "likewise the key of an authority above it"),
     0, TH_CLI_ROADS | TH_CLI_CERT, JOINED(ca_pins, ';', PATH_BYTES)},
    {TEXTS("crlfile", "FILE", "", "lists of revoked certificates (CRL), read at each connection"),
     0, TH_CLI_ROADS | TH_CLI_CERT, TEXT(crl, 1, PATH_BYTES), TRIED},
    {TEXTS("ocsp", "WHEN", "", "what its issuer says of the broker: off, staple, must (off)"),
     0, TH_CLI_ROADS | TH_CLI_CERT, WORD(stapling, TH_CLI_STAPLINGS), TRIED},
    {TEXTS("cert", "FILE", "THIMBLE_CERT", "our certificate and its chain; needs --key"),
     0, TH_CLI_ROADS | TH_CLI_CERT | TH_CLI_KEY | TH_CLI_IDENTITY,
     TEXT(certificate, 1, PATH_BYTES), TRIED},
    {TEXTS("key", "FILE", "THIMBLE_KEY", "our private key; needs --cert"),
     0, TH_CLI_ROADS | TH_CLI_CERT | TH_CLI_CSR | TH_CLI_IDENTITY, TEXT(key, 1, PATH_BYTES), TRIED},
    {TEXTS("identity", "NAME", "", "our certificate, key and endpoint: thimble identity"),
     0, TH_CLI_ROADS, TEXT(identity, 1, HOST_BYTES)},
    {TEXTS("identity-dir", "DIR", "THIMBLE_IDENTITY_DIR", "where identities are stored"),
     0, TH_CLI_ROADS | TH_CLI_IDENTITY, TEXT(identity_dir, 1, PATH_BYTES)},
    {TEXTS("keypass-file", "FILE", "", "passphrase of the key: the first line of FILE"),
     0, TH_CLI_ROADS | TH_CLI_CERT | TH_CLI_KEY | TH_CLI_CSR,
     TEXT(keypass_file, 1, PATH_BYTES), TRIED},
    {TEXTS("keypass-credential", "NAME", "", "passphrase of the key: a credential of systemd"),
     0, TH_CLI_ROADS | TH_CLI_CERT | TH_CLI_KEY | TH_CLI_CSR,
     TEXT(keypass_credential, 1, PATH_BYTES), TRIED},
    {TEXTS("keyform", "FORM", "", "pem, and nothing else"),
     0, TH_CLI_ALL, WORD(key_form, TH_CLI_KEY_FORMS)},
    {TEXTS("psk", "HEX", "", "key shared with the broker, instead of certificates"),
     0, TH_CLI_ALL, SECRET(psk_argument, 2, PSK_BYTES)},
    {TEXTS("psk-identity", "NAME", "", "its name; needs --psk"),
     0, TH_CLI_ALL, TEXT(psk_identity, 1, PSK_BYTES)},
    {TEXTS("tls-version", "VERSION", "", "only tlsv1.2, only tlsv1.3, or 1.2+ (1.2+)"),
     0, TH_CLI_ROADS | TH_CLI_CERT, WORD(tls_versions, TH_CLI_TLS_VERSIONS), TRIED},
    {TEXTS("ciphers", "NAMES", "", "suites of TLS 1.2, with colons between"),
     0, TH_CLI_ROADS | TH_CLI_CERT, TEXT(ciphers, 1, LINE_BYTES), TRIED},
    {TEXTS("ciphersuites", "NAMES", "", "suites of TLS 1.3, likewise"),
     0, TH_CLI_ROADS | TH_CLI_CERT, TEXT(ciphersuites, 1, LINE_BYTES), TRIED},
    {TEXTS("tls-alpn", "PROTOCOL", "", "application protocol to ask for; several: with commas"),
     0, TH_CLI_ROADS | TH_CLI_CERT, TEXT(alpn, 1, ALPN_BYTES), TRIED},
    {TEXTS("servername", "NAME", "", "in SNI and the broker's certificate, instead of -h"),
     0, TH_CLI_ROADS | TH_CLI_CERT, TEXT(server_name, 1, HOST_BYTES), TRIED},
    {TEXTS("tls-keylog", "FILE", "", "append the secrets of the connection, for Wireshark"),
     0, TH_CLI_ALL, TEXT(keylog, 1, PATH_BYTES), COMMON},
    {TEXTS("insecure", "", "", "do not compare the name in the broker's certificate"),
     0, TH_CLI_ROADS | TH_CLI_CERT, FLAG(insecure)},
    {TEXTS("insecure-no-verify", "", "", "accept any certificate: anybody can be the broker"),
     0, TH_CLI_ROADS, FLAG(insecure_no_verify)},
    {TEXTS("session-file", "FILE", "", "keeps the TLS session, for a short handshake next time"),
     0, TH_CLI_ALL, TEXT(session_file, 1, PATH_BYTES)},
    {TEXTS("hwrng", "PATH", "", "hardware random source to mix in, e.g. /dev/hwrng"),
     0, TH_CLI_ROADS, TEXT(hwrng, 1, PATH_BYTES), COMMON},
    {TEXTS("clock", "MODE", "", "if the date cannot be right: wait, sync, fail, ignore (wait)"),
     0, TH_CLI_ROADS | TH_CLI_CERT, WORD(clock, TH_CLI_CLOCKS), COMMON},
    {TEXTS("clock-timeout", "SECONDS", "", "how long to wait for the right date (120)"),
     0, TH_CLI_ROADS | TH_CLI_CERT, SECONDS(clock_ms, 0), COMMON},
    {TEXTS("sntp", "HOST[:PORT]", "", "a server to ask for the date meanwhile; repeatable"),
     0, TH_CLI_ROADS | TH_CLI_CERT, LIST(sntp, 1, HOST_BYTES), COMMON},
    {TEXTS("clock-file", "FILE", "", "keeps the last date that was right, for the next start"),
     0, TH_CLI_ROADS | TH_CLI_CERT, TEXT(clock_file, 1, PATH_BYTES), COMMON},
    {TEXTS("tls-engine", "NAME", "", "not here; give the key as a file with --key"),
     0, TH_CLI_ALL, .kind = TH_CLI_DECLINED},
    {TEXTS("tls-engine-kpass-sha1", "HEX", "",
           "not here; give a key without pass phrase with --key"),
     0, TH_CLI_ALL, .kind = TH_CLI_DECLINED},

    {TEXTS("will-topic", "TOPIC", "", "topic of the message the broker sends if we vanish"),
     0, TH_CLI_ALL, TEXT(will_topic, 1, STRING_BYTES), TRIED},
    {TEXTS("will-payload", "TEXT", "", "its payload (empty)"),
     0, TH_CLI_ALL, TEXT(will_payload, 0, STRING_BYTES), TRIED},
    {TEXTS("will-qos", "QOS", "", "its QoS (0)"),
     0, TH_CLI_ALL, NUMBER(will_qos, 0, MOST_QOS), TRIED},
    {TEXTS("will-retain", "", "", "the broker retains it"),
     0, TH_CLI_ALL, FLAG(will_retain), TRIED},

    {TEXTS("topic", "TOPIC", "", "topic to publish on; filter to subscribe to, repeatable"),
     't', TH_CLI_ALL, LIST(topics, 1, STRING_BYTES), LIVE},
    {TEXTS("qos", "QOS", "", "quality of service (0)"), 'q', TH_CLI_ALL, NUMBER(qos, 0, MOST_QOS),
     LIVE},
    {TEXTS("message", "TEXT", "", "publish TEXT"),
     'm', TH_CLI_PUB | TH_CLI_RR, TEXT(message, 0, NO_LIMIT)},
    {TEXTS("file", "FILE", "", "publish the content of FILE"),
     'f', TH_CLI_PUB | TH_CLI_RR, TEXT(file, 1, PATH_BYTES)},
    {TEXTS("stdin-line", "", "", "publish each line of standard input"),
     'l', TH_CLI_PUB, FLAG(lines)},
    {TEXTS("stdin-file", "", "", "publish standard input as one message"),
     's', TH_CLI_PUB | TH_CLI_RR, FLAG(whole_input)},
    {TEXTS("null-message", "", "", "publish an empty message"),
     'n', TH_CLI_PUB | TH_CLI_RR, FLAG(null_message)},
    {TEXTS("retain", "", "", "the broker keeps it as the topic's last value"),
     'r', TH_CLI_PUB, FLAG(retain)},
    {TEXTS("repeat", "COUNT", "", "publish it so often (1)"),
     0, TH_CLI_PUB, NUMBER(repeat, 1, MOST_INT32)},
    {TEXTS("repeat-delay", "SECONDS", "", "wait between the repetitions (0)"),
     0, TH_CLI_PUB, SECONDS(repeat_delay_ms, 0)},

    {TEXTS("", "TOPIC", "", "topic where the response is expected"),
     'e', TH_CLI_RR, TEXT(response_topic, 1, STRING_BYTES)},
    {TEXTS("latency", "", "", "print how long the response took"), 0, TH_CLI_RR, FLAG(latency)},
    {TEXTS("verbose", "", "", "print the topic before each message"),
     'v', TH_CLI_PRINT, FLAG(verbose), LIVE, COMMON},
    {TEXTS("", "FORMAT", "", "print each message so: OUTPUT FORMAT in the manual"),
     'F', TH_CLI_PRINT, TEXT(format, 0, PATH_BYTES), LIVE, COMMON},
    {TEXTS("pretty", "", "", "JSON of -F %j and %J on several lines"),
     0, TH_CLI_PRINT, FLAG(pretty), LIVE, COMMON},
    {TEXTS("jsonl", "", "", "print each message as one line of JSON"),
     0, TH_CLI_PRINT, FLAG(jsonl), LIVE, COMMON},
    {TEXTS("", "", "", "no newline after each message"),
     'N', TH_CLI_PRINT, FLAG(no_newline), LIVE},
    {TEXTS("watch", "", "", "show the latest message of each topic in a line of its own"),
     'w', TH_CLI_SUB, FLAG(watch)},
    {TEXTS("message-rate", "", "", "print each second how many messages came"),
     0, TH_CLI_SUB, FLAG(message_rate)},
    {TEXTS("", "COUNT", "", "end after COUNT messages"),
     'C', TH_CLI_SUB, NUMBER(count, 1, MOST_INT32)},
    {TEXTS("", "SECONDS", "", "end SECONDS after the connection was made"),
     'W', TH_CLI_SUB | TH_CLI_RR, NUMBER(seconds, 1, MOST_SECONDS)},
    {TEXTS("", "", "", "end when the subscriptions are acknowledged"),
     'E', TH_CLI_SUB, FLAG(exit_after_subscribe)},
    {TEXTS("", "", "", "do not print retained messages"),
     'R', TH_CLI_SUB | TH_CLI_RR, FLAG(no_retained)},
    {TEXTS("retained-only", "", "", "print retained messages only, end at the first other one"),
     0, TH_CLI_SUB, FLAG(retained_only)},
    {TEXTS("remove-retained", "", "", "clear each retained message that comes"),
     0, TH_CLI_SUB, FLAG(remove_retained)},
    {TEXTS("retain-as-published", "", "", "see the retain flag as it was published (MQTT 5)"),
     0, TH_CLI_SUB | TH_CLI_RR, FLAG(retain_as_published)},
    {TEXTS("retain-handling", "WHEN", "", "retained messages come always, new or never (MQTT 5)"),
     0, TH_CLI_SUB | TH_CLI_RR, WORD(retain_handling, TH_CLI_RETAIN_HANDLINGS)},
    {TEXTS("random-filter", "PERCENT", "", "print only so many of the messages"),
     0, TH_CLI_SUB, .kind = TH_CLI_PERCENT, AT(random_filter), .min = 100, .most = ALL_THOUSANDTHS},
    {TEXTS("filter-out", "FILTER", "", "do not print what FILTER selects; repeatable"),
     'T', TH_CLI_SUB, LIST(filter_out, 1, STRING_BYTES)},
    {TEXTS("unsubscribe", "FILTER", "", "unsubscribe from FILTER; repeatable"),
     'U', TH_CLI_SUB, LIST(unsubscribe, 1, STRING_BYTES)},

    {TEXTS("listen", "PATH", "", "a Unix socket for programs that speak plain MQTT"),
     0, TH_CLI_TUNNEL, TEXT(listen, 1, UNIX_PATH_BYTES)},
    {TEXTS("listen-mode", "MODE", "", "who may connect: 0600, 0660 or 0666 (0600)"),
     0, TH_CLI_TUNNEL, WORD(listen_mode, TH_CLI_MODES)},
    {TEXTS("listen-port", "PORT", "", "instead, on 127.0.0.1: for all who are on this machine"),
     0, TH_CLI_TUNNEL, NUMBER(listen_port, 1, MOST_UINT16)},
    {TEXTS("connections", "COUNT", "", "open so many (10, or as many as this build has)"),
     0, TH_CLI_BENCH, NUMBER(connections, 1, CONNECTIONS)},
    {TEXTS("hold", "SECONDS", "", "keep them so long at rest, each time (2)"),
     0, TH_CLI_BENCH, SECONDS(hold_ms, 1)},

    {TEXTS("status-topic", "TOPIC", "", "tell there in JSON how we are: online, offline, error"),
     0, TH_CLI_AGENT, TEXT(status_topic, 1, STRING_BYTES), TRIED},
    {TEXTS("firmware-version", "TEXT", "", "what is told there of the device (thimble's)"),
     0, TH_CLI_AGENT, TEXT(firmware_version, 1, ADDRESS_BYTES), LIVE},
    {TEXTS("spool", "DIR", "", "messages wait here, on disk, until the broker has them"),
     0, TH_CLI_AGENT, TEXT(spool, 1, PATH_BYTES)},
    {TEXTS("spool-bytes", "BYTES", "", "how much they may take (1 MB)"),
     0, TH_CLI_AGENT, BYTES(spool_bytes, MOST_UINT32), LIVE},
    {TEXTS("spool-messages", "COUNT", "", "how many may wait (any number)"),
     0, TH_CLI_AGENT, NUMBER(spool_messages, 1, MOST_UINT32), LIVE},
    {TEXTS("spool-age", "SECONDS", "", "drop what has waited longer (wait for ever)"),
     0, TH_CLI_AGENT, NUMBER(spool_age_s, 1, MOST_UINT32), LIVE},
    {TEXTS("spool-daily-bytes", "BYTES", "", "how much may be written in a day (no limit)"),
     0, TH_CLI_AGENT, BYTES(spool_daily_bytes, MOST_UINT32), LIVE},
    {TEXTS("spool-full", "POLICY", "", "when full: drop oldest, newest, or refuse (oldest)"),
     0, TH_CLI_AGENT, WORD(spool_full, TH_CLI_SPOOL_POLICIES), LIVE},
    {TEXTS("spool-conflate", "FILTER", "", "of such a topic the newest only; repeatable"),
     0, TH_CLI_AGENT, LIST(spool_conflate, 1, STRING_BYTES), LIVE},
    {TEXTS("spool-attempts", "COUNT", "", "give up a message that ended so many connections"),
     0, TH_CLI_AGENT, NUMBER(spool_attempts, 1, MOST_UINT32), LIVE},
    {TEXTS("insecure-plain", "HOST[:PORT]", "",
           "until TLS works: WITHOUT TLS, so anybody can read"),
     0, TH_CLI_AGENT, TEXT(plain_endpoint, 1, HOST_BYTES)},
    {TEXTS("insecure-plain-topic", "FILTER", "", "what may go there, and nothing else; repeatable"),
     0, TH_CLI_AGENT, LIST(plain_topics, 1, STRING_BYTES)},
    {TEXTS("inbox", "PATH", "", "a Unix socket where programs hand in messages"),
     0, TH_CLI_AGENT, TEXT(inbox, 1, UNIX_PATH_BYTES)},
    {TEXTS("inbox-mode", "MODE", "", "who may connect: 0600, 0660 or 0666 (0600)"),
     0, TH_CLI_AGENT, WORD(inbox_mode, TH_CLI_MODES)},
    {TEXTS("stdin", "", "", "likewise standard input: a line of JSON for each"),
     0, TH_CLI_AGENT, FLAG(input)},
    {TEXTS("drop", "DIR", "", "likewise a directory: a file in it is a message"),
     0, TH_CLI_AGENT, TEXT(drop, 1, PATH_BYTES)},
    {TEXTS("drop-topic", "TEMPLATE", "", "its topic, such as files/${name}"),
     0, TH_CLI_AGENT, TEXT(drop_topic, 1, LINE_BYTES), LIVE},
    {TEXTS("agent", "PATH", "", "through the agent whose --inbox this is, not to a broker"),
     0, TH_CLI_PUB, TEXT(agent, 1, UNIX_PATH_BYTES)},
    {TEXTS("message-id", "ID", "", "the agent takes the message once, however often it is sent"),
     0, TH_CLI_PUB, TEXT(message_id, 1, ALPN_BYTES)},

    {TEXTS("retry", "COUNT", "", "connect again up to COUNT times, or inf (10, once connected)"),
     0, TH_CLI_ALL, NUMBER(retry, 0, MOST_ATTEMPTS), .words = TH_CLI_RETRIES},
    {TEXTS("backoff", "FIRST..MAX", "", "wait between the attempts, doubling (1s..60s)"),
     0, TH_CLI_ALL, .kind = TH_CLI_RANGE, AT(backoff_first_ms), .min = 1, .most = DAY_MS,
     TRIED},
    {TEXTS("first-delay", "SECONDS", "", "the first attempt waits up to so long (FIRST)"),
     0, TH_CLI_AGENT, SECONDS(first_delay_ms, 0)},
    {TEXTS("wait-broker", "SECONDS", "", "wait until there is a broker, at most so long"),
     0, TH_CLI_ALL, .kind = TH_CLI_MAYBE_SECONDS, AT(wait_broker_ms), .min = 1, .most = DAY_MS},
    {TEXTS("timeout", "SECONDS", "", "time for each of the following that has no own (30)"),
     0, TH_CLI_ROADS | TH_CLI_CERT, SECONDS(timeout_ms, 1), TRIED},
    {TEXTS("timeout-lookup", "SECONDS", "", "time to look the name up"),
     0, TH_CLI_ROADS | TH_CLI_CERT, SECONDS(lookup_ms, 1), TRIED},
    {TEXTS("timeout-tcp", "SECONDS", "", "time to reach the broker"),
     0, TH_CLI_ROADS | TH_CLI_CERT, SECONDS(tcp_ms, 1), TRIED},
    {TEXTS("timeout-tls", "SECONDS", "", "time for the TLS handshake"),
     0, TH_CLI_ROADS | TH_CLI_CERT, SECONDS(tls_ms, 1), TRIED},
    {TEXTS("timeout-connack", "SECONDS", "", "time for the broker to let us in"),
     0, TH_CLI_ALL, SECONDS(connack_ms, 1), TRIED},
    {TEXTS("timeout-ack", "SECONDS", "", "time for each acknowledgement"),
     0, TH_CLI_ALL, SECONDS(ack_ms, 1), TRIED},

    {TEXTS("", "FILE", "", "options, one to a line, instead of the user's file"),
     'o', TH_CLI_ALL, TEXT(options_file, 1, PATH_BYTES)},
    {TEXTS("config", "FILE", "", "settings in JSON: thimble-config(5)"),
     0, TH_CLI_ALL, TEXT(config_file, 1, PATH_BYTES)},
    {TEXTS("events", "FILE", "", "write each event as one line of JSON, to FILE"),
     0, TH_CLI_ALL, .kind = TH_CLI_MAYBE_TEXT, AT(events), .min = 1, .most = PATH_BYTES, COMMON},
    {TEXTS("mem-report", "json:FILE", "", "tell at the end where each byte went"),
     0, TH_CLI_ALL, .kind = TH_CLI_REPORT, AT(report), .most = PATH_BYTES, COMMON},
    {TEXTS("status-socket", "PATH", "", "a Unix socket that tells who connects the report"),
     0, TH_CLI_ALL, TEXT(status_socket, 1, UNIX_PATH_BYTES), COMMON},
    {TEXTS("status-mode", "MODE", "", "who may connect: 0600, 0660 or 0666 (0600)"),
     0, TH_CLI_ALL, WORD(status_mode, TH_CLI_MODES), COMMON},
    {TEXTS("prom-file", "FILE", "", "keep how we are in FILE, for Prometheus"),
     0, TH_CLI_AGENT, TEXT(prom_file, 1, PATH_BYTES)},
    {TEXTS("log-format", "FORMAT", "", "what is said: as text, json, logfmt or syslog (text)"),
     0, TH_CLI_AGENT, WORD(log_format, TH_CLI_LOG_FORMATS), LIVE, COMMON},
    {TEXTS("memory-trace", "FILE", "", "write a line for each allocation to FILE"),
     0, TH_CLI_ALL, TEXT(memory_trace, 1, PATH_BYTES), COMMON},
    {TEXTS("heap-budget", "BYTES", "", "a lower ceiling for the TLS heap"),
     0, TH_CLI_ROADS, BYTES(heap_budget_bytes, HEAP_BYTES)},
    {TEXTS("window-budget", "BYTES", "", "a lower ceiling for the packet window"),
     0, TH_CLI_ALL, BYTES(window_budget_bytes, WINDOW_BYTES)},
    {TEXTS("outbox-budget", "BYTES", "", "a lower ceiling for the outbox"),
     0, TH_CLI_ALL, BYTES(outbox_budget_bytes, OUTBOX_BYTES)},
    {TEXTS("sandbox", "MODE", "", "how to lock ourselves in: auto, require or off (auto)"),
     0, TH_CLI_ROADS | TH_CLI_CERT, WORD(sandbox, TH_CLI_SANDBOXES), COMMON},
    {TEXTS("exit-codes", "WHOSE", "", "thimble or mosquitto (as the program is called)"),
     0, TH_CLI_ALL, WORD(exit_codes, TH_CLI_PERSONAS), COMMON},
    {TEXTS("debug", "", "", "say on standard error what happens"),
     'd', TH_CLI_ROADS | TH_CLI_FILES, FLAG(debug), COMMON},
    {TEXTS("quiet", "", "", "say nothing once the command line was right"),
     0, TH_CLI_ROADS | TH_CLI_FILES, FLAG(quiet), LIVE, COMMON},
    {TEXTS("json", "", "", "print as JSON"),
     0, TH_CLI_FILES | TH_CLI_BENCH, FLAG(json)},
    {TEXTS("warn", "DAYS", "", "check: warn so many days before the end (30d)"),
     0, TH_CLI_CERT, TEXT(warn, 1, DAYS_BYTES)},
    {TEXTS("critical", "DAYS", "", "check: it is critical from then on (7d)"),
     0, TH_CLI_CERT, TEXT(critical, 1, DAYS_BYTES)},
    {TEXTS("ca", "", "", "pin: of the issuers, not of the certificate itself"),
     0, TH_CLI_CERT, FLAG(issuers)},
    {TEXTS("for", "FILE", "", "bundle: only what the chain in FILE names"),
     0, TH_CLI_CERT, TEXT(chain, 1, PATH_BYTES)},
    {TEXTS("type", "TYPE", "", "gen: p256 or p384 (p256)"),
     0, TH_CLI_KEY, WORD(key_type, TH_CLI_KEY_TYPES)},
    {TEXTS("out", "FILE", "", "write to FILE, a new one; bundle: replace it; export: to DIR"),
     0, TH_CLI_CERT | TH_CLI_KEY | TH_CLI_CSR | TH_CLI_IDENTITY, TEXT(out, 1, PATH_BYTES)},
    {TEXTS("subject", "NAME", "", "such as /CN=device-7/O=Example"),
     0, TH_CLI_CSR, TEXT(subject, 1, LINE_BYTES)},
    {TEXTS("san", "NAMES", "", "such as DNS:device-7.example,IP:192.0.2.7 (repeatable)"),
     0, TH_CLI_CSR, JOINED(alternative_names, ',', LINE_BYTES)},
    {TEXTS("endpoint", "HOST[:PORT]", "", "import: the broker it is for"),
     0, TH_CLI_IDENTITY, TEXT(endpoint, 1, HOST_BYTES)},
    {TEXTS("device-id", "ID", "", "the device's own name; import: (NAME)"),
     0, TH_CLI_IDENTITY | TH_CLI_AGENT, TEXT(device_id, 1, HOST_BYTES)},
    {TEXTS("own-ca", "FILE", "", "import: our chain must lead to one of these certificates"),
     0, TH_CLI_IDENTITY, TEXT(own_ca, 1, PATH_BYTES)},
    {TEXTS("with-key", "", "", "export: the private key, too"),
     0, TH_CLI_IDENTITY, FLAG(with_key)},
    {TEXTS("help", "", "", "print this and end"), 0, TH_CLI_ROADS | TH_CLI_FILES, FLAG(help)},
    {TEXTS("version", "", "", "print the version and end"), 0, TH_CLI_ROADS, FLAG(version_wanted)},
};

const size_t th_cli_options_count = sizeof th_cli_options / sizeof *th_cli_options;

static const char *text_at(const struct th_cli_option *option, unsigned skip)
{
    const char *text = th_text_nth(option->texts, skip);
    return *text ? text : NULL;
}

const char *th_cli_long(const struct th_cli_option *option)
{
    return text_at(option, 0);
}

const char *th_cli_value(const struct th_cli_option *option)
{
    return text_at(option, 1);
}

const char *th_cli_variable(const struct th_cli_option *option)
{
    return text_at(option, 2);
}

const char *th_cli_help_line(const struct th_cli_option *option)
{
    const char *line = text_at(option, 3); /* none where nothing is explained */
    return line ? line : option->kind == TH_CLI_DECLINED ? "not here" : "";
}

uint32_t th_cli_max(const struct th_cli_option *option)
{
    return limits[option->most];
}

bool th_cli_stands_alone(const struct th_cli_option *option)
{
    return option->kind <= TH_CLI_MAYBE_SECONDS;
}

bool th_cli_is_number(const struct th_cli_option *option)
{
    return option->kind >= TH_CLI_MAYBE_SECONDS && option->kind <= TH_CLI_PERCENT;
}

const struct th_cli_word *th_cli_word_list(const struct th_cli_option *option)
{
    return word_lists[option->words];
}

const char *th_cli_option_name(const struct th_cli_option *option, char *text)
{
    if (option->letter)
        th_format(text, TH_CLI_OPTION_NAME_BYTES, "-%c", option->letter);
    else
        th_format(text, TH_CLI_OPTION_NAME_BYTES, "--%s", th_cli_long(option));
    return text;
}

/* "--name" and "--name=value" name the same option; "-x" is exact. */
static bool is_named(const struct th_cli_option *option, const char *word)
{
    if (word[0] != '-')
        return false;
    if (word[1] != '-')
        return word[1] && word[1] == option->letter && !word[2];
    const char *name = th_cli_long(option);
    if (!name)
        return false;
    size_t bytes = strlen(name);
    return !strncmp(word + 2, name, bytes) && (!word[2 + bytes] || word[2 + bytes] == '=');
}

const struct th_cli_option *th_cli_option_find(const char *word)
{
    for (size_t i = 0; i < th_cli_options_count; i++)
        if (is_named(&th_cli_options[i], word))
            return &th_cli_options[i];
    return NULL;
}

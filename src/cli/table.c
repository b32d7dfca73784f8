/* The option table. Where mosquitto's clients have the option, name and meaning are theirs. */
#include "cli/options.h"

#define AT(field) .offset = offsetof(struct th_cli_settings, field)
#define FLAG(field) .kind = TH_CLI_FLAG, AT(field)
#define TEXT(field, least, most) .kind = TH_CLI_TEXT, AT(field), .min = least, .max = most
#define LIST(field, least, most) .kind = TH_CLI_LIST, AT(field), .min = least, .max = most
#define NUMBER(field, least, most) .kind = TH_CLI_NUMBER, AT(field), .min = least, .max = most
#define SECONDS(field) .kind = TH_CLI_SECONDS, AT(field), .min = 1, .max = 86400000
#define BYTES(field, most) .kind = TH_CLI_BYTES, AT(field), .min = 1, .max = most

#define HOST_BYTES 253 /* RFC 1035 section 2.3.4 */
#define PATH_BYTES 4095
#define STRING_BYTES 65535 /* MQTT section 1.5.3 */
#define PASSWORD_BYTES 4096

static const struct th_cli_word mqtt_versions[] = {
    {"mqttv311", TH_MQTT_3_1_1},
    {"311", TH_MQTT_3_1_1},
    {"mqttv5", TH_MQTT_5},
    {"5", TH_MQTT_5},
    {NULL, 0},
};

#define FROM_TO(min, max) (256 * (min) + (max))

static const struct th_cli_word tls_versions[] = {
    {"tlsv1.2", FROM_TO(TH_TLS_1_2, TH_TLS_1_2)}, {"tlsv1.3", FROM_TO(TH_TLS_1_3, TH_TLS_1_3)},
    {"1.2", FROM_TO(TH_TLS_1_2, TH_TLS_1_2)},     {"1.3", FROM_TO(TH_TLS_1_3, TH_TLS_1_3)},
    {"1.2+", FROM_TO(TH_TLS_1_2, TH_TLS_1_3)},    {NULL, 0},
};

static const struct th_cli_word expiries[] = {
    {"-1", TH_CLI_NEVER_EXPIRES},
    {"\xe2\x88\x9e", TH_CLI_NEVER_EXPIRES}, /* infinity sign */
    {NULL, 0},
};

static const struct th_cli_word retries[] = {
    {"inf", TH_CLI_FOREVER},
    {NULL, 0},
};

const struct th_cli_option th_cli_options[] = {
    {'h', "host", TH_CLI_BOTH, TEXT(host, 1, HOST_BYTES), .value = "HOST",
     .environment = "THIMBLE_HOST", .help = "name or address of the broker (localhost)"},
    {'p', "port", TH_CLI_BOTH, NUMBER(port, 1, 65535), .value = "PORT",
     .help = "port (8883; without TLS 1883)"},
    {'L', "url", TH_CLI_BOTH, .kind = TH_CLI_SECRET, AT(url), .min = 1, .value = "URL",
     .help = "mqtts://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC], or mqtt://"},
    {0, "no-tls", TH_CLI_BOTH, FLAG(no_tls),
     .help = "no encryption: everything is sent in the clear"},

    {'i', "id", TH_CLI_BOTH, TEXT(client_id, 0, STRING_BYTES), .value = "ID",
     .help = "client identifier (the broker chooses one)"},
    {'I', "id-prefix", TH_CLI_BOTH, TEXT(client_id_prefix, 1, 200), .value = "PREFIX",
     .help = "client identifier: PREFIX and the process id"},
    {'u', "username", TH_CLI_BOTH, TEXT(username, 0, STRING_BYTES), .value = "NAME",
     .environment = "THIMBLE_USERNAME", .help = "user name for the broker"},
    {'P', "pw", TH_CLI_BOTH, .kind = TH_CLI_SECRET, AT(password_argument), .max = PASSWORD_BYTES,
     .value = "PASSWORD", .environment = "THIMBLE_PASSWORD",
     .help = "password (others can see it: prefer --password-file)"},
    {0, "password-file", TH_CLI_BOTH, TEXT(password_file, 1, PATH_BYTES), .value = "FILE",
     .environment = "THIMBLE_PASSWORD_FILE", .help = "password: the first line of FILE"},
    {'c', "disable-clean-session", TH_CLI_BOTH, FLAG(persistent),
     .help = "the broker keeps the session; needs -i"},
    {'x', NULL, TH_CLI_BOTH, NUMBER(session_expiry_s, 0, 4294967295), .words = expiries,
     .value = "SECONDS", .help = "how long it keeps it, -1: for ever (MQTT 5)"},
    {'k', "keepalive", TH_CLI_BOTH, NUMBER(keep_alive_s, 5, 65535), .value = "SECONDS",
     .help = "seconds of silence before a ping (60)"},
    {'V', "protocol-version", TH_CLI_BOTH, .kind = TH_CLI_WORD, AT(version), .words = mqtt_versions,
     .value = "VERSION", .help = "mqttv311 or mqttv5 (mqttv311)"},

    {0, "cafile", TH_CLI_BOTH, TEXT(cafile, 1, PATH_BYTES), .value = "FILE",
     .environment = "THIMBLE_CAFILE", .help = "certificates of the authorities that are trusted"},
    {0, "cert", TH_CLI_BOTH, TEXT(certificate, 1, PATH_BYTES), .value = "FILE",
     .environment = "THIMBLE_CERT", .help = "our certificate and its chain; needs --key"},
    {0, "key", TH_CLI_BOTH, TEXT(key, 1, PATH_BYTES), .value = "FILE", .environment = "THIMBLE_KEY",
     .help = "our private key; needs --cert"},
    {0, "tls-version", TH_CLI_BOTH, .kind = TH_CLI_WORD, AT(tls_versions), .words = tls_versions,
     .value = "VERSION", .help = "only tlsv1.2, only tlsv1.3, or 1.2+ (1.2+)"},
    {0, "tls-alpn", TH_CLI_BOTH, TEXT(alpn, 1, 63), .value = "PROTOCOL",
     .help = "application protocol to ask for; several: with commas"},
    {0, "insecure", TH_CLI_BOTH, FLAG(insecure),
     .help = "do not compare the name in the broker's certificate"},
    {0, "insecure-no-verify", TH_CLI_BOTH, FLAG(insecure_no_verify),
     .help = "accept any certificate: anybody can be the broker"},
    {0, "hwrng", TH_CLI_BOTH, TEXT(hwrng, 1, PATH_BYTES), .value = "PATH",
     .help = "hardware random source to mix in, e.g. /dev/hwrng"},

    {0, "will-topic", TH_CLI_BOTH, TEXT(will_topic, 1, STRING_BYTES), .value = "TOPIC",
     .help = "topic of the message the broker sends if we vanish"},
    {0, "will-payload", TH_CLI_BOTH, TEXT(will_payload, 0, STRING_BYTES), .value = "TEXT",
     .help = "its payload (empty)"},
    {0, "will-qos", TH_CLI_BOTH, NUMBER(will_qos, 0, 2), .value = "QOS", .help = "its QoS (0)"},
    {0, "will-retain", TH_CLI_BOTH, FLAG(will_retain), .help = "the broker retains it"},

    {'t', "topic", TH_CLI_BOTH, LIST(topics, 1, STRING_BYTES), .value = "TOPIC",
     .help = "topic to publish on; filter to subscribe to, repeatable"},
    {'q', "qos", TH_CLI_BOTH, NUMBER(qos, 0, 2), .value = "QOS", .help = "quality of service (0)"},
    {'m', "message", TH_CLI_PUB, TEXT(message, 0, 0), .value = "TEXT", .help = "publish TEXT"},
    {'f', "file", TH_CLI_PUB, TEXT(file, 1, PATH_BYTES), .value = "FILE",
     .help = "publish the content of FILE"},
    {'l', "stdin-line", TH_CLI_PUB, FLAG(lines), .help = "publish each line of standard input"},
    {'s', "stdin-file", TH_CLI_PUB, FLAG(whole_input),
     .help = "publish standard input as one message"},
    {'n', "null-message", TH_CLI_PUB, FLAG(null_message), .help = "publish an empty message"},
    {'r', "retain", TH_CLI_PUB, FLAG(retain),
     .help = "the broker keeps it as the topic's last value"},

    {'v', "verbose", TH_CLI_SUB, FLAG(verbose), .help = "print the topic before each message"},
    {'N', NULL, TH_CLI_SUB, FLAG(no_newline), .help = "no newline after each message"},
    {'C', NULL, TH_CLI_SUB, NUMBER(count, 1, INT32_MAX), .value = "COUNT",
     .help = "end after COUNT messages"},
    {'W', NULL, TH_CLI_SUB, NUMBER(seconds, 1, 2147483), .value = "SECONDS",
     .help = "end SECONDS after the connection was made"},
    {'E', NULL, TH_CLI_SUB, FLAG(exit_after_subscribe),
     .help = "end when the subscriptions are acknowledged"},
    {'R', NULL, TH_CLI_SUB, FLAG(no_retained), .help = "do not print retained messages"},
    {0, "retained-only", TH_CLI_SUB, FLAG(retained_only),
     .help = "print retained messages only, end at the first other one"},
    {'T', "filter-out", TH_CLI_SUB, LIST(filter_out, 1, STRING_BYTES), .value = "FILTER",
     .help = "do not print what FILTER selects; repeatable"},
    {'U', "unsubscribe", TH_CLI_SUB, LIST(unsubscribe, 1, STRING_BYTES), .value = "FILTER",
     .help = "unsubscribe from FILTER; repeatable"},

    {0, "retry", TH_CLI_BOTH, NUMBER(retry, 0, 1000000), .words = retries, .value = "COUNT",
     .help = "attempts to connect again, or inf (10, not the first)"},
    {0, "timeout", TH_CLI_BOTH, SECONDS(timeout_ms), .value = "SECONDS",
     .help = "time for each of the following that has no own (30)"},
    {0, "timeout-lookup", TH_CLI_BOTH, SECONDS(lookup_ms), .value = "SECONDS",
     .help = "time to look the name up"},
    {0, "timeout-tcp", TH_CLI_BOTH, SECONDS(tcp_ms), .value = "SECONDS",
     .help = "time to reach the broker"},
    {0, "timeout-tls", TH_CLI_BOTH, SECONDS(tls_ms), .value = "SECONDS",
     .help = "time for the TLS handshake"},
    {0, "timeout-connack", TH_CLI_BOTH, SECONDS(connack_ms), .value = "SECONDS",
     .help = "time for the broker to let us in"},
    {0, "timeout-ack", TH_CLI_BOTH, SECONDS(ack_ms), .value = "SECONDS",
     .help = "time for each acknowledgement"},

    {0, "mem-report", TH_CLI_BOTH, .kind = TH_CLI_OPTIONAL, AT(report), .max = PATH_BYTES,
     .value = "json:FILE", .help = "tell at the end where each byte went"},
    {0, "heap-budget", TH_CLI_BOTH, BYTES(heap_budget_bytes, TH_TLS_HEAP_BYTES), .value = "BYTES",
     .help = "a lower ceiling for the TLS heap"},
    {0, "window-budget", TH_CLI_BOTH, BYTES(window_budget_bytes, TH_PACKET_WINDOW_BYTES),
     .value = "BYTES", .help = "a lower ceiling for the packet window"},
    {0, "outbox-budget", TH_CLI_BOTH, BYTES(outbox_budget_bytes, TH_OUTBOX_BYTES), .value = "BYTES",
     .help = "a lower ceiling for the outbox"},

    {'d', "debug", TH_CLI_BOTH, FLAG(debug), .help = "say on standard error what happens"},
    {0, "quiet", TH_CLI_BOTH, FLAG(quiet), .help = "say nothing once the command line was right"},
    {0, "help", TH_CLI_BOTH, FLAG(help), .help = "print this and end"},
    {0, "version", TH_CLI_BOTH, FLAG(version_wanted), .help = "print the version and end"},
};

const size_t th_cli_options_count = sizeof th_cli_options / sizeof *th_cli_options;

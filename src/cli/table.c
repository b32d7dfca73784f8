/* The option table. Where mosquitto's clients have the option, name and meaning are theirs. */
#include "cli/options.h"

#include <string.h>

#define TEXTS(name, value, environment, help) name "\0" value "\0" environment "\0" help
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

static const struct th_cli_word *const word_lists[TH_CLI_WORD_LISTS] = {
    [TH_CLI_MQTT_VERSIONS] = mqtt_versions,
    [TH_CLI_TLS_VERSIONS] = tls_versions,
    [TH_CLI_EXPIRIES] = expiries,
    [TH_CLI_RETRIES] = retries,
};

const struct th_cli_option th_cli_options[] = {
    {TEXTS("host", "HOST", "THIMBLE_HOST",
           "name or address of the broker (localhost)"),
     'h', TH_CLI_ALL, TEXT(host, 1, HOST_BYTES)},
    {TEXTS("port", "PORT", "",
           "port (8883; without TLS 1883)"), 'p', TH_CLI_ALL, NUMBER(port, 1, 65535)},
    {TEXTS("url", "URL", "",
           "mqtts://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC], or mqtt://"),
     'L', TH_CLI_ALL, .kind = TH_CLI_SECRET, AT(url), .min = 1},
    {TEXTS("no-tls", "", "",
           "no encryption: everything is sent in the clear"), 0, TH_CLI_ALL, FLAG(no_tls)},

    {TEXTS("id", "ID", "",
           "client identifier (the broker chooses one)"),
     'i', TH_CLI_ALL, TEXT(client_id, 0, STRING_BYTES)},
    {TEXTS("id-prefix", "PREFIX", "",
           "client identifier: PREFIX and the process id"),
     'I', TH_CLI_ALL, TEXT(client_id_prefix, 1, 200)},
    {TEXTS("username", "NAME", "THIMBLE_USERNAME",
           "user name for the broker"), 'u', TH_CLI_ALL, TEXT(username, 0, STRING_BYTES)},
    {TEXTS("pw", "PASSWORD", "THIMBLE_PASSWORD",
           "password (others can see it: prefer --password-file)"),
     'P', TH_CLI_ALL, .kind = TH_CLI_SECRET, AT(password_argument), .max = PASSWORD_BYTES},
    {TEXTS("password-file", "FILE", "THIMBLE_PASSWORD_FILE",
           "password: the first line of FILE"), 0, TH_CLI_ALL, TEXT(password_file, 1, PATH_BYTES)},
    {TEXTS("disable-clean-session", "", "",
           "the broker keeps the session; needs -i"), 'c', TH_CLI_ALL, FLAG(persistent)},
    {TEXTS("", "SECONDS", "",
           "how long it keeps it, -1: for ever (MQTT 5)"),
     'x', TH_CLI_ALL, NUMBER(session_expiry_s, 0, 4294967295), .words = TH_CLI_EXPIRIES},
    {TEXTS("keepalive", "SECONDS", "",
           "seconds of silence before a ping (60)"),
     'k', TH_CLI_ALL, NUMBER(keep_alive_s, 5, 65535)},
    {TEXTS("protocol-version", "VERSION", "",
           "mqttv311 or mqttv5 (mqttv311)"),
     'V', TH_CLI_ALL, .kind = TH_CLI_WORD, AT(version), .words = TH_CLI_MQTT_VERSIONS},

    {TEXTS("cafile", "FILE", "THIMBLE_CAFILE",
           "certificates of the authorities that are trusted"),
     0, TH_CLI_ALL, TEXT(cafile, 1, PATH_BYTES)},
    {TEXTS("cert", "FILE", "THIMBLE_CERT",
           "our certificate and its chain; needs --key"),
     0, TH_CLI_ALL, TEXT(certificate, 1, PATH_BYTES)},
    {TEXTS("key", "FILE", "THIMBLE_KEY",
           "our private key; needs --cert"), 0, TH_CLI_ALL, TEXT(key, 1, PATH_BYTES)},
    {TEXTS("tls-version", "VERSION", "",
           "only tlsv1.2, only tlsv1.3, or 1.2+ (1.2+)"),
     0, TH_CLI_ALL, .kind = TH_CLI_WORD, AT(tls_versions), .words = TH_CLI_TLS_VERSIONS},
    {TEXTS("tls-alpn", "PROTOCOL", "",
           "application protocol to ask for; several: with commas"),
     0, TH_CLI_ALL, TEXT(alpn, 1, 63)},
    {TEXTS("insecure", "", "",
           "do not compare the name in the broker's certificate"), 0, TH_CLI_ALL, FLAG(insecure)},
    {TEXTS("insecure-no-verify", "", "",
           "accept any certificate: anybody can be the broker"),
     0, TH_CLI_ALL, FLAG(insecure_no_verify)},
    {TEXTS("hwrng", "PATH", "",
           "hardware random source to mix in, e.g. /dev/hwrng"),
     0, TH_CLI_ALL, TEXT(hwrng, 1, PATH_BYTES)},

    {TEXTS("will-topic", "TOPIC", "",
           "topic of the message the broker sends if we vanish"),
     0, TH_CLI_ALL, TEXT(will_topic, 1, STRING_BYTES)},
    {TEXTS("will-payload", "TEXT", "",
           "its payload (empty)"), 0, TH_CLI_ALL, TEXT(will_payload, 0, STRING_BYTES)},
    {TEXTS("will-qos", "QOS", "", "its QoS (0)"), 0, TH_CLI_ALL, NUMBER(will_qos, 0, 2)},
    {TEXTS("will-retain", "", "", "the broker retains it"), 0, TH_CLI_ALL, FLAG(will_retain)},

    {TEXTS("topic", "TOPIC", "",
           "topic to publish on; filter to subscribe to, repeatable"),
     't', TH_CLI_ALL, LIST(topics, 1, STRING_BYTES)},
    {TEXTS("qos", "QOS", "", "quality of service (0)"), 'q', TH_CLI_ALL, NUMBER(qos, 0, 2)},
    {TEXTS("message", "TEXT", "", "publish TEXT"), 'm', TH_CLI_PUB, TEXT(message, 0, 0)},
    {TEXTS("file", "FILE", "",
           "publish the content of FILE"), 'f', TH_CLI_PUB, TEXT(file, 1, PATH_BYTES)},
    {TEXTS("stdin-line", "", "",
           "publish each line of standard input"), 'l', TH_CLI_PUB, FLAG(lines)},
    {TEXTS("stdin-file", "", "",
           "publish standard input as one message"), 's', TH_CLI_PUB, FLAG(whole_input)},
    {TEXTS("null-message", "", "",
           "publish an empty message"), 'n', TH_CLI_PUB, FLAG(null_message)},
    {TEXTS("retain", "", "",
           "the broker keeps it as the topic's last value"), 'r', TH_CLI_PUB, FLAG(retain)},

    {TEXTS("verbose", "", "",
           "print the topic before each message"), 'v', TH_CLI_SUB, FLAG(verbose)},
    {TEXTS("", "", "", "no newline after each message"), 'N', TH_CLI_SUB, FLAG(no_newline)},
    {TEXTS("", "COUNT", "",
           "end after COUNT messages"), 'C', TH_CLI_SUB, NUMBER(count, 1, INT32_MAX)},
    {TEXTS("", "SECONDS", "",
           "end SECONDS after the connection was made"),
     'W', TH_CLI_SUB, NUMBER(seconds, 1, 2147483)},
    {TEXTS("", "", "",
           "end when the subscriptions are acknowledged"),
     'E', TH_CLI_SUB, FLAG(exit_after_subscribe)},
    {TEXTS("", "", "", "do not print retained messages"), 'R', TH_CLI_SUB, FLAG(no_retained)},
    {TEXTS("retained-only", "", "",
           "print retained messages only, end at the first other one"),
     0, TH_CLI_SUB, FLAG(retained_only)},
    {TEXTS("filter-out", "FILTER", "",
           "do not print what FILTER selects; repeatable"),
     'T', TH_CLI_SUB, LIST(filter_out, 1, STRING_BYTES)},
    {TEXTS("unsubscribe", "FILTER", "",
           "unsubscribe from FILTER; repeatable"),
     'U', TH_CLI_SUB, LIST(unsubscribe, 1, STRING_BYTES)},

    {TEXTS("retry", "COUNT", "",
           "attempts to connect again, or inf (10, not the first)"),
     0, TH_CLI_ALL, NUMBER(retry, 0, 1000000), .words = TH_CLI_RETRIES},
    {TEXTS("timeout", "SECONDS", "",
           "time for each of the following that has no own (30)"),
     0, TH_CLI_ALL, SECONDS(timeout_ms)},
    {TEXTS("timeout-lookup", "SECONDS", "",
           "time to look the name up"), 0, TH_CLI_ALL, SECONDS(lookup_ms)},
    {TEXTS("timeout-tcp", "SECONDS", "",
           "time to reach the broker"), 0, TH_CLI_ALL, SECONDS(tcp_ms)},
    {TEXTS("timeout-tls", "SECONDS", "",
           "time for the TLS handshake"), 0, TH_CLI_ALL, SECONDS(tls_ms)},
    {TEXTS("timeout-connack", "SECONDS", "",
           "time for the broker to let us in"), 0, TH_CLI_ALL, SECONDS(connack_ms)},
    {TEXTS("timeout-ack", "SECONDS", "",
           "time for each acknowledgement"), 0, TH_CLI_ALL, SECONDS(ack_ms)},

    {TEXTS("mem-report", "json:FILE", "",
           "tell at the end where each byte went"),
     0, TH_CLI_ALL, .kind = TH_CLI_OPTIONAL, AT(report), .max = PATH_BYTES},
    {TEXTS("heap-budget", "BYTES", "",
           "a lower ceiling for the TLS heap"),
     0, TH_CLI_ALL, BYTES(heap_budget_bytes, TH_TLS_HEAP_BYTES)},
    {TEXTS("window-budget", "BYTES", "",
           "a lower ceiling for the packet window"),
     0, TH_CLI_ALL, BYTES(window_budget_bytes, TH_PACKET_WINDOW_BYTES)},
    {TEXTS("outbox-budget", "BYTES", "",
           "a lower ceiling for the outbox"),
     0, TH_CLI_ALL, BYTES(outbox_budget_bytes, TH_OUTBOX_BYTES)},

    {TEXTS("debug", "", "", "say on standard error what happens"), 'd', TH_CLI_ALL, FLAG(debug)},
    {TEXTS("quiet", "", "",
           "say nothing once the command line was right"), 0, TH_CLI_ALL, FLAG(quiet)},
    {TEXTS("help", "", "", "print this and end"), 0, TH_CLI_ALL, FLAG(help)},
    {TEXTS("version", "", "", "print the version and end"), 0, TH_CLI_ALL, FLAG(version_wanted)},
};

const size_t th_cli_options_count = sizeof th_cli_options / sizeof *th_cli_options;

static const char *text_at(const struct th_cli_option *option, int skip)
{
    const char *text = option->texts;
    while (skip-- > 0)
        text += strlen(text) + 1;
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
    return text_at(option, 3);
}

const struct th_cli_word *th_cli_word_list(const struct th_cli_option *option)
{
    return word_lists[option->words];
}

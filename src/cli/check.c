#include "cli/check.h"

#include "base/slice.h"
#include "cli/format.h"
#include "cli/given.h"
#include "cli/identity.h"
#include "cli/post.h"
#include "cli/properties.h"
#include "cli/roots.h"
#include "cli/secret.h"
#include "cli/show.h"
#include <stdio.h>
#include <thimble/topic.h>

/* 5.0 section 2.2.2.2 */
enum { RESPONSE_TOPIC = 8, SESSION_EXPIRY = 17, REQUEST_RESPONSE_INFORMATION = 25 };

/* ---- options that do not go together ---- */

#define AT(field) offsetof(struct th_cli_settings, field)
#define APART(a, b) {AT(a), AT(b), true, false}
#define OURS_APART(a, b) {AT(a), AT(b), true, true}
#define TOGETHER(a, b) {AT(a), AT(b), false, false}
#define OURS_TOGETHER(a, b) {AT(a), AT(b), false, true}

struct pair {
    uint16_t one, other;
    bool apart; /* not both; else the first needs the other */
    bool ours;  /* mosquitto's clients put up with it */
};

static const struct pair pairs[] = {
    APART(client_id, client_id_prefix),
    APART(password_argument, password_file),
    APART(keypass_file, keypass_credential),
    OURS_APART(unix_path, port),
    APART(unix_path, srv),
    APART(unix_path, addresses),
    APART(unix_path, proxy_argument),
    APART(unix_path, bind_address),
    APART(unix_path, sntp),
    APART(unix_path, bind_interface),
    APART(retry, wait_broker_ms),
    APART(srv, port),
    APART(srv, addresses),
    APART(srv, proxy_argument),
    APART(addresses, proxy_argument),
    APART(psk_argument, cafile),
    APART(psk_argument, capath),
    APART(psk_argument, os_certs),
    APART(psk_argument, crl),
    APART(insecure_no_verify, crl),
    APART(psk_argument, stapling),
    APART(insecure_no_verify, stapling),
    APART(psk_argument, certificate),
    APART(identity, certificate),
    APART(identity, key),
    APART(identity, psk_argument),
    OURS_APART(psk_argument, insecure),
    APART(psk_argument, insecure_no_verify),
    APART(insecure, insecure_no_verify),
    OURS_APART(repeat, lines),
    APART(no_retained, retained_only),
    APART(format, jsonl),
    APART(message_rate, jsonl),
    APART(message_rate, format),
    APART(message_rate, watch),
    APART(watch, jsonl),
    APART(listen, listen_port),
    APART(brokers, host),
    APART(brokers, unix_path),
    APART(brokers, srv),
    APART(brokers, addresses),
    APART(brokers, fallbacks),
    APART(plain_endpoint, no_tls),
    APART(plain_endpoint, unix_path),
    APART(plain_endpoint, proxy_argument),

    TOGETHER(certificate, key),
    TOGETHER(key, certificate),
    TOGETHER(key_form, key),
    TOGETHER(keypass_file, key),
    TOGETHER(keypass_credential, key),
    TOGETHER(psk_argument, psk_identity),
    OURS_TOGETHER(psk_identity, psk_argument),
    TOGETHER(websocket_path, websocket),
    TOGETHER(failback_ms, brokers),
    TOGETHER(authentication, username),
    TOGETHER(will_payload, will_topic),
    OURS_TOGETHER(will_qos, will_topic),
    TOGETHER(will_retain, will_topic),
    OURS_TOGETHER(repeat_delay_ms, repeat),
    TOGETHER(status_mode, status_socket),
    TOGETHER(listen_mode, listen),
    TOGETHER(spool_bytes, spool),
    TOGETHER(spool_messages, spool),
    TOGETHER(spool_age_s, spool),
    TOGETHER(spool_daily_bytes, spool),
    TOGETHER(spool_full, spool),
    TOGETHER(spool_conflate, spool),
    TOGETHER(spool_attempts, spool),
    TOGETHER(plain_endpoint, spool),
    TOGETHER(plain_endpoint, plain_topics),
    TOGETHER(plain_topics, plain_endpoint),
    TOGETHER(inbox, spool),
    TOGETHER(input, spool),
    TOGETHER(drop, spool),
    TOGETHER(inbox_mode, inbox),
    TOGETHER(drop, drop_topic),
    TOGETHER(drop_topic, drop),
    TOGETHER(message_id, agent),
};

#define COUNT_OF(pairs) (sizeof pairs / sizeof *pairs)

static bool is_broken(const struct th_cli_settings *s, const struct pair *p)
{
    return th_cli_is_given(s, p->one) && th_cli_is_given(s, p->other) == p->apart &&
           !(p->ours && s->persona == TH_CLI_MOSQUITTO);
}

static bool check_pairs(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    char one[TH_CLI_OPTION_NAME_BYTES], other[TH_CLI_OPTION_NAME_BYTES];
    for (const struct pair *p = pairs; p < pairs + COUNT_OF(pairs); p++)
        if (is_broken(s, p))
            return th_cli_problem(problem, p->apart ? "%s and %s: give only one of them"
                                                    : "%s: needs %s; give both",
                                  th_cli_name_of(p->one, one), th_cli_name_of(p->other, other));
    return true;
}

/* What would be refused if it had been given. */
bool th_cli_check_is_idle(const struct th_cli_settings *s, uint16_t offset)
{
    bool idle = false;
    for (const struct pair *p = pairs; p < pairs + COUNT_OF(pairs); p++)
        idle |= (p->one == offset || p->other == offset) && is_broken(s, p);
    return idle;
}

/* ---- which MQTT ---- */

static const uint16_t of_mqtt_5[] = {
    AT(session_expiry_s),   AT(properties), AT(topic_alias_maximum), AT(authentication),
    AT(retain_as_published), AT(retain_handling),
};

static const uint16_t *first_of_mqtt_5(const struct th_cli_settings *s)
{
    for (size_t i = 0; i < COUNT_OF(of_mqtt_5); i++)
        if (th_cli_is_given(s, of_mqtt_5[i]))
            return &of_mqtt_5[i];
    return NULL;
}

static bool check_version(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    char name[TH_CLI_OPTION_NAME_BYTES];
    const uint16_t *option = first_of_mqtt_5(s);
    if (s->version == TH_CLI_UNSET)
        s->version = option || s->command == TH_CLI_RR ? TH_MQTT_5 : TH_MQTT_3_1_1;
    if (!option || s->version == TH_MQTT_5)
        return true;
    return th_cli_problem(problem, "%s: only MQTT 5 has it; give -V mqttv5",
                          th_cli_name_of(*option, name));
}

/* ---- who ---- */

static bool check_password(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    char *given = s->password_argument;
    if (given && !th_cli_secret_keep(given, strlen(given)))
        return th_cli_problem(problem, "-P (hidden): too long; give at most 4096 bytes");
    if (given)
        s->password = th_cli_secret();
    bool any = s->password.data || s->password_file;
    if (any && !s->username && s->version != TH_MQTT_5)
        return th_cli_problem(problem, "%s: only MQTT 5 has a password without a user name; "
                              "give -u, or -V mqttv5", given ? "-P" : "--password-file");
    if (s->authentication != TH_CLI_UNSET && !any)
        return th_cli_problem(problem, "--auth: the password is missing; give --password-file");
    return true;
}

static bool check_client(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    bool as_theirs = s->persona == TH_CLI_MOSQUITTO;
    bool named = (s->client_id && *s->client_id) || (s->client_id_prefix && !as_theirs);
    bool kept = s->session_expiry_s == TH_CLI_NEVER_EXPIRES;
    if (as_theirs && s->client_id && !*s->client_id)
        return th_cli_problem(problem, "-i '': is empty; give an ID, or leave it out");
    if ((s->persistent || kept) && !named)
        return th_cli_problem(problem, "%s: a session is kept under a client id; give -i%s",
                              s->persistent ? "-c" : "-x", as_theirs ? "" : " or -I");
    if (s->session_expiry_s != TH_CLI_UNSET &&
        th_cli_property_given(&s->properties, TH_CLI_CONNECT, SESSION_EXPIRY))
        return th_cli_problem(problem, "-x and -D connect session-expiry-interval: give only one "
                              "of them");
    return true;
}

/* ---- how ---- */

/* Who gives a certificate means TLS; what else mosquitto's clients ignore without it, we do too. */
static const struct th_cli_option *first_that_means_tls(const struct th_cli_settings *s)
{
    if (s->persona == TH_CLI_THIMBLE)
        return th_cli_first_of_tls(s);
    return s->certificate ? th_cli_option_find("--cert") : NULL;
}

static bool check_plaintext(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    char name[TH_CLI_OPTION_NAME_BYTES];
    const struct th_cli_option *option = first_that_means_tls(s);
    s->no_tls |= s->unix_path && !option;
    if (!s->no_tls || !option)
        return true;
    if (s->persona == TH_CLI_MOSQUITTO)
        return th_cli_problem(problem, "--cert: there is no TLS without --cafile; give it too");
    return th_cli_problem(problem, "%s: there is no TLS with %s; leave one of them out",
                          th_cli_option_name(option, name), !s->url ? "--no-tls"
                          : s->websocket ? "ws://" : "mqtt://");
}

static bool takes_suites(const struct th_cli_settings *s, const char *option, const char *list,
                         enum th_tls_version version, struct th_cli_problem *problem)
{
    struct th_fault fault;
    if (!list || th_ciphers_check(list, version, s->psk.data, &fault) == 0)
        return true;
    return th_cli_problem(problem, "%s: %s", option, fault.text);
}

static bool check_suites(const struct th_cli_settings *s, struct th_cli_problem *problem)
{
    return takes_suites(s, "--ciphers", s->ciphers, TH_TLS_1_2, problem) &&
           takes_suites(s, "--ciphersuites", s->ciphersuites, TH_TLS_1_3, problem);
}

static bool check_tls(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    if (s->no_tls)
        return true;
    if (s->psk_argument && !th_cli_secret_keep_psk(s->psk_argument))
        return th_cli_problem(problem, "--psk (hidden): give an even number of hexadecimal digits, "
                              "at most 128");
    s->psk = th_cli_secret_psk();
    if (s->os_certs && !s->cafile && !th_cli_root_paths(s))
        return th_cli_problem(problem, "--tls-use-os-certs: found none; set SSL_CERT_FILE, or give "
                              "--cafile");
    if (!th_cli_trusts(s) && !s->insecure_no_verify && !s->psk.data)
        return th_cli_problem(problem, "--cafile: TLS needs to know whom to trust; give the "
                              "certificate of the broker's authority, or --no-tls");
    return check_suites(s, problem);
}

/* ---- where ---- */

static bool is_numeric(const char *address)
{
    size_t bytes = strspn(address, "0123456789abcdefABCDEF:.");
    return strpbrk(address, ":.") && (!address[bytes] || address[bytes] == '%');
}

static bool is_name(const char *name)
{
    return *name != '.' && !strstr(name, "..") && !name[strcspn(name, " /@")];
}

static bool is_path(const char *path)
{
    return *path == '/';
}

static bool is_alpn(const char *names)
{
    return *names != ',' && !strstr(names, ",,") && names[strlen(names) - 1] != ',';
}

static bool check_form(const char *option, const char *value, bool (*is_right)(const char *),
                       const char *remedy, struct th_cli_problem *problem)
{
    char shown[TH_CLI_SHOWN_BYTES];
    if (!value || is_right(value))
        return true;
    return th_cli_problem(problem, "%s %s: %s", option, th_cli_show(value, shown), remedy);
}

static bool check_list(const char *option, const struct th_cli_list *list,
                       bool (*is_right)(const char *), const char *remedy,
                       struct th_cli_problem *problem)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (!check_form(option, list->items[i], is_right, remedy, problem))
            return false;
    return true;
}

static bool check_addresses(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    static const char remedy[] = "give an address in numbers, such as 192.0.2.1 or 2001:db8::1";
    return check_list("--addr", &s->addresses, is_numeric, remedy, problem) &&
           check_list("--fallback-addr", &s->fallbacks, is_numeric, remedy, problem) &&
           check_form("-A", s->bind_address, is_numeric, remedy, problem);
}

static bool check_names(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    static const char remedy[] = "give a name, such as broker.example, or an address";
    return check_list("--sntp", &s->sntp, is_name, remedy, problem) &&
           check_form("-h", s->host, is_name, remedy, problem) &&
           check_form("--servername", s->server_name, is_name, remedy, problem) &&
           check_form("--tls-alpn", s->alpn, is_alpn, "give names with one comma between",
                      problem) &&
           check_form("--ws-path", s->websocket_path, is_path, "give a path that begins with /",
                      problem);
}

/* ---- what ---- */

static bool check_text(const char *option, const char *text, struct th_cli_problem *problem)
{
    char shown[TH_CLI_SHOWN_BYTES];
    if (!text || th_mqtt_utf8_clean(th_slice_text(text)))
        return true;
    return th_cli_problem(problem, "%s %s: not UTF-8 without control characters", option,
                          th_cli_show(text, shown));
}

static bool check_texts(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    return check_text("-i", s->client_id, problem) &&
           check_text("-I", s->client_id_prefix, problem) &&
           check_text("-u", s->username, problem);
}

static bool check_topic(const char *option, const char *topic, struct th_cli_problem *problem)
{
    char shown[TH_CLI_SHOWN_BYTES];
    if (!topic || (th_mqtt_topic_name_valid(th_slice_text(topic)) &&
                   th_mqtt_utf8_clean(th_slice_text(topic))))
        return true;
    return th_cli_problem(problem, "%s %s: not a topic to publish on; it is UTF-8 without +, # and "
                          "control characters", option, th_cli_show(topic, shown));
}

static bool check_filters(const char *option, const struct th_cli_list *list,
                          struct th_cli_problem *problem)
{
    char shown[TH_CLI_SHOWN_BYTES];
    for (uint32_t i = 0; i < list->count; i++)
        if (!th_mqtt_topic_filter_valid(th_slice_text(list->items[i])) ||
            !th_mqtt_utf8_clean(th_slice_text(list->items[i])))
            return th_cli_problem(problem, "%s %s: not a topic filter: UTF-8 without control "
                                  "characters; + stands for a whole level, # for the rest, at the "
                                  "end", option, th_cli_show(list->items[i], shown));
    return true;
}

static bool check_topics(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    return check_topic("--will-topic", s->will_topic, problem) &&
           check_topic("--status-topic", s->status_topic, problem) &&
           check_topic("--drop-topic", s->drop_topic, problem) &&
           check_topic("-e", s->response_topic, problem);
}

static int sources_given(const struct th_cli_settings *s)
{
    return (s->message != NULL) + (s->file != NULL) + s->lines + s->whole_input + s->null_message;
}

static void take_last_topic(struct th_cli_list *topics)
{
    topics->items[0] = topics->items[topics->count - 1];
    topics->count = 1;
}

static bool check_pub(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    if (s->topics.count > 1 && s->persona == TH_CLI_MOSQUITTO)
        take_last_topic(&s->topics);
    if (s->topics.count != 1)
        return th_cli_problem(problem, "-t: %s; give one topic to publish on",
                              s->topics.count ? "more than one topic" : "the topic is missing");
    if (sources_given(s) != 1)
        return th_cli_problem(problem, "-m, -f, %s-s, -n: %s; give one of them",
                              s->command == TH_CLI_PUB ? "-l, " : "",
                              sources_given(s) ? "more than one message" : "nothing to publish");
    return check_topic("-t", s->topics.items[0], problem);
}

/* What a broker has of a message is known by the identifier of the packet, in the session of the
 * client: the next process has to find it again. */
static bool check_spool(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    if (!s->spool || (s->client_id && *s->client_id && s->session_expiry_s))
        return true;
    return th_cli_problem(problem, "--spool: its messages go out in a session that is kept, or "
                          "some would arrive twice; give -i, and not -x 0");
}

static bool is_endpoint(const char *text)
{
    struct th_slice host;
    uint16_t port;
    return th_cli_identity_endpoint(text, &host, &port);
}

static bool check_agent(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    if (!s->config_file)
        return th_cli_problem(problem, "-c: the configuration is missing; give a file");
    if (s->brokers.count > TH_CLI_BROKERS_MAX)
        return th_cli_problem(problem, "--brokers: give at most 8 of them");
    return check_spool(s, problem) && check_filters("-t", &s->topics, problem) &&
           check_filters("--spool-conflate", &s->spool_conflate, problem) &&
           check_list("--brokers", &s->brokers, is_endpoint, "give HOST[:PORT]", problem);
}

static bool check_sub(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    if (s->topics.count == 0 && s->unsubscribe.count == 0)
        return th_cli_problem(problem, "-t: the topic is missing; give what to subscribe to");
    return check_filters("-t", &s->topics, problem) &&
           check_filters("-T", &s->filter_out, problem) &&
           check_filters("-U", &s->unsubscribe, problem);
}

/* The broker may propose a response topic (5.0 section 3.1.2.11.6). */
static bool has_response_topic(const struct th_cli_settings *s)
{
    const struct th_property *asked = th_cli_property_given(&s->properties, TH_CLI_CONNECT,
                                                            REQUEST_RESPONSE_INFORMATION);
    return s->response_topic || (asked && asked->number);
}

static bool check_rr(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    if (!has_response_topic(s))
        return th_cli_problem(problem, "-e: the topic is missing; give where the response is "
                              "expected");
    if (th_cli_property_given(&s->properties, TH_CLI_PUBLISH, RESPONSE_TOPIC))
        return th_cli_problem(problem, "-D publish response-topic: rr sets it; give it with -e");
    return check_pub(s, problem);
}

static bool check_tunnel(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    if (s->listen || s->listen_port != TH_CLI_UNSET)
        return true;
    return th_cli_problem(problem, "--listen: the path is missing; give that of the socket to "
                          "make, or --listen-port");
}

static bool check_format(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    return !s->format || th_cli_format_check(s->format, problem);
}

static bool check_command(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    return s->command == TH_CLI_CERT     ? true
           : s->command == TH_CLI_BENCH  ? true
           : s->command == TH_CLI_PUB    ? check_pub(s, problem)
           : s->command == TH_CLI_SUB    ? check_sub(s, problem)
           : s->command == TH_CLI_TUNNEL ? check_tunnel(s, problem)
           : s->command & TH_CLI_AGENT   ? check_agent(s, problem)
                                         : check_rr(s, problem);
}

bool th_cli_check(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    static bool (*const checks[])(struct th_cli_settings *, struct th_cli_problem *) = {
        th_cli_post_check, check_plaintext, check_pairs, check_version,
        th_cli_identity_take, check_tls, check_addresses, check_names, check_texts, check_password,
        check_client, check_topics, check_command, check_format,
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (!checks[i](s, problem))
            return false;
    return true;
}

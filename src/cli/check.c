#include "cli/check.h"

#include "base/slice.h"
#include "cli/secret.h"
#include "cli/show.h"
#include "cli/url.h"
#include <stdio.h>
#include <thimble/topic.h>

/* ---- the URL ---- */

/* Host and user name of a URL need an end of their own. */
static struct {
    char host[254];
    char username[1024];
} from_url;

static const char *copy(char *to, size_t room, struct th_slice from)
{
    if (from.len_bytes >= room)
        return NULL;
    memcpy(to, from.data, from.len_bytes);
    to[from.len_bytes] = '\0';
    return to;
}

static bool refuse_url(struct th_cli_problem *problem, const char *remedy)
{
    return th_cli_problem(problem, "-L (hidden): %s", remedy);
}

static bool twice(struct th_cli_problem *problem, const char *option, const char *what)
{
    return th_cli_problem(problem, "%s: the %s is in the -L URL too; give it once", option, what);
}

static bool merge_host(struct th_cli_settings *s, const struct th_cli_url *url,
                       struct th_cli_problem *problem)
{
    if (s->host)
        return twice(problem, "-h", "host");
    if (s->port != TH_CLI_UNSET && url->port)
        return twice(problem, "-p", "port");
    if (s->no_tls && !url->plaintext)
        return th_cli_problem(problem, "--no-tls: the -L URL says mqtts://; leave one of them out");
    s->host = copy(from_url.host, sizeof from_url.host, url->host);
    if (!s->host)
        return refuse_url(problem, "the host is too long; give at most 253 bytes");
    if (url->port)
        s->port = url->port;
    s->no_tls = url->plaintext;
    return true;
}

static bool merge_credentials(struct th_cli_settings *s, const struct th_cli_url *url,
                              struct th_cli_problem *problem)
{
    if (!url->username.data)
        return true;
    if (s->username)
        return twice(problem, "-u", "user name");
    if (url->password.data && (s->password_argument || s->password_file))
        return twice(problem, s->password_argument ? "-P" : "--password-file", "password");
    s->username = copy(from_url.username, sizeof from_url.username, url->username);
    if (!s->username)
        return refuse_url(problem, "the user name is too long; give it with -u");
    if (!url->password.data)
        return true;
    if (!th_cli_secret_keep((char *)url->password.data, url->password.len_bytes))
        return refuse_url(problem, "the password is too long; give at most 4096 bytes");
    s->password = th_cli_secret();
    return true;
}

static bool merge_topic(struct th_cli_settings *s, const struct th_cli_url *url,
                        struct th_cli_problem *problem)
{
    if (!url->topic.len_bytes)
        return true;
    if (s->topics.count == TH_CLI_LIST_MAX)
        return refuse_url(problem, "one topic too many; give at most 64 of them");
    s->topics.items[s->topics.count++] = (const char *)url->topic.data;
    return true;
}

static bool merge_url(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    struct th_cli_url url;
    if (!s->url)
        return true;
    const char *wrong = th_cli_url_parse(&url, th_slice_text(s->url));
    if (wrong)
        return refuse_url(problem, wrong);
    return merge_host(s, &url, problem) && merge_topic(s, &url, problem) &&
           merge_credentials(s, &url, problem);
}

/* ---- who ---- */

static bool check_password(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    char *given = s->password_argument;
    if (given && s->password_file)
        return th_cli_problem(problem, "-P and --password-file: both give a password; give one");
    if (given && !th_cli_secret_keep(given, strlen(given)))
        return th_cli_problem(problem, "-P (hidden): too long; give at most 4096 bytes");
    if (given)
        s->password = th_cli_secret();
    bool any = s->password.data || s->password_file;
    if (any && !s->username && s->version == TH_MQTT_3_1_1)
        return th_cli_problem(problem, "%s: MQTT 3.1.1 has no password without a user name; "
                              "give -u, or -V mqttv5", given ? "-P" : "--password-file");
    return true;
}

static bool check_client(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    if (s->client_id && s->client_id_prefix)
        return th_cli_problem(problem, "-i and -I: both give the client id; give one");
    bool named = (s->client_id && *s->client_id) || s->client_id_prefix;
    if (s->persistent && !named)
        return th_cli_problem(problem, "-c: a session is kept under a client id; give one with -i");
    if (s->session_expiry_s > 0 && s->version != TH_MQTT_5)
        return th_cli_problem(problem, "-x: MQTT 3.1.1 has no session expiry; give -V mqttv5");
    if (s->session_expiry_s == TH_CLI_NEVER_EXPIRES && !named)
        return th_cli_problem(problem, "-x: a session that never ends needs a client id; give -i");
    return true;
}

/* ---- how ---- */

static const char *first_of_tls(const struct th_cli_settings *s)
{
    return s->cafile               ? "--cafile"
           : s->certificate        ? "--cert"
           : s->key                ? "--key"
           : s->tls_versions != TH_CLI_UNSET ? "--tls-version"
           : s->alpn               ? "--tls-alpn"
           : s->insecure           ? "--insecure"
           : s->insecure_no_verify ? "--insecure-no-verify"
                                   : NULL;
}

static bool check_plaintext(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    const char *option = s->no_tls ? first_of_tls(s) : NULL;
    if (!option)
        return true;
    return th_cli_problem(problem, "%s: there is no TLS with %s; leave one of them out", option,
                          s->url ? "mqtt://" : "--no-tls");
}

static bool check_tls(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    if (s->no_tls)
        return true;
    if (!s->certificate != !s->key)
        return th_cli_problem(problem, "%s: certificate and key come together; give %s too",
                              s->key ? "--key" : "--cert", s->key ? "--cert" : "--key");
    if (s->insecure && s->insecure_no_verify)
        return th_cli_problem(problem, "--insecure and --insecure-no-verify: give one of them");
    if (!s->cafile && !s->insecure_no_verify)
        return th_cli_problem(problem, "--cafile: TLS needs to know whom to trust; give the "
                              "certificate of the broker's authority, or --no-tls");
    return true;
}

/* ---- what ---- */

static bool check_text(const char *option, const char *text, struct th_cli_problem *problem)
{
    char shown[TH_CLI_SHOWN_BYTES];
    if (!text || th_mqtt_utf8_valid(th_slice_text(text)))
        return true;
    return th_cli_problem(problem, "%s %s: not UTF-8; write it in UTF-8", option,
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
    if (th_mqtt_topic_name_valid(th_slice_text(topic)))
        return true;
    return th_cli_problem(problem, "%s %s: not a topic to publish on; it is UTF-8 without + and #",
                          option, th_cli_show(topic, shown));
}

static bool check_filters(const char *option, const struct th_cli_list *list,
                          struct th_cli_problem *problem)
{
    char shown[TH_CLI_SHOWN_BYTES];
    for (uint32_t i = 0; i < list->count; i++)
        if (!th_mqtt_topic_filter_valid(th_slice_text(list->items[i])))
            return th_cli_problem(problem, "%s %s: not a topic filter; + stands for a whole level, "
                                  "# for the rest, at the end", option,
                                  th_cli_show(list->items[i], shown));
    return true;
}

static bool check_will(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    const char *option = s->will_payload                ? "--will-payload"
                         : s->will_qos != TH_CLI_UNSET ? "--will-qos"
                         : s->will_retain               ? "--will-retain"
                                                        : NULL;
    if (s->will_topic)
        return check_topic("--will-topic", s->will_topic, problem);
    if (option)
        return th_cli_problem(problem, "%s: a will needs a topic; give --will-topic", option);
    return true;
}

static int sources_given(const struct th_cli_settings *s)
{
    return (s->message != NULL) + (s->file != NULL) + s->lines + s->whole_input + s->null_message;
}

static bool check_pub(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    if (s->topics.count != 1)
        return th_cli_problem(problem, "-t: %s; give one topic to publish on",
                              s->topics.count ? "more than one topic" : "the topic is missing");
    if (sources_given(s) != 1)
        return th_cli_problem(problem, "-m, -f, -l, -s, -n: %s; give one of them",
                              sources_given(s) ? "more than one message" : "nothing to publish");
    return check_topic("-t", s->topics.items[0], problem);
}

static bool check_sub(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    if (s->topics.count == 0 && s->unsubscribe.count == 0)
        return th_cli_problem(problem, "-t: the topic is missing; give what to subscribe to");
    if (s->no_retained && s->retained_only)
        return th_cli_problem(problem, "-R and --retained-only: nothing would be printed; "
                              "give one");
    return check_filters("-t", &s->topics, problem) &&
           check_filters("-T", &s->filter_out, problem) &&
           check_filters("-U", &s->unsubscribe, problem);
}

static bool check_command(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    return s->command == TH_CLI_PUB ? check_pub(s, problem) : check_sub(s, problem);
}

static bool check(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    static bool (*const checks[])(struct th_cli_settings *, struct th_cli_problem *) = {
        check_plaintext, check_tls,  check_texts,  check_password,
        check_client,    check_will, check_command,
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (!checks[i](s, problem))
            return false;
    return true;
}

static bool wants_only_words(const struct th_cli_settings *s)
{
    return s->help || s->version_wanted;
}

static void preset_version(struct th_cli_settings *s)
{
    if (s->version == TH_CLI_UNSET)
        s->version = TH_MQTT_3_1_1;
}

bool th_cli_settings_read(struct th_cli_settings *s, int command, int argc, char *argv[],
                          struct th_cli_problem *problem)
{
    th_cli_settings_clear(s, command);
    if (!th_cli_options_parse(s, argc, argv, problem))
        return false;
    if (wants_only_words(s))
        return true;
    if (!merge_url(s, problem) || !th_cli_options_environment(s, problem))
        return false;
    preset_version(s);
    if (!check(s, problem))
        return false;
    th_cli_settings_default(s);
    return true;
}

#include "agent/plain.h"

#include "agent/queue.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/slice.h"
#include "cli/configure.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/identity.h"
#include "cli/lane.h"
#include "cli/piece.h"
#include "cli/say.h"
#include "cli/show.h"
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <thimble/topic.h>
#include <unistd.h>

#define MARK "tls-worked" /* in the directory of the spool */
#define MARK_AGAIN_MS 60000
#define PORT 1883
#define HOST_BYTES 254

TH_LANE_ARRAY(struct th_filter, plain_filters, TH_AGENT_FILTERS_MAX);

struct lane {
    const struct th_cli_settings *settings;
    struct th_client *client; /* NULL: there is no such endpoint, or not any more */
    bool is_watched;  /* whether TLS works */
    bool has_worked;  /* it did, and the mark is to be written */
    bool is_dialled;  /* for it did not */
    bool told;        /* that something came which is not allowed */
    uint64_t mark_ms; /* the mark is not written before: the last time failed */
    uint16_t ports[TH_CLI_BROKERS_MAX + 2];
    uint16_t port;
    char host[HOST_BYTES];
    char mark[TH_STORE_PATH_BYTES + sizeof "/" MARK];
};
TH_LANE(struct lane, plain);

static unsigned endpoints; /* of all connections */

/* ---- what may go ----------------------------------------------------------------------------- */

static unsigned levels(struct th_slice filter)
{
    unsigned count = 1;
    for (size_t i = 0; i < filter.len_bytes; i++)
        count += filter.data[i] == '/';
    return count;
}

static bool ends_in_all(struct th_slice filter)
{
    return filter.data[filter.len_bytes - 1] == '#';
}

/* As if `topic` were one: its + is selected by + and #, its # by a # that stands no deeper. */
static bool covers(struct th_slice filter, struct th_slice topic)
{
    return th_mqtt_topic_matches(filter, topic) &&
           (!ends_in_all(topic) || (ends_in_all(filter) && levels(filter) <= levels(topic)));
}

/* A topic, or all that a filter selects. */
static bool is_allowed(struct th_slice topic)
{
    const struct th_cli_list *list = &plain->settings->plain_topics;
    for (uint32_t i = 0; i < list->count; i++)
        if (covers(th_slice_text(list->items[i]), topic))
            return true;
    return false;
}

bool th_agent_plain_is_up(void)
{
    return plain->client && th_phase(plain->client) == TH_PHASE_UP;
}

struct th_client *th_agent_plain_carrier(struct th_slice topic, uint8_t qos)
{
    if (!plain->client)
        return th_cli_connection_client();
    return th_agent_plain_is_up() && qos < 2 && is_allowed(topic) ? plain->client : NULL;
}

/* ---- the mark -------------------------------------------------------------------------------- */

/* Only where there is certainly nothing, there is none. */
static bool is_marked(const struct th_cli_settings *s)
{
    struct stat about;
    int bytes = th_format(plain->mark, sizeof plain->mark, "%s/" MARK, s->spool);
    return bytes >= (int)sizeof plain->mark || lstat(plain->mark, &about) == 0 || errno != ENOENT;
}

static int write_mark(struct th_fault *fault)
{
    int at = th_store_directory(AT_FDCWD, plain->settings->spool, false, fault);
    if (at < 0)
        return at;
    int result = th_store_write(at, MARK, th_slice_text(plain->settings->host), fault);
    if (result == 0)
        result = th_store_sync(at, fault);
    close(at);
    return result;
}

/* If it cannot be written, this process goes by it all the same. */
static void mark(void)
{
    struct th_fault fault = {0};
    plain->mark_ms = th_clock_ms() + MARK_AGAIN_MS;
    plain->is_watched = write_mark(&fault) < 0;
    if (plain->is_watched)
        th_cli_warn("%s cannot be written, without which the next process may use the plain "
                    "endpoint: %s", plain->mark, fault.text);
}

/* ---- its connection -------------------------------------------------------------------------- */

static void subscribe(void)
{
    size_t wanted, count = 0;
    const struct th_filter *filters = th_agent_filters(&wanted);
    for (size_t i = 0; i < wanted; i++)
        if (is_allowed(filters[i].filter))
            plain_filters[count++] = filters[i];
    if (count)
        th_subscribe(plain->client, plain_filters, count, NULL);
}

static void on_event(void *arg, const struct th_event *event)
{
    (void)arg;
    if (event->kind == TH_EVENT_CONNECTED) {
        th_cli_warn("connected to %s:%u WITHOUT TLS", plain->host, plain->port);
        subscribe();
    }
    if (event->kind == TH_EVENT_DISCONNECTED && event->fault->code)
        th_cli_warn("without TLS: %s", event->fault->text);
    if (event->kind == TH_EVENT_PUBLISHED)
        th_agent_queue.event(event);
    else
        th_agent_queue_look_again(false);
}

static void on_delivery(void *arg, const struct th_delivery *piece)
{
    char shown[TH_CLI_SHOWN_BYTES];
    if (is_allowed(piece->topic)) {
        th_agent_deliver(arg, piece);
        return;
    }
    if (!plain->told)
        th_cli_warn("what came without TLS on %s is left out, and what else is not allowed there",
                    th_cli_show_slice(piece->topic, shown));
    plain->told = true;
}

static void configure(struct th_config *config, const struct th_cli_settings *s)
{
    th_cli_configure(config, s);
    config->host = plain->host;
    config->port = plain->port;
    config->insecure_plaintext = true;
    config->clean_start = true;
    config->server_name = config->websocket_path = config->username = NULL;
    config->password = (struct th_slice){0};
    config->will = (struct th_will){0};
    config->properties = (struct th_properties){0};
    config->authentication = 0;
    config->route = (struct th_route){.bind_address = s->bind_address,
                                      .bind_interface = s->bind_interface,
                                      .mark = (uint32_t)s->mark};
    config->on_event = on_event;
    config->on_delivery = on_delivery;
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool are_filters(const struct th_cli_settings *s)
{
    bool fit = true;
    for (uint32_t i = 0; i < s->plain_topics.count; i++)
        fit &= th_mqtt_topic_filter_valid(th_slice_text(s->plain_topics.items[i]));
    return fit;
}

static bool take_endpoint(const char *text)
{
    struct th_slice host;
    if (!th_cli_identity_endpoint(text, &host, &plain->port))
        return false;
    th_format(plain->host, HOST_BYTES, "%.*s", (int)host.len_bytes, (const char *)host.data);
    plain->port = plain->port ? plain->port : PORT;
    return true;
}

static void add_port(struct th_cli_settings *s)
{
    uint16_t *at = plain->ports;
    for (const uint16_t *port = s->ports; port && *port; port++)
        *at++ = *port;
    *at = plain->port;
    s->ports = plain->ports;
}

bool th_agent_plain_take(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    plain->settings = s;
    if (!s->plain_endpoint)
        return true;
    if (!are_filters(s) || !take_endpoint(s->plain_endpoint))
        return th_cli_problem(problem, "--insecure-plain: give HOST[:PORT], and filters with "
                              "--insecure-plain-topic");
    plain->is_watched = !is_marked(s);
    if (plain->is_watched)
        add_port(s);
    return true;
}

static int open_plain(const struct th_cli_settings *s)
{
    struct th_config config;
    struct th_fault fault = {0};
    size_t bytes;
    if (!s->plain_endpoint)
        return TH_CLI_OK;
    if (!plain->is_watched) {
        th_cli_say("%s is there: no connection without TLS", plain->mark);
        return TH_CLI_OK;
    }
    th_cli_warn("[insecure-plain] until TLS works, %s:%u gets messages WITHOUT TLS",
                plain->host, plain->port);
    configure(&config, s);
    void *block = th_cli_connection_spare(endpoints++, &bytes);
    int result = th_open(&plain->client, block, bytes, NULL, &config, &fault);
    return result == 0 ? TH_CLI_OK : th_cli_say_fault(&fault);
}

/* ---- TLS, and it ----------------------------------------------------------------------------- */

static void hear(const struct th_event *event)
{
    bool has_failed = event->kind == TH_EVENT_DISCONNECTED && event->fault->code;
    if (!plain->is_watched)
        return;
    plain->has_worked |= has_failed ? event->fault->phase > TH_PHASE_SHAKING
                                   : event->kind == TH_EVENT_CONNECTED;
    if (has_failed && !plain->has_worked && !plain->is_dialled && event->redial_in_ms >= 0)
        plain->is_dialled = th_connect(plain->client) == 0;
}

/* What goes out before it is closed is a DISCONNECT, if it can be. */
static void close_plain(void)
{
    if (!plain->client)
        return;
    th_disconnect(plain->client, 0, NULL);
    th_step(plain->client);
    th_close(plain->client);
    plain->client = NULL;
}

static bool turn_plain(void)
{
    plain->has_worked |= th_phase(th_cli_connection_client()) > TH_PHASE_SHAKING;
    if (plain->is_watched && plain->has_worked && th_clock_ms() >= plain->mark_ms) {
        close_plain();
        th_agent_queue_look_again(true);
        mark();
        return true;
    }
    if (plain->client && plain->is_dialled)
        th_step(plain->client);
    return false;
}

static nfds_t await(struct pollfd *fds, nfds_t room)
{
    if (!plain->client || !plain->is_dialled || !room)
        return 0;
    *fds = (struct pollfd){.fd = th_fd(plain->client), .events = th_poll_events(plain->client)};
    return 1;
}

static uint64_t until_ms(void)
{
    int wait_ms = plain->client && plain->is_dialled ? th_wait_ms(plain->client) : -1;
    return wait_ms < 0 ? TH_NEVER : th_clock_ms() + (uint64_t)wait_ms;
}

const struct th_agent_part th_agent_plain = {
    .open = open_plain,
    .event = hear,
    .turn = turn_plain,
    .await = await,
    .until_ms = until_ms,
    .close = close_plain,
};

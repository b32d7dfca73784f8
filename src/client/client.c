#include "client/client.h"

#include "base/clock.h"
#include "base/err.h"
#include "client/block.h"
#include "crypt/wipe.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define DEFAULT_TLS_PORT 8883
#define DEFAULT_PLAIN_PORT 1883
#define DEFAULT_FIRST_MS 1000
#define DEFAULT_MAX_MS 60000

/* ---- open ---------------------------------------------------------------------------------- */

size_t th_need_bytes(void)
{
    return th_block_round(sizeof(struct th_client)) + th_link_need_bytes() +
           TH_PACKET_WINDOW_BYTES + TH_OUTBOX_BYTES + TH_ALIAS_IN_BYTES + TH_PIECE_BYTES +
           TH_ALIAS_OUT_BYTES + TH_SESSION_ID_PAGES_BYTES;
}

static int check_config(const struct th_context *context, const struct th_config *config,
                        struct th_fault *fault)
{
    int result = th_link_check(config->host, &config->route, fault);
    if (result == 0 && config->websocket_path)
        result = th_ws_check_path(config->websocket_path, fault);
    if (result < 0)
        return result;
    if (!context && !config->insecure_plaintext)
        return th_fault_set(fault, TH_E_ARGUMENT, "TLS needs a context; plaintext must be chosen "
                            "by insecure_plaintext");
    if (config->version && (config->version < TH_MQTT_3_1 || config->version > TH_MQTT_5))
        return th_fault_set(fault, TH_E_ARGUMENT, "MQTT version %d is not known; 3 is 3.1, 4 is "
                            "3.1.1, 5 is 5.0", config->version);
    return 0;
}

static void fill_defaults(struct th_config *config)
{
    if (!config->port)
        config->port = config->insecure_plaintext ? DEFAULT_PLAIN_PORT : DEFAULT_TLS_PORT;
    if (!config->version)
        config->version = TH_MQTT_3_1_1;
    if (!config->deadlines.ack_ms)
        config->deadlines.ack_ms = TH_DEADLINE_DEFAULT_MS;
    if (!config->redial.first_ms)
        config->redial.first_ms = DEFAULT_FIRST_MS;
    if (!config->redial.max_ms)
        config->redial.max_ms = DEFAULT_MAX_MS;
}

static struct th_link_config link_config(const struct th_client *client,
                                         struct th_context *context)
{
    const struct th_config *config = &client->config;
    return (struct th_link_config){
        .host = config->host,
        .port = config->port,
        .server_name = config->server_name,
        .route = config->route,
        .websocket_path = config->websocket_path,
        .context = config->insecure_plaintext ? NULL : context,
        .deadlines = config->deadlines,
        .resumption = config->resumption,
        .socket_buffer_bytes = config->socket_buffer_bytes,
        .heap_budget_bytes = config->heap_budget_bytes,
        .stack_low = config->stack_low,
        .stack_bytes = config->stack_bytes,
        .log = config->log,
    };
}

static void open_link(struct th_client *client, struct th_context *context, uint8_t *memory)
{
    const struct th_link_config wanted = link_config(client, context);
    th_link_open(&client->link, memory, &wanted);
}

static size_t within_budget(size_t budget_bytes, size_t size_bytes)
{
    return budget_bytes && budget_bytes < size_bytes ? budget_bytes : size_bytes;
}

/* It is touched at both ends, the window at its beginning: that lies in the page of the end. */
static uint8_t *outbox_of(const struct th_client *client)
{
    return client->window.bytes - TH_OUTBOX_BYTES;
}

static int open_conversation(struct th_client *client, struct th_fault *fault)
{
    const struct th_config *config = &client->config;
    uint8_t *piece = client->window.bytes + TH_PACKET_WINDOW_BYTES;
    uint8_t *aliases = piece + TH_PIECE_BYTES;
    void *id_pages = aliases + TH_ALIAS_IN_BYTES + TH_ALIAS_OUT_BYTES;
    int greeting_bytes = th_session_greeting_bytes(config, fault);
    if (greeting_bytes < 0)
        return greeting_bytes;
    size_t outbox_bytes = within_budget(config->outbox_budget_bytes, TH_OUTBOX_BYTES);
    int result = th_outbox_open(&client->outbox, outbox_of(client), outbox_bytes,
                                (size_t)greeting_bytes, fault);
    if (result < 0)
        return result;
    th_outbox_lend_piece(&client->outbox, piece, TH_PIECE_BYTES);
    th_outbox_lend_aliases(&client->outbox, aliases + TH_ALIAS_IN_BYTES, TH_ALIAS_OUT_BYTES);
    th_session_open(&client->session, config, &client->outbox, id_pages, aliases,
                    TH_ALIAS_IN_BYTES);
    return 0;
}

static struct th_client *lay_out(void *block, struct th_context *context,
                                 const struct th_config *config)
{
    struct th_client *client = block;
    memset(client, 0, sizeof *client);
    client->config = *config;
    fill_defaults(&client->config);
    client->redial.due_ms = TH_NEVER;
    client->result = TH_E_NO_SOCKET;
    uint8_t *parts = (uint8_t *)block + th_block_round(sizeof *client);
    open_link(client, context, parts);
    th_fault_set(&client->link.fault, TH_E_NO_SOCKET, "th_connect() was not called");
    client->window.bytes = parts + th_link_need_bytes() + TH_OUTBOX_BYTES;
    client->window.size_bytes = within_budget(config->window_budget_bytes, TH_PACKET_WINDOW_BYTES);
    return client;
}

int th_open(struct th_client **client, void *block, size_t block_bytes,
            struct th_context *context, const struct th_config *config, struct th_fault *fault)
{
    *client = NULL;
    if (fault)
        memset(fault, 0, sizeof *fault);
    int result = check_config(context, config, fault);
    if (result == 0)
        result = th_block_check("client", block, block_bytes, th_need_bytes(), fault);
    if (result < 0)
        return result;
    struct th_client *opened = lay_out(block, context, config);
    result = open_conversation(opened, fault);
    if (result < 0)
        th_link_close(&opened->link);
    else
        *client = opened;
    return result;
}

/* ---- otherwise ------------------------------------------------------------------------------ */

/* The name of the broker, by which sessions are known, has moved. */
static bool is_same_broker(const struct th_client *client, const struct th_config *config)
{
    const struct th_config *before = &client->config;
    return before->port == config->port && !strcmp(before->host, config->host);
}

static void configure_link(struct th_client *client)
{
    struct th_link *link = &client->link;
    const struct th_resumption resumption = link->config.resumption;
    link->config = link_config(client, link->config.context);
    link->config.resumption = resumption;
    link->addresses.count = 0;
    if (!link->config.host || !*link->config.host)
        link->config.host = link->config.route.unix_path;
}

int th_reconfigure(struct th_client *client, const struct th_config *config)
{
    bool stays = is_same_broker(client, config);
    if (client->link.phase != TH_PHASE_RESTING)
        return TH_E_ARGUMENT;
    if (stays && client->session.home == client->config.host)
        client->session.home = config->host;
    client->config = *config;
    fill_defaults(&client->config);
    configure_link(client);
    if (!stays)
        th_link_hang_up(&client->link);
    return 0;
}

/* ---- stepping ------------------------------------------------------------------------------- */

static bool is_resting(const struct th_client *client)
{
    return client->link.phase == TH_PHASE_RESTING;
}

static int work(struct th_client *client)
{
    int result = is_resting(client) ? th_client_rest(client) : 0;
    if (result < 0 || is_resting(client))
        return result;
    bool called_off = client->leaving && client->link.phase < TH_PHASE_UP;
    return called_off ? TH_E_CLOSED : th_client_advance(client);
}

static void expire(struct th_client *client)
{
    if (!client->outbox.expiring)
        return;
    th_outbox_expire(&client->outbox, th_clock_ms());
    th_client_tell_refused(client);
}

int th_step(struct th_client *client)
{
    struct th_link_step_mark mark = th_link_step_begin(&client->link);
    client->more = false;
    expire(client);
    int result = work(client);
    if (result < 0 && !is_resting(client))
        th_client_end_attempt(client, result);
    th_client_settle(client);
    th_link_step_end(&client->link, mark);
    bool over = is_resting(client) && client->redial.due_ms == TH_NEVER;
    return over ? client->result : 0;
}

int th_fd(const struct th_client *client)
{
    return th_link_fd(&client->link);
}

/* Reading may have led to an answer: to a ping of WebSocket's, to TLS's wish for other keys. */
short th_poll_events(const struct th_client *client)
{
    if (client->link.phase < TH_PHASE_GREETING)
        return th_link_poll_events(&client->link);
    short events = client->answer_waits || th_link_in_line(&client->link) ? 0 : POLLIN;
    bool wants_write = client->wants_write || th_link_poll_events(&client->link) & POLLOUT;
    return wants_write ? events | POLLOUT : events;
}

static uint64_t settle_ms(const struct th_client *client)
{
    return TH_SETTLE_MS ? client->settling.due_ms : TH_NEVER;
}

int th_wait_ms(const struct th_client *client)
{
    if (client->more)
        return 0;
    uint64_t now_ms = th_clock_ms();
    if (client->link.phase == TH_PHASE_RESTING)
        return th_clock_wait_ms(client->redial.due_ms, now_ms);
    int link_ms = th_link_wait_ms(&client->link);
    if (client->link.phase != TH_PHASE_UP || th_link_in_line(&client->link))
        return link_ms;
    uint64_t due_ms = th_clock_earlier(th_session_deadline_ms(&client->session), settle_ms(client));
    return th_clock_shorter_ms(th_clock_wait_ms(due_ms, now_ms), link_ms);
}

static int shorter(int a_ms, int b_ms)
{
    if (a_ms < 0 || b_ms < 0)
        return a_ms < 0 ? b_ms : a_ms;
    return a_ms < b_ms ? a_ms : b_ms;
}

int th_run(struct th_client *client, int timeout_ms)
{
    int result = th_step(client);
    if (result < 0)
        return result;
    struct pollfd awaited = {.fd = th_fd(client), .events = th_poll_events(client)};
    if (poll(&awaited, 1, shorter(th_wait_ms(client), timeout_ms)) < 0 && errno != EINTR)
        return th_fault_set_errno(&client->link.fault, TH_E_SYSTEM, "poll failed");
    return th_step(client);
}

/* ---- asking --------------------------------------------------------------------------------- */

enum th_phase th_phase(const struct th_client *client)
{
    return client->link.phase;
}

const struct th_fault *th_fault(const struct th_client *client)
{
    return &client->link.fault;
}

size_t th_pending(const struct th_client *client)
{
    return th_outbox_pending(&client->outbox);
}

size_t th_unreleased(const struct th_client *client)
{
    return client->session.received.ids.count;
}

bool th_room_for(const struct th_client *client, size_t message_bytes)
{
    return th_session_room_for(&client->session, message_bytes);
}

/* ---- requesting ----------------------------------------------------------------------------- */

/* A request that fails is the caller's, not the connection's: it has a fault of its own, which
 * cannot hide what ends the connection later. */
static struct th_fault *fresh_request(struct th_client *client)
{
    client->request_fault.phase = client->link.phase;
    if (client->request_fault.code)
        th_fault_clear(&client->request_fault);
    return &client->request_fault;
}

static int requested(struct th_client *client, int result)
{
    if (result >= 0)
        client->more = true;
    return result;
}

const struct th_fault *th_request_fault(const struct th_client *client)
{
    return &client->request_fault;
}

int th_connect(struct th_client *client)
{
    struct th_fault *fault = fresh_request(client);
    if (!is_resting(client))
        return th_fault_set(fault, TH_E_ARGUMENT, "a connection is under way");
    client->leaving = false;
    client->redial.failures = 0;
    client->redial.due_ms = th_clock_ms() + th_client_delay_ms(client);
    return 0;
}

int th_publish(struct th_client *client, const struct th_message *message)
{
    int packet_id = th_session_publish(&client->session, message, fresh_request(client));
    if (packet_id > 0 && message->qos == 1 && !client->puback.packet_id)
        client->puback.packet_id = (uint16_t)packet_id;
    return requested(client, packet_id);
}

void th_release(struct th_client *client)
{
    th_outbox_let_go(&client->outbox);
    client->more = true;
}

bool th_withdraw(struct th_client *client, const void *source_arg)
{
    return th_outbox_withdraw(&client->outbox, source_arg);
}

int th_subscribe(struct th_client *client, const struct th_filter *filters, size_t count,
                 const struct th_properties *properties)
{
    return requested(client, th_session_subscribe(&client->session, filters, count, properties,
                                                  fresh_request(client)));
}

int th_unsubscribe(struct th_client *client, const struct th_slice *filters, size_t count,
                   const struct th_properties *properties)
{
    return requested(client, th_session_unsubscribe(&client->session, filters, count, properties,
                                                    fresh_request(client)));
}

/* ---- ending --------------------------------------------------------------------------------- */

int th_disconnect(struct th_client *client, uint8_t reason,
                  const struct th_properties *properties)
{
    struct th_fault *fault = fresh_request(client);
    int result = 0;
    if (client->link.phase == TH_PHASE_UP && !client->leaving)
        result = th_session_farewell(&client->session, reason, properties, fault);
    client->leaving |= result == 0;
    return requested(client, result);
}

static void wipe(struct th_client *client)
{
    th_crypt_wipe(outbox_of(client), TH_OUTBOX_BYTES + TH_PACKET_WINDOW_BYTES);
    th_crypt_wipe(client->outbox.piece.memory, client->outbox.piece.peak_bytes);
    th_crypt_wipe(client->outbox.aliases.memory, client->outbox.aliases.used_bytes);
    th_crypt_wipe(client->session.aliases.memory, client->session.aliases.used_bytes);
    th_crypt_wipe(client, sizeof *client);
}

void th_close(struct th_client *client)
{
    if (!client)
        return;
    struct th_link_step_mark mark = th_link_step_begin(&client->link);
    th_link_hang_up(&client->link);
    th_link_step_end(&client->link, mark);
    th_link_close(&client->link);
    wipe(client);
}

#include "client/link.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "crypt/wipe.h"
#include "tls/image.h"

#include <poll.h>
#include <string.h>

#define REPEATS_MAX 3 /* of a handshake, each for another reason */

static bool is_plain(const struct th_link *link)
{
    return !link->config.context;
}

/* ---- bytes for TLS ------------------------------------------------------------------------- */

static int tls_bytes_read(void *arg, uint8_t *buffer, size_t bytes)
{
    struct th_link *link = arg;
    return TH_LEASES ? th_link_lease_read(link, buffer, bytes)
                     : th_net_wire_read(&link->wire, buffer, bytes);
}

static int wire_write(struct th_net_wire *wire, const uint8_t *data, size_t bytes)
{
    int taken = th_net_wire_write(wire, data, bytes);
    if (taken != TH_WANT_WRITE)
        return taken;
    int flushed = th_net_wire_flush(wire);
    return flushed < 0 ? flushed : th_net_wire_write(wire, data, bytes);
}

static int tls_bytes_write(void *arg, const uint8_t *data, size_t bytes)
{
    struct th_link *link = arg;
    return wire_write(&link->wire, data, bytes);
}

/* ---- bytes for WebSocket -------------------------------------------------------------------- */

static int carried_read(void *arg, uint8_t *buffer, size_t bytes)
{
    struct th_link *link = arg;
    return is_plain(link) ? th_net_wire_read(&link->wire, buffer, bytes)
                          : th_tls_stream_read(&link->tls, buffer, bytes);
}

static int carried_write(void *arg, const uint8_t *data, size_t bytes)
{
    struct th_link *link = arg;
    return is_plain(link) ? wire_write(&link->wire, data, bytes)
                          : th_tls_stream_write(&link->tls, data, bytes);
}

static struct th_stack *stack_of(const struct th_link *link)
{
    return th_stack_of_thread(link->config.stack_low, link->config.stack_bytes);
}

static void credit_stack(struct th_link *link)
{
    th_stack_credit(stack_of(link), &link->payer.ledger.phases[link->phase].stack_peak_bytes);
}

void th_link_settle_stack(const struct th_link *link)
{
    th_stack_settle(stack_of(link));
}

/* ---- open ---------------------------------------------------------------------------------- */

/* In the order of their addresses: TCP cell, record cell, heap. Where pages of buffers go back the
 * heap comes first: the buffers then lie together. */
enum {
    HEAP_FIRST = TH_LEASES || TH_SETTLE_MS,
    TCP_CELL_AT = HEAP_FIRST ? TH_TLS_HEAP_BYTES : 0,
    HEAP_AT = HEAP_FIRST ? 0 : TH_TCP_CELL_BYTES + TH_OWN_CELL_BYTES,
};

size_t th_link_need_bytes(void)
{
    return TH_TCP_CELL_BYTES + TH_OWN_CELL_BYTES + TH_TLS_HEAP_BYTES;
}

static void open_payer(struct th_link *link, uint8_t *memory)
{
    struct th_context *context = link->config.context;
    const struct th_payer_config config = {
        .name = "TLS heap",
        .heap = memory + HEAP_AT,
        .heap_bytes = TH_TLS_HEAP_BYTES,
        .cell = TH_LEASES ? NULL : memory + TCP_CELL_AT + TH_TCP_CELL_BYTES,
        .cell_bytes = TH_OWN_CELL_BYTES,
        .annex_bytes = TH_HANDSHAKE_HEAP_BYTES,
        .budget_bytes = link->config.heap_budget_bytes,
        .shared = context ? &context->payer : NULL,
    };
    th_payer_open(&link->payer, &config);
}

void th_link_open(struct th_link *link, void *memory, const struct th_link_config *config)
{
    memset(link, 0, sizeof *link);
    link->config = *config;
    if (!link->config.host || !*link->config.host)
        link->config.host = config->route.unix_path;
    link->dialing_fd = -1;
    link->wire.fd = -1;
    link->deadline_ms = TH_NEVER;
    link->tcp_cell = (uint8_t *)memory + TCP_CELL_AT;
    open_payer(link, memory);
    link->clock.phase_began_us = th_clock_us();
}

void th_link_close(struct th_link *link)
{
    th_link_hang_up(link);
    th_stack_credit(stack_of(link), NULL);
    th_payer_close(&link->payer);
    th_crypt_wipe(link->tcp_cell, TH_TCP_CELL_BYTES);
}

/* ---- the phase ------------------------------------------------------------------------------ */

uint32_t th_link_allowed_ms(const struct th_link *link, enum th_phase phase)
{
    const struct th_deadlines *deadlines = &link->config.deadlines;
    const uint32_t allowed_ms[TH_PHASES] = {
        [TH_PHASE_FINDING] = deadlines->lookup_ms,
        [TH_PHASE_DIALING] = deadlines->tcp_ms,
        [TH_PHASE_SHAKING] = deadlines->tls_ms,
        [TH_PHASE_GREETING] = deadlines->connack_ms,
        [TH_PHASE_UP] = deadlines->ack_ms,
        [TH_PHASE_CLOSING] = deadlines->ack_ms,
    };
    return allowed_ms[phase] ? allowed_ms[phase] : TH_DEADLINE_DEFAULT_MS;
}

static bool has_deadline(enum th_phase phase)
{
    return phase != TH_PHASE_RESTING && phase != TH_PHASE_UP;
}

static void clock_phase(struct th_link *link)
{
    uint64_t now_us = th_clock_us();
    uint64_t spent_us = now_us - link->clock.phase_began_us;
    link->clock.phase_us[link->phase] += spent_us;
    link->clock.attempt_us[link->phase] += spent_us;
    link->clock.phase_began_us = now_us;
}

/* The handshake needs the whole stack and most of the heap; afterwards their pages go back. */
static void settle_memory(struct th_link *link)
{
    if (link->phase == TH_PHASE_SHAKING)
        th_stack_brace(stack_of(link));
    if (link->phase != TH_PHASE_UP)
        return;
    th_stack_relax(stack_of(link));
    th_payer_trim(&link->payer);
}

void th_link_enter(struct th_link *link, enum th_phase phase)
{
    bool is_new = phase != link->phase;
    clock_phase(link);
    link->phase = phase;
    link->clock.shook |= phase == TH_PHASE_SHAKING;
    if (!link->fault.code)
        link->fault.phase = phase;
    link->deadline_ms = has_deadline(phase)
        ? th_clock_ms() + th_link_allowed_ms(link, phase) : TH_NEVER;
    th_ledger_enter_phase(&link->payer.ledger, phase);
    credit_stack(link);
    settle_memory(link);
    if (is_new)
        th_log(&link->config.log, TH_LOG_DEBUG, "%s: %s", link->config.host,
               th_phase_name(phase));
}

static const char *awaited(const struct th_link *link)
{
    static const char of_phases[] = /* in their order */
        "\0"
        "no answer to the name lookup\0"
        "no TCP connection\0"
        "the TLS handshake was not completed\0"
        "no CONNACK from the broker\0"
        "\0"
        "the connection could not be closed in order";
    _Static_assert(TH_PHASE_CLOSING == 6, "one for each phase");
    bool of_proxy = link->phase == TH_PHASE_DIALING && link->socks.proxy;
    bool of_upgrade = link->phase == TH_PHASE_SHAKING && link->ws.cell;
    if (of_proxy)
        return "no answer from the proxy";
    return of_upgrade ? "no answer to the WebSocket upgrade"
                      : th_text_nth(of_phases, link->phase);
}

int th_link_overdue(struct th_link *link)
{
    int kept_too_long = th_link_lease_overdue(link);
    if (kept_too_long < 0 || th_link_in_line(link))
        return kept_too_long;
    if (link->deadline_ms == TH_NEVER || th_clock_ms() < link->deadline_ms)
        return 0;
    return th_fault_set(&link->fault, TH_E_TIMEOUT, "%s:%u: %s within %u ms", link->config.host,
                        link->port, awaited(link),
                        (unsigned)th_link_allowed_ms(link, link->phase));
}

/* ---- steps ---------------------------------------------------------------------------------- */

int th_link_await(struct th_link *link, int result)
{
    link->poll_events = result == TH_WANT_WRITE ? POLLOUT : POLLIN;
    return result;
}

int th_link_begin(struct th_link *link)
{
    th_fault_clear(&link->fault);
    memset(link->clock.attempt_us, 0, sizeof link->clock.attempt_us);
    link->attempts++;
    link->repeats = 0;
    th_link_enter(link, TH_PHASE_FINDING);
    return th_link_find(link);
}

const char *th_link_broker_name(const struct th_link *link)
{
    return link->config.server_name ? link->config.server_name : link->config.host;
}

static struct th_tls_endpoint endpoint(const struct th_link *link)
{
    return (struct th_tls_endpoint){link->config.host, link->port};
}

static void hold_session(struct th_link *link, size_t used_bytes)
{
    struct th_resumption *resumption = &link->config.resumption;
    resumption->used_bytes = used_bytes;
    resumption->changed(resumption->arg, used_bytes);
}

/* Whichever is offered, the other is of the same connection: both are used up. */
static void offer_session(struct th_link *link)
{
    struct th_resumption *kept = &link->config.resumption;
    th_tls_session_offer(&link->session, &link->tls);
    link->handed_out = false;
    if (!kept->used_bytes)
        return;
    struct th_slice image = {kept->room, kept->used_bytes};
    struct th_tls_endpoint there = endpoint(link);
    if (!link->tls.offered && !th_tls_image_offer(&link->tls, &there, image))
        th_log(&link->config.log, TH_LOG_WARNING, "the session that was kept is damaged, too old, "
               "or of another broker or identity: it is not used");
    hold_session(link, 0);
}

/* As soon as there is one: nobody knows how this process will end. */
static void hand_session_out(struct th_link *link)
{
    const struct th_resumption *kept = &link->config.resumption;
    struct th_tls_endpoint there = endpoint(link);
    if (!kept->room || link->handed_out || !th_tls_session_is_worth_keeping(&link->tls))
        return;
    link->handed_out = true;
    hold_session(link, th_tls_image_write(&link->tls, &there, kept->room, kept->room_bytes));
}

static int open_tls(struct th_link *link)
{
    const struct th_tls_io io = {tls_bytes_read, tls_bytes_write, link};
    int result = th_tls_stream_open(&link->tls, link->config.context->tls,
                                    th_link_broker_name(link), &io, &link->fault);
    if (result == 0)
        offer_session(link);
    return result;
}

static size_t ws_cell_bytes(const struct th_link *link)
{
    return link->config.websocket_path ? TH_WEBSOCKET_CELL_BYTES : 0;
}

/* The path of a Unix socket is no host. */
static int open_ws(struct th_link *link)
{
    const char *name = th_link_broker_name(link);
    const struct th_ws_target target = {
        .host = th_net_lookup_check(name, NULL) < 0 ? "localhost" : name,
        .port = link->port,
        .path = link->config.websocket_path,
    };
    const struct th_ws_io io = {carried_read, carried_write, link};
    return th_ws_open(&link->ws, link->tcp_cell + TH_TCP_CELL_BYTES - ws_cell_bytes(link),
                      ws_cell_bytes(link), &target, &io, &link->fault);
}

static int begin_shaking(struct th_link *link)
{
    th_net_wire_open(&link->wire, link->dialing_fd, link->tcp_cell,
                     TH_TCP_CELL_BYTES - ws_cell_bytes(link), TH_TCP_READ_BYTES, &link->fault);
    link->dialing_fd = -1;
    th_link_enter(link, TH_PHASE_SHAKING);
    return is_plain(link) ? 0 : open_tls(link);
}

static int step_dialing(struct th_link *link)
{
    int result = th_link_has_dialed(link) ? 1 : th_link_step_dialing(link);
    if (result <= 0)
        return result;
    return th_link_lease_handshake(link) ? begin_shaking(link) : TH_WANT_READ;
}

static void keep_facts(struct th_link *link)
{
    struct th_tls_facts facts;
    th_tls_stream_facts(&link->tls, &facts);
    strncpy(link->facts.version, facts.version, sizeof link->facts.version - 1);
    strncpy(link->facts.cipher_suite, facts.suite, sizeof link->facts.cipher_suite - 1);
    strncpy(link->facts.group, facts.group, sizeof link->facts.group - 1);
    strncpy(link->facts.alpn, facts.alpn, sizeof link->facts.alpn - 1);
    link->facts.resumed = facts.resumed;
}

static int shake_tls(struct th_link *link)
{
    if (is_plain(link) || link->tls.shaken)
        return 0;
    int result = th_tls_stream_shake(&link->tls);
    if (result == 0)
        keep_facts(link);
    return result;
}

static int shake_ws(struct th_link *link)
{
    if (!link->config.websocket_path)
        return 0;
    int result = link->ws.cell ? 0 : open_ws(link);
    return result < 0 ? result : th_ws_shake(&link->ws);
}

static void add_socket_figures(struct th_report_socket *figures, const struct th_net_wire *wire)
{
    struct th_net_kernel_bytes kernel = th_net_kernel_bytes(wire->fd);
    figures->receive_buffer_bytes = (uint32_t)kernel.receive;
    figures->send_buffer_bytes = (uint32_t)kernel.send;
    figures->read_bytes += wire->bytes_in;
    figures->written_bytes += wire->bytes_out;
    figures->read_calls += (uint32_t)wire->calls_in;
    figures->write_calls += (uint32_t)wire->calls_out;
}

static uint32_t wire_peak_bytes(const struct th_net_wire *wire)
{
    return wire->in_peak_bytes + wire->out_peak_bytes;
}

uint32_t th_link_tcp_cell_peak_bytes(const struct th_link *link)
{
    uint32_t now_bytes = wire_peak_bytes(&link->wire);
    return now_bytes > link->tcp_cell_peak_bytes ? now_bytes : link->tcp_cell_peak_bytes;
}

static void close_tls(struct th_link *link)
{
    th_tls_stream_close(&link->tls);
    th_link_lease_end(link);
}

static void close_wire(struct th_link *link)
{
    if (link->wire.fd < 0)
        return;
    link->tcp_cell_peak_bytes = th_link_tcp_cell_peak_bytes(link);
    add_socket_figures(&link->socket, &link->wire);
    th_net_wire_close(&link->wire);
    memset(&link->wire, 0, sizeof link->wire);
    memset(&link->ws, 0, sizeof link->ws);
    link->wire.fd = -1;
}

/* With the same address, and within the same attempt. */
static int shake_again(struct th_link *link)
{
    th_log(&link->config.log, TH_LOG_INFO, "%s; %s", link->fault.text, link->tls.again);
    close_tls(link);
    close_wire(link);
    th_fault_clear(&link->fault);
    th_link_dial_again(link);
    return 0;
}

static int step_shaking(struct th_link *link)
{
    int result = shake_tls(link);
    if (result == 0)
        result = shake_ws(link);
    int flushed = th_net_wire_flush(&link->wire);
    if (th_is_wait(result))
        return th_link_await(link, flushed == TH_WANT_WRITE ? TH_WANT_WRITE : result);
    bool again = result < 0 && link->tls.again && link->repeats++ < REPEATS_MAX;
    return again ? shake_again(link) : result;
}

static int step_once(struct th_link *link)
{
    switch (link->phase) {
    case TH_PHASE_FINDING:
        return th_link_step_finding(link);
    case TH_PHASE_DIALING:
        return step_dialing(link);
    default:
        return step_shaking(link);
    }
}

int th_link_step(struct th_link *link)
{
    for (;;) {
        enum th_phase before = link->phase;
        int result = step_once(link);
        if (result < 0)
            return result;
        if (before == TH_PHASE_SHAKING && link->phase == before)
            return 0;
    }
}

/* ---- bytes ---------------------------------------------------------------------------------- */

int th_link_read(struct th_link *link, uint8_t *buffer, size_t bytes)
{
    return link->ws.open ? th_ws_read(&link->ws, buffer, bytes) : carried_read(link, buffer, bytes);
}

int th_link_write(struct th_link *link, const uint8_t *data, size_t bytes)
{
    return link->ws.open ? th_ws_write(&link->ws, data, bytes) : carried_write(link, data, bytes);
}

int th_link_flush(struct th_link *link)
{
    int result = link->ws.open ? th_ws_flush(&link->ws) : 0;
    int flushed = th_net_wire_flush(&link->wire);
    return result < 0 ? result : flushed;
}

int th_link_finish(struct th_link *link)
{
    int result = link->ws.open ? th_ws_finish(&link->ws) : 0;
    if (result == 0 && !is_plain(link))
        result = th_tls_stream_finish(&link->tls);
    if (result == 0)
        result = th_link_flush(link);
    if (result == 0)
        th_net_wire_finish(&link->wire);
    return result;
}

/* ---- the end of an attempt ------------------------------------------------------------------- */

static void end(struct th_link *link)
{
    hand_session_out(link);
    th_net_lookup_end(&link->lookup);
    th_link_stop_dialing(link);
    close_tls(link);
    close_wire(link);
    th_link_enter(link, TH_PHASE_RESTING);
}

void th_link_break_off(struct th_link *link)
{
    th_tls_session_keep(&link->session, &link->tls);
    end(link);
}

void th_link_hang_up(struct th_link *link)
{
    struct th_payer *before = th_payer_enter(&link->payer);
    th_tls_session_forget(&link->session);
    th_payer_leave(before);
    end(link);
}

struct th_report_socket th_link_socket_figures(const struct th_link *link)
{
    struct th_report_socket figures = link->socket;
    if (link->wire.fd >= 0)
        add_socket_figures(&figures, &link->wire);
    return figures;
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* In line it is not told what the peer does, not even that it has gone: poll(2) would return at
 * once. */
static bool ignores_peer(const struct th_link *link)
{
    return th_link_in_line(link) && !th_net_wire_pending_out(&link->wire);
}

int th_link_fd(const struct th_link *link)
{
    if (ignores_peer(link))
        return -1;
    if (link->phase == TH_PHASE_FINDING)
        return th_net_lookup_fd(&link->lookup);
    return link->dialing_fd >= 0 ? link->dialing_fd : link->wire.fd;
}

/* Connected: always ready to read; to write while bytes wait for the socket. */
short th_link_poll_events(const struct th_link *link)
{
    if (link->phase < TH_PHASE_GREETING)
        return link->poll_events;
    short events = th_link_in_line(link) ? 0 : POLLIN;
    return th_net_wire_pending_out(&link->wire) ? events | POLLOUT : events;
}

int th_link_wait_ms(const struct th_link *link)
{
    uint64_t now_ms = th_clock_ms();
    if (th_link_in_line(link))
        return th_link_lease_wait_ms(link);
    int wait_ms = th_clock_shorter_ms(th_clock_wait_ms(link->deadline_ms, now_ms),
                                      th_link_lease_wait_ms(link));
    if (link->phase == TH_PHASE_FINDING)
        return th_clock_shorter_ms(wait_ms, th_net_lookup_wait_ms(&link->lookup, now_ms));
    if (link->phase == TH_PHASE_DIALING)
        return th_clock_shorter_ms(wait_ms, th_clock_wait_ms(link->address_until_ms, now_ms));
    return wait_ms;
}

/* ---- accounting of a step ------------------------------------------------------------------- */

struct th_link_step_mark th_link_step_begin(struct th_link *link)
{
    credit_stack(link);
    th_net_wire_begin_turn(&link->wire);
    link->clock.callbacks_us = 0;
    link->clock.shook = link->phase == TH_PHASE_SHAKING;
    return (struct th_link_step_mark){th_payer_enter(&link->payer), th_clock_us()};
}

void th_link_step_end(struct th_link *link, struct th_link_step_mark mark)
{
    uint64_t took_us = th_clock_us() - mark.began_us - link->clock.callbacks_us;
    th_link_lease_settle(link);
    hand_session_out(link);
    if (!link->clock.shook && took_us > link->clock.longest_step_us)
        link->clock.longest_step_us = took_us;
    th_payer_leave(mark.payer);
}

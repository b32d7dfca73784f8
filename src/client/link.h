/* One connection's bytes: name, address, TCP, TLS and WebSocket, without a word of MQTT. th_client
 * and th_tls both stand on it. It owns the phase, its deadline, the fault and who pays.
 *
 *     route.c     FINDING and DIALING: from a host to a connected socket
 *     lease.c     what it has only for a time
 *     link.c      the rest
 */
#ifndef TH_CLIENT_LINK_H
#define TH_CLIENT_LINK_H

#include "client/context.h"
#include "client/lease.h"
#include "mem/payer.h"
#include "mem/stack.h"
#include "net/lookup.h"
#include "net/socket.h"
#include "net/socks.h"
#include "net/wire.h"
#include "tls/session.h"
#include "tls/stream.h"
#include "ws/stream.h"
#include <thimble.h>
#include <thimble/report.h>

#define TH_DEADLINE_DEFAULT_MS 30000

/* What th_link_open() wants to know; kept by reference until close. */
struct th_link_config {
    const char *host;           /* NULL: the path of the Unix socket */
    uint16_t port;
    const char *server_name;    /* as in th_config */
    struct th_route route;
    const char *websocket_path; /* NULL: none */
    struct th_context *context; /* NULL: plaintext */
    struct th_deadlines deadlines;
    struct th_resumption resumption;
    int socket_buffer_bytes;    /* as in th_config */
    size_t heap_budget_bytes;
    void *stack_low;
    size_t stack_bytes;
    struct th_log log;
};

/* Times are monotonic microseconds. */
struct th_link_clock {
    uint64_t phase_began_us;
    uint64_t phase_us[TH_PHASES];   /* spent in each, all attempts */
    uint64_t attempt_us[TH_PHASES]; /* spent in each, this attempt */
    uint64_t longest_step_us;       /* outside handshake arithmetic and callbacks */
    uint64_t callbacks_us;          /* spent in the application, this step */
    bool shook;                     /* this step did handshake arithmetic */
};

struct th_link {
    struct th_link_config config;
    enum th_phase phase;
    uint64_t deadline_ms; /* of the phase */
    short poll_events;

    struct th_net_lookup lookup;
    struct th_net_addresses addresses;
    bool finds_services;       /* the lookup is for SRV records */
    uint16_t port;             /* the broker's */
    struct th_net_address bind; /* ours; family 0: any */
    size_t address_next;       /* index of the one to dial after this */
    uint64_t address_until_ms; /* when this one has had its share of the deadline */
    int dialing_fd;            /* or the error of the dial */
    struct th_net_socks socks; /* proxy NULL: not begun */
    struct th_net_wire wire;
    struct th_tls_stream tls;
    struct th_tls_session session; /* of the connection that broke, for the next one */
    bool handed_out;               /* config.resumption holds this connection's */
    struct th_ws ws;
    struct th_link_leases leases;

    struct th_fault fault;
    struct th_payer payer;
    struct th_link_clock clock;
    uint32_t attempts;
    uint8_t repeats; /* of the handshake, in this attempt */
    struct th_report_tls facts;     /* of the last handshake */
    struct th_report_socket socket; /* of the connections that are over */

    uint8_t *tcp_cell;
    uint32_t tcp_cell_peak_bytes; /* of the connections that are over */
};

/* Bytes of the TCP cell, record cell (unless it is leased) and TLS heap behind a link. */
size_t th_link_need_bytes(void);

/* 0, or TH_E_ARGUMENT: what cannot be, whatever the network says. */
int th_link_check(const char *host, const struct th_route *route, struct th_fault *fault);

/* `memory` has th_link_need_bytes(), aligned to 16. */
void th_link_open(struct th_link *link, void *memory, const struct th_link_config *config);

/* Hangs up and wipes the memory. */
void th_link_close(struct th_link *link);

/* Begins an attempt: the phase becomes FINDING. */
int th_link_begin(struct th_link *link);

/* Carries FINDING, DIALING and SHAKING on. 0: bytes can flow, the phase is the caller's to choose.
 * TH_WANT_*: poll. An error leaves the link for th_link_hang_up(). */
int th_link_step(struct th_link *link);

/* The one writer of the phase: ledger, stack and clock learn of it, the deadline is set, a line is
 * logged. A fault keeps the phase it happened in. */
void th_link_enter(struct th_link *link, enum th_phase phase);

/* Bytes moved, TH_WANT_*, or an error; in the clear or through TLS, in WebSocket or not. */
int th_link_read(struct th_link *link, uint8_t *buffer, size_t bytes);
int th_link_write(struct th_link *link, const uint8_t *data, size_t bytes);

/* 0: everything written is in the kernel. */
int th_link_flush(struct th_link *link);

/* WebSocket's close frame, close_notify, then the end of our half. 0: sent, TH_WANT_WRITE, or an
 * error. */
int th_link_finish(struct th_link *link);

/* Ends the attempt at any moment and gives back what TLS holds. The phase becomes RESTING. What is
 * broken off keeps its session, so that the next attempt may take it up again. */
void th_link_hang_up(struct th_link *link);
void th_link_break_off(struct th_link *link);

/* TH_E_TIMEOUT, with its sentence, once the deadline of the phase has passed; else 0. */
int th_link_overdue(struct th_link *link);

int th_link_fd(const struct th_link *link);
short th_link_poll_events(const struct th_link *link);
int th_link_wait_ms(const struct th_link *link); /* for lookup, dialing and the deadline */

/* Around everything that may allocate or use much stack: who pays, whose stack it is, how long it
 * took. Steps do not nest. */
struct th_link_step_mark {
    struct th_payer *payer;
    uint64_t began_us;
};

struct th_link_step_mark th_link_step_begin(struct th_link *link);
void th_link_step_end(struct th_link *link, struct th_link_step_mark mark);

/* Milliseconds a phase may take. */
uint32_t th_link_allowed_ms(const struct th_link *link, enum th_phase phase);

/* Who must be named in the certificate. */
const char *th_link_broker_name(const struct th_link *link);

/* For the report. */
void th_link_settle_stack(const struct th_link *link);
struct th_report_socket th_link_socket_figures(const struct th_link *link);
uint32_t th_link_tcp_cell_peak_bytes(const struct th_link *link);

void th_link_report(const struct th_link *link, struct th_report *report);

static inline uint32_t th_clipped(uint64_t number)
{
    return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

/* ---- between link.c and route.c -------------------------------------------------------------- */

/* Keeps what to poll for and returns `result`. */
int th_link_await(struct th_link *link, int result);

int th_link_find(struct th_link *link); /* 0: FINDING can be carried on, or an error */

/* 0: go on with the phase that is now. TH_WANT_*: poll. Or an error. */
int th_link_step_finding(struct th_link *link);

/* The same; 1: dialing_fd is connected. */
int th_link_step_dialing(struct th_link *link);

void th_link_stop_dialing(struct th_link *link);

/* The address that was dialed last, once more. */
void th_link_dial_again(struct th_link *link);

#endif

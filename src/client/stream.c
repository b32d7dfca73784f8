/* The plain TLS stream of thimble.h: a link and nothing on it. */
#include "base/err.h"
#include "client/block.h"
#include "client/link.h"

#include <poll.h>
#include <string.h>
#include <thimble/report.h>

struct th_tls {
    struct th_link link;
};

size_t th_tls_need_bytes(void)
{
    return th_block_round(sizeof(struct th_tls)) + th_link_need_bytes();
}

static int check_arguments(void *block, size_t block_bytes, struct th_context *context,
                           const struct th_tls_config *config, struct th_fault *fault)
{
    bool has_port = config->port || config->route.unix_path || config->route.srv;
    if (!context || !has_port)
        return th_fault_set(fault, TH_E_ARGUMENT, "a TLS stream needs context, host and port");
    int result = th_link_check(config->host, &config->route, fault);
    if (result < 0)
        return result;
    return th_block_check("TLS stream", block, block_bytes, th_tls_need_bytes(), fault);
}

static struct th_tls *prepare(void *block, struct th_context *context,
                              const struct th_tls_config *config)
{
    const struct th_link_config wanted = {
        .host = config->host,
        .port = config->port,
        .server_name = config->server_name,
        .route = config->route,
        .context = context,
        .deadlines = config->deadlines,
        .heap_budget_bytes = config->heap_budget_bytes,
        .stack_low = config->stack_low,
        .stack_bytes = config->stack_bytes,
        .log = config->log,
    };
    struct th_tls *stream = block;
    th_link_open(&stream->link, (uint8_t *)block + th_block_round(sizeof *stream), &wanted);
    return stream;
}

static int shake(struct th_link *link)
{
    struct th_link_step_mark mark = th_link_step_begin(link);
    int result = th_link_step(link);
    if (th_is_wait(result)) {
        int overdue = th_link_overdue(link);
        result = overdue ? overdue : result;
    }
    if (result == 0)
        th_link_enter(link, TH_PHASE_UP);
    th_link_step_end(link, mark);
    return result;
}

static int not_open(struct th_link *link)
{
    return th_fault_set(&link->fault, TH_E_NO_SOCKET, "the TLS stream to %s is not open",
                        link->config.host);
}

static int carry_on(struct th_tls *stream)
{
    if (th_tls_is_open(stream))
        return 0;
    bool ended = stream->link.phase == TH_PHASE_RESTING;
    return ended ? not_open(&stream->link) : shake(&stream->link);
}

static int begin(struct th_tls **stream, void *block, size_t block_bytes,
                 struct th_context *context, const struct th_tls_config *config,
                 struct th_fault *fault)
{
    if (fault)
        memset(fault, 0, sizeof *fault);
    int result = check_arguments(block, block_bytes, context, config, fault);
    if (result < 0)
        return result;
    *stream = prepare(block, context, config);
    return th_link_begin(&(*stream)->link);
}

static int give_up(struct th_tls **stream, int result, struct th_fault *fault)
{
    const struct th_fault *first = &(*stream)->link.fault;
    if (first->code)
        result = first->code;
    if (first->code && fault)
        *fault = *first;
    th_tls_close(*stream);
    *stream = NULL;
    return result;
}

int th_tls_connect(struct th_tls **stream, void *block, size_t block_bytes,
                   struct th_context *context, const struct th_tls_config *config,
                   struct th_fault *fault)
{
    int result = 0;
    if (!*stream)
        result = begin(stream, block, block_bytes, context, config, fault);
    if (!*stream)
        return result;
    if (result == 0)
        result = carry_on(*stream);
    if (!th_is_failure(result))
        return result;
    return give_up(stream, result, fault);
}

typedef int mover(struct th_link *link, void *data, size_t bytes);

/* When sending fails, what the peer said before it closed can still be read. */
static int read_some(struct th_link *link, void *buffer, size_t bytes)
{
    if (th_link_flush(link) == TH_E_CLOSED)
        th_fault_clear(&link->fault);
    return th_link_read(link, buffer, bytes);
}

static int write_some(struct th_link *link, void *data, size_t bytes)
{
    int taken = th_link_write(link, data, bytes);
    int flushed = th_link_flush(link);
    return flushed == TH_E_CLOSED ? th_tls_stream_ask_why(&link->tls) : taken;
}

/* Whoever waits may have kept others waiting too long. */
static int unless_overdue(struct th_link *link, int result)
{
    int overdue = th_is_wait(result) ? th_link_lease_overdue(link) : 0;
    return overdue ? overdue : result;
}

static int move(struct th_tls *stream, mover *how, void *data, size_t bytes)
{
    struct th_link *link = &stream->link;
    if (!th_tls_is_open(stream))
        return not_open(link);
    if (!bytes)
        return 0;
    struct th_link_step_mark mark = th_link_step_begin(link);
    int result = unless_overdue(link, how(link, data, bytes));
    if (th_is_failure(result))
        th_link_hang_up(link);
    th_link_step_end(link, mark);
    return result;
}

int th_tls_read(struct th_tls *stream, void *buffer, size_t bytes)
{
    return move(stream, read_some, buffer, bytes);
}

int th_tls_write(struct th_tls *stream, const void *data, size_t bytes)
{
    return move(stream, write_some, (void *)data, bytes);
}

bool th_tls_is_open(const struct th_tls *stream)
{
    return stream && stream->link.phase == TH_PHASE_UP;
}

int th_tls_fd(const struct th_tls *stream)
{
    return th_link_fd(&stream->link);
}

short th_tls_poll_events(const struct th_tls *stream)
{
    return th_link_poll_events(&stream->link);
}

int th_tls_wait_ms(const struct th_tls *stream)
{
    return th_link_wait_ms(&stream->link);
}

const struct th_fault *th_tls_fault(const struct th_tls *stream)
{
    return &stream->link.fault;
}

void th_tls_report(const struct th_tls *stream, struct th_report *report)
{
    th_link_report(&stream->link, report);
    report->static_bytes = (uint32_t)(th_tls_need_bytes() + th_context_need_bytes());
}

void th_tls_close(struct th_tls *stream)
{
    if (!stream)
        return;
    struct th_link *link = &stream->link;
    struct th_link_step_mark mark = th_link_step_begin(link);
    if (th_tls_is_open(stream))
        th_link_finish(link);
    th_link_hang_up(link);
    th_link_step_end(link, mark);
    th_link_close(link);
}

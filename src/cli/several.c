#include "cli/several.h"

#include "cli/cert.h"
#include "cli/clock.h"
#include "cli/configure.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/identity.h"
#include "cli/lock.h"
#include "cli/signals.h"

void *th_cli_several_block(size_t number, size_t *bytes)
{
    uint8_t *room = th_cli_desk_room(bytes);
    *bytes /= TH_CONNECTIONS;
    return room + number * *bytes;
}

static int open_context(struct th_context **context, const struct th_cli_settings *s,
                        struct th_fault *fault)
{
    struct th_context_config config;
    size_t bytes;
    void *block = th_cli_desk_block(&bytes);
    th_cli_configure_context(&config, s);
    return th_context_open(context, block, bytes, &config, fault);
}

int th_cli_several_open(struct th_context **context, const struct th_cli_settings *s)
{
    struct th_fault fault = {0};
    int rc = th_cli_clock_open(s, &fault);
    if (rc == 0)
        rc = open_context(context, s, &fault);
    th_cli_identity_done();
    return rc < 0 ? th_cli_say_fault(&fault) : TH_CLI_OK;
}

static int await_date(void)
{
    struct th_fault fault = {0};
    int rc;
    while ((rc = th_cli_clock_step(&fault)) == TH_WANT_READ && !th_cli_signals_count()) {
        struct pollfd awaited[2] = {th_cli_clock_awaited()};
        th_cli_signals_poll(awaited, 1, th_cli_clock_wait_ms());
    }
    return rc < 0 && !th_cli_signals_count() ? th_cli_say_fault(&fault) : TH_CLI_OK;
}

int th_cli_several_begin(const struct th_cli_settings *s, const struct th_context *context)
{
    th_cli_signals_enter(false);
    th_cli_lock_wish(s, th_context_rereads(context));
    int status = th_cli_lock(s);
    return status == TH_CLI_OK ? await_date() : status;
}

#include "cli/identity.h"
#include "base/clock.h"
#include "cli/expiry.h"
#include "cli/rotate.h"

bool th_cli_identity_take(struct th_cli_settings *settings, struct th_cli_problem *problem)
{
    (void)settings, (void)problem;
    return true;
}

const char *th_cli_identity_home(const struct th_cli_settings *settings)
{
    (void)settings;
    return NULL;
}

void th_cli_identity_done(void)
{
}

int th_cli_identity_hold(const struct th_cli_settings *settings, struct th_fault *fault)
{
    (void)settings, (void)fault;
    return 0;
}

void th_cli_expiry_watch(int64_t not_before_s, int64_t not_after_s)
{
    (void)not_before_s, (void)not_after_s;
}

int64_t th_cli_expiry_not_after_s(void)
{
    return 0;
}

void th_cli_expiry_tell(void)
{
}

uint64_t th_cli_expiry_until_ms(void)
{
    return TH_NEVER;
}

void th_cli_rotate_begin(const struct th_cli_settings *settings, struct th_context *context)
{
    (void)settings, (void)context;
}

void th_cli_rotate_wish(void)
{
}

bool th_cli_rotate_turn(bool dated)
{
    (void)dated;
    return false;
}

int th_cli_rotate_wait_ms(void)
{
    return -1;
}

bool th_cli_rotate_event(const struct th_event *event)
{
    (void)event;
    return false;
}

void th_cli_rotate_packet(const struct th_packet_note *note)
{
    (void)note;
}

bool th_cli_rotate_on_trial(void)
{
    return false;
}

void th_cli_rotate_end(void)
{
}

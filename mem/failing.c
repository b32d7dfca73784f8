#include "failing.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "payer.h"

static size_t fail_at;
static size_t fail_until;
static atomic_size_t seen;
static atomic_size_t injected;

void (*th_failing_witness)(enum th_purpose purpose, size_t bytes);

static void refuse(enum th_purpose purpose, size_t bytes)
{
    atomic_fetch_add(&injected, 1);
    if (th_failing_witness)
        th_failing_witness(purpose, bytes);
}

static bool gate(const struct th_payer *payer, enum th_purpose purpose, size_t bytes)
{
    (void)payer;
    size_t number = atomic_fetch_add(&seen, 1) + 1;
    bool fails = number >= fail_at && number <= fail_until;
    if (fails)
        refuse(purpose, bytes);
    return !fails;
}

void th_failing_at(size_t n, bool from_then_on)
{
    fail_at = n;
    fail_until = from_then_on && n ? SIZE_MAX : n;
    seen = 0;
    injected = 0;
    th_payer_gate = gate;
}

void th_failing_stop(void)
{
    th_payer_gate = NULL;
}

size_t th_failing_seen(void)
{
    return seen;
}

size_t th_failing_injected(void)
{
    return injected;
}

__attribute__((constructor)) void th_failing_from_environment(void)
{
    const char *wish = getenv("TH_FAIL_AT");
    if (wish)
        th_failing_at(strtoul(wish, NULL, 10), strchr(wish, '+') != NULL);
}

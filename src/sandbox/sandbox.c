#include "sandbox/sandbox.h"

#include "sandbox/calls.h"
#include "sandbox/landlock.h"
#include "sandbox/limits.h"

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool renounce_privileges(void)
{
    return syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool filter_calls(uint32_t needs)
{
    struct sock_filter filter[TH_SANDBOX_FILTER_MAX];
    struct sock_fprog program = {.filter = filter};
    program.len = (unsigned short)th_sandbox_filter(filter, needs);
    return th_sandbox_machine &&
           syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

static void note(struct th_report_sandbox *locked, uint8_t part, bool holds)
{
    locked->holds |= holds ? part : 0;
}

static uint8_t wanted_of(const struct th_sandbox_wish *wish)
{
    return (uint8_t)(TH_REPORT_LOCKS_WANTED - wish->any_port * TH_REPORT_LOCK_PORTS);
}

/* The filter comes last: it forbids what the others are made of. */
void th_sandbox_lock(const struct th_sandbox_wish *wish, struct th_report_sandbox *locked)
{
    note(locked, TH_REPORT_LOCK_PRIVILEGES, renounce_privileges());
    note(locked, TH_REPORT_LOCK_LIMITS, th_sandbox_limit(wish->others));
    th_sandbox_landlock(wish, locked);
    note(locked, TH_REPORT_LOCK_CALLS, filter_calls(wish->needs));
    locked->lacks = wanted_of(wish) & (uint8_t)~locked->holds;
}

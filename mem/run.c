#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* The largest page a kernel of this architecture may use: guards must fall on page boundaries. */
#if defined(__aarch64__) || defined(__mips__)
enum { LARGEST_PAGE_BYTES = 65536 };
#else
enum { LARGEST_PAGE_BYTES = 4096 };
#endif

/* The one portable way to another stack: the kernel enters a signal handler on the alternate one.
 * It is entered once, and the program is its body. A thread would do as well, for 5 KB of libc. */
enum { ENTRY_SIGNAL = SIGURG }; /* ignored by default, so a second one would be harmless */

static struct {
    int (*fn)(void *arg);
    void *arg;
    int result;
    sigset_t mask;
} run;

/* Room for a guard at each end, wherever the boundaries fall. */
static uint8_t stack_memory[TH_STACK_BYTES + 3 * LARGEST_PAGE_BYTES];
static uint8_t *guard_below;
static uint8_t *guard_above;
static uint8_t *stack_low;
static size_t stack_bytes;

static size_t page(void)
{
    return (size_t)getpagesize();
}

static uint8_t *page_up(uint8_t *address)
{
    return address + (-(uintptr_t)address & (page() - 1));
}

static int protect_guards(int protection)
{
    size_t page_bytes = page();
    return mprotect(guard_below, page_bytes, protection) ||
                   mprotect(guard_above, page_bytes, protection)
               ? -1
               : 0;
}

/* guard | TH_STACK_BYTES, rounded up to pages | guard */
static int lay_out(void)
{
    guard_below = page_up(stack_memory);
    stack_low = guard_below + page();
    guard_above = page_up(stack_low + TH_STACK_BYTES);
    stack_bytes = (size_t)(guard_above - stack_low);
    if (guard_above + page() <= stack_memory + sizeof stack_memory)
        return protect_guards(PROT_NONE);
    errno = EINVAL;
    return -1;
}

/* The kernel's own frame lies above the first of ours: the range that is measured ends here. So
 * large an alignment is made, not relied on: qemu 7.2 enters a handler eight bytes off. */
static void enter(int signal)
{
    _Alignas(32) uint8_t first[32];
    (void)signal;
    stack_bytes = (size_t)(first + sizeof first - stack_low);
    sigprocmask(SIG_SETMASK, &run.mask, NULL);
    run.result = run.fn(run.arg);
}

static int catch_entry(void)
{
    struct sigaction action = {.sa_handler = enter, .sa_flags = SA_ONSTACK | SA_RESETHAND};
    const stack_t stack = {.ss_sp = stack_low, .ss_size = stack_bytes};
    return sigaltstack(&stack, NULL) || sigaction(ENTRY_SIGNAL, &action, NULL) ? -1 : 0;
}

/* Whatever mask we were started with: the signal must come through. */
static int unblock_entry(void)
{
    sigset_t entry;
    sigemptyset(&entry);
    sigaddset(&entry, ENTRY_SIGNAL);
    return sigprocmask(SIG_UNBLOCK, &entry, &run.mask);
}

int th_stack_run(int (*fn)(void *arg), void *arg)
{
    run.fn = fn;
    run.arg = arg;
    run.result = -1;
    if (lay_out() || catch_entry() || unblock_entry() || raise(ENTRY_SIGNAL))
        return -1;
    sigprocmask(SIG_SETMASK, &run.mask, NULL);
    return run.result;
}

int th_stack_unguard(void)
{
    return protect_guards(PROT_READ | PROT_WRITE);
}

void *th_stack_run_low(void)
{
    return stack_low;
}

size_t th_stack_run_bytes(void)
{
    return stack_bytes;
}

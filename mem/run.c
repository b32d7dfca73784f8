#include "run.h"

#include <errno.h>
#include <pthread.h>
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

struct run {
    int (*fn)(void *arg);
    void *arg;
    int result;
    sigset_t mask;
};

/* Room for a guard at each end, wherever the boundaries fall. */
static uint8_t memory[TH_STACK_BYTES + 3 * LARGEST_PAGE_BYTES];
static uint8_t *guard_below;
static uint8_t *guard_above;
static uint8_t *stack_low;
static size_t stack_bytes;

static size_t page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
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
    guard_below = page_up(memory);
    stack_low = guard_below + page();
    guard_above = page_up(stack_low + TH_STACK_BYTES);
    stack_bytes = (size_t)(guard_above - stack_low);
    if (guard_above + page() <= memory + sizeof memory)
        return protect_guards(PROT_NONE);
    errno = EINVAL;
    return -1;
}

/* libc keeps its own things above the first frame: the range that is measured ends here. */
static void *enter(void *arg)
{
    struct run *run = arg;
    stack_bytes = (size_t)((uint8_t *)__builtin_frame_address(0) - stack_low);
    pthread_sigmask(SIG_SETMASK, &run->mask, NULL);
    run->result = run->fn(run->arg);
    return NULL;
}

static int start(pthread_t *thread, struct run *run)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (!error)
        error = pthread_attr_setstack(&attributes, stack_low, stack_bytes);
    if (!error)
        error = pthread_create(thread, &attributes, enter, run);
    pthread_attr_destroy(&attributes);
    errno = error;
    return error ? -1 : 0;
}

static void block_signals(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

int th_stack_run(int (*fn)(void *arg), void *arg)
{
    struct run run = {fn, arg, -1, {{0}}};
    pthread_t thread;
    if (lay_out())
        return -1;
    block_signals(&run.mask);
    if (!start(&thread, &run))
        pthread_join(thread, NULL);
    pthread_sigmask(SIG_SETMASK, &run.mask, NULL);
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

/* The painted stack: how deep was it, and whose was it; and the guarded stack of the binary. */
#include <alloca.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mem/run.h"
#include "mem/stack.h"

/* Raw stack use must be neither moved to a fake stack nor padded with red zones. */
#define PLAIN __attribute__((noinline, no_sanitize("address", "undefined")))

/* cmocka cannot fail on another thread: what runs there returns the line that did not hold, or
 * 0. */
#define HOLDS(condition) \
    do { \
        if (!(condition)) \
            return __LINE__; \
    } while (0)

/* What calls and reserves between two frames may add to a known depth. Where the address of a frame
 * is its low end (MIPS), depth() counts its own, too. */
enum { CALL_BYTES = 700, FRAME_BYTES = 64 };

PLAIN static void use_stack(size_t bytes)
{
    volatile uint8_t *deep = alloca(bytes);
    for (size_t i = 0; i < bytes; i++)
        deep[i] = 0;
    deep[0] = 1;
}

/* Zeros only: as cryptography leaves its stack. */
PLAIN static void wipe_stack(size_t bytes)
{
    volatile uint8_t *deep = alloca(bytes);
    for (size_t i = 0; i < bytes; i++)
        deep[i] = 0;
}

PLAIN static size_t depth(void)
{
    uint8_t *high = (uint8_t *)th_stack_run_low() + th_stack_run_bytes();
    return (size_t)(high - (uint8_t *)__builtin_frame_address(0));
}

static struct th_stack *own_stack(void)
{
    return th_stack_of_thread(th_stack_run_low(), th_stack_run_bytes());
}

static bool is_depth(size_t peak_bytes, size_t base_bytes, size_t used_bytes)
{
    size_t least_bytes = base_bytes + used_bytes;
    return peak_bytes + FRAME_BYTES >= least_bytes && peak_bytes <= least_bytes + CALL_BYTES;
}

/* ---- on the guarded stack ----------------------------------------------------------------- */

static int measures_a_known_depth(void *arg)
{
    (void)arg;
    for (size_t bytes = 2000; bytes <= 20000; bytes += 3000) {
        uint32_t peak_bytes = 0;
        th_stack_credit(own_stack(), &peak_bytes);
        wipe_stack(bytes);
        th_stack_credit(own_stack(), NULL);
        HOLDS(is_depth(peak_bytes, depth(), bytes));
    }
    return 0;
}

static int credits_each_owner_with_his_own(void *arg)
{
    (void)arg;
    uint32_t one = 0, other = 0;
    th_stack_credit(own_stack(), &one);
    use_stack(12000);
    th_stack_credit(own_stack(), &other);
    use_stack(3000);
    th_stack_credit(own_stack(), &one);
    use_stack(5000);
    th_stack_credit(own_stack(), NULL);
    use_stack(20000);
    th_stack_credit(own_stack(), &other);
    th_stack_credit(own_stack(), NULL);
    HOLDS(is_depth(one, depth(), 12000));
    HOLDS(is_depth(other, depth(), 3000));
    return 0;
}

static int settling_reads_without_repainting(void *arg)
{
    (void)arg;
    uint32_t peak_bytes = 0;
    th_stack_credit(own_stack(), &peak_bytes);
    use_stack(6000);
    HOLDS(peak_bytes == 0);
    th_stack_settle(own_stack());
    HOLDS(is_depth(peak_bytes, depth(), 6000));
    use_stack(9000);
    th_stack_credit(own_stack(), &peak_bytes);
    th_stack_settle(own_stack());
    HOLDS(is_depth(peak_bytes, depth(), 9000));
    HOLDS(th_stack_used_bytes(own_stack()) == peak_bytes);
    th_stack_credit(own_stack(), NULL);
    return 0;
}

/* Resident pages in the range of the stack. */
static size_t resident_pages(void)
{
    unsigned char pages[64] = {0};
    size_t resident = 0;
    if (mincore(th_stack_run_low(), th_stack_run_bytes(), pages))
        return 0;
    for (size_t i = 0; i < sizeof pages; i++)
        resident += pages[i] & 1;
    return resident;
}

static int relaxing_gives_pages_back(void *arg)
{
    (void)arg;
    size_t all = (th_stack_run_bytes() + 4095) / 4096;
    th_stack_brace(own_stack());
    HOLDS(resident_pages() == all);
    th_stack_relax(own_stack());
    size_t painted_bytes = depth() + 512 + TH_STACK_RELAXED_BYTES;
    HOLDS(resident_pages() <= all - (th_stack_run_bytes() - painted_bytes) / 4096);
    th_stack_brace(own_stack());
    HOLDS(resident_pages() == all);
    return 0;
}

static int a_relaxed_stack_still_measures(void *arg)
{
    (void)arg;
    uint32_t shallow = 0, deep = 0, again = 0, braced = 0;
    th_stack_credit(own_stack(), &shallow);
    th_stack_relax(own_stack());
    wipe_stack(2000);
    th_stack_credit(own_stack(), &deep);
    use_stack(20000);
    th_stack_credit(own_stack(), &again);
    wipe_stack(1500);
    th_stack_brace(own_stack());
    th_stack_credit(own_stack(), &braced);
    wipe_stack(20000);
    th_stack_credit(own_stack(), NULL);
    HOLDS(is_depth(shallow, depth(), 2000));
    HOLDS(is_depth(deep, depth(), 20000));
    HOLDS(is_depth(again, depth(), 1500));
    HOLDS(is_depth(braced, depth(), 20000));
    return 0;
}

static int gives_its_result(void *arg)
{
    return *(int *)arg;
}

static int sees_the_signal_mask_of_the_caller(void *arg)
{
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    HOLDS(sigismember(&mask, SIGUSR1) && !sigismember(&mask, SIGUSR2));
    return *(int *)arg;
}

static int run(int (*fn)(void *))
{
    int arg = 42;
    int result = th_stack_run(fn, &arg);
    assert_int_equal(th_stack_unguard(), 0);
    return result;
}

static void a_known_depth_is_measured(void **state)
{
    (void)state;
    assert_int_equal(run(measures_a_known_depth), 0);
}

static void each_owner_is_credited(void **state)
{
    (void)state;
    assert_int_equal(run(credits_each_owner_with_his_own), 0);
}

static void settling_is_up_to_date(void **state)
{
    (void)state;
    assert_int_equal(run(settling_reads_without_repainting), 0);
}

static void idle_pages_go_back(void **state)
{
    (void)state;
    assert_int_equal(run(relaxing_gives_pages_back), 0);
    assert_int_equal(run(a_relaxed_stack_still_measures), 0);
}

static void the_result_comes_back(void **state)
{
    (void)state;
    assert_int_equal(run(gives_its_result), 42);
    assert_in_range(th_stack_run_bytes(), TH_STACK_BYTES - 8192, TH_STACK_BYTES);
}

static void the_callers_signal_mask_is_kept(void **state)
{
    (void)state;
    sigset_t mask, before, after;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &mask, &before);
    assert_int_equal(run(sees_the_signal_mask_of_the_caller), 42);
    pthread_sigmask(SIG_SETMASK, &before, &after);
    assert_true(sigismember(&after, SIGUSR1));
    assert_false(sigismember(&after, SIGUSR2));
}

/* ---- the guards --------------------------------------------------------------------------- */

static int touch(void *arg)
{
    volatile uint8_t *low = th_stack_run_low();
    low[*(int *)arg] = 1;
    return 0;
}

PLAIN static int overflow(void *arg)
{
    use_stack(*(size_t *)arg);
    return 0;
}

static int signal_that_ended(int (*fn)(void *), void *arg)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        _exit(th_stack_run(fn, arg));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void the_guards_are_hit(void **state)
{
    (void)state;
    int first = 0, before = -1;
    size_t too_much = TH_STACK_BYTES + 512, much = TH_STACK_BYTES - 16384;
    assert_int_equal(signal_that_ended(touch, &first), 0);
    assert_int_equal(signal_that_ended(touch, &before), SIGSEGV);
    assert_int_equal(signal_that_ended(overflow, &much), 0);
    assert_int_equal(signal_that_ended(overflow, &too_much), SIGSEGV);
}

/* ---- not measured ------------------------------------------------------------------------- */

static void without_a_range_nothing_is_done(void **state)
{
    (void)state;
    uint32_t peak_bytes = 7;
    struct th_stack none;
    th_stack_open(&none, NULL, 4096);
    th_stack_credit(&none, &peak_bytes);
    th_stack_settle(&none);
    th_stack_brace(&none);
    th_stack_relax(&none);
    th_stack_credit(&none, NULL);
    assert_int_equal(peak_bytes, 7);
    assert_int_equal(th_stack_used_bytes(&none), 0);
    assert_null(th_stack_of_thread(NULL, 4096)->low);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_result_comes_back),
        cmocka_unit_test(a_known_depth_is_measured),
        cmocka_unit_test(each_owner_is_credited),
        cmocka_unit_test(settling_is_up_to_date),
        cmocka_unit_test(idle_pages_go_back),
        cmocka_unit_test(the_callers_signal_mask_is_kept),
        cmocka_unit_test(the_guards_are_hit),
        cmocka_unit_test(without_a_range_nothing_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

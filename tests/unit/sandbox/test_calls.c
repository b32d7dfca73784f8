/* The filter does what it should for every call there is, run by an interpreter of BPF that trusts
 * no jump. The expectations are written down again here, by name. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "sandbox/calls.h"
#include "sandbox/machine.h"
#include "sandbox/sandbox.h"

#define ALLOW SECCOMP_RET_ALLOW
#define KILL SECCOMP_RET_KILL_PROCESS
#define REFUSE (SECCOMP_RET_ERRNO | EPERM)
#define COUNT_OF(list) (sizeof list / sizeof *list)
#define CALLS_MAX 6000 /* those of mips begin at 4000 */

#define SUB (TH_SANDBOX_INTERNET | TH_SANDBOX_LOOKUP | TH_SANDBOX_READ)
#define NUMERIC TH_SANDBOX_INTERNET

static struct sock_filter filter[TH_SANDBOX_FILTER_MAX];
static unsigned length;

/* ---- the interpreter ------------------------------------------------------------------------- */

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
    uint32_t word;
    assert_true(offset % 4 == 0 && offset <= sizeof *data - sizeof word);
    memcpy(&word, (const uint8_t *)data + offset, sizeof word);
    return word;
}

static unsigned jump(unsigned at, const struct sock_filter *code, bool condition)
{
    unsigned to = at + (condition ? code->jt : code->jf);
    assert_true(to < length);
    return to;
}

static uint32_t run(const struct seccomp_data *data)
{
    uint32_t a = 0;
    for (unsigned at = 0; at < length;) {
        const struct sock_filter *code = &filter[at++];
        switch (code->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            a = load(data, code->k);
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= code->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            at = jump(at, code, a == code->k);
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            at = jump(at, code, a >= code->k);
            break;
        case BPF_RET | BPF_K:
            return code->k;
        default:
            fail_msg("instruction %x", code->code);
        }
    }
    fail_msg("no end");
    return 0;
}

static void write_filter(uint32_t needs)
{
    memset(filter, 0xee, sizeof filter);
    length = th_sandbox_filter(filter, needs);
    assert_in_range(length, 20, TH_SANDBOX_FILTER_MAX);
}

struct call {
    long number;
    uint64_t arguments[6];
};

static uint32_t verdict(struct call call)
{
    struct seccomp_data data = {.nr = (int)call.number, .arch = th_sandbox_machine};
    memcpy(data.args, call.arguments, sizeof call.arguments);
    return run(&data);
}

static void gives(uint32_t expected, long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    uint32_t got = verdict((struct call){number, {a, b, c, d, 0, 0}});
    if (got != expected && number != TH_SANDBOX_NO_CALL)
        fail_msg("call %ld(%llu, %llu, %llu, %llu): %x, not %x", number, (unsigned long long)a,
                 (unsigned long long)b, (unsigned long long)c, (unsigned long long)d, got,
                 expected);
}

/* ---- what every one gets --------------------------------------------------------------------- */

static const long allowed_always[] = {
    __NR_recvfrom, __NR_poll, __NR_ppoll, __NR_read, __NR_write, __NR_pread64,
    __NR_clock_gettime, __NR_close, __NR_getrandom, __NR_connect, __NR_getsockopt,
    __NR_getsockname, __NR_getpeername, __NR_shutdown, __NR_getpid, __NR_rt_sigprocmask,
    __NR_rt_sigreturn, __NR_restart_syscall, __NR_exit_group, __NR_exit, __NR_sigreturn,
    __NR_ppoll_time64, __NR_clock_gettime64,
};

static const long killed_always[] = {
    __NR_brk, __NR_mmap, __NR_mremap, __NR_munmap, __NR_mprotect, __NR_pkey_mprotect,
    __NR_remap_file_pages, __NR_shmat, __NR_memfd_create, __NR_memfd_secret, __NR_userfaultfd,
    __NR_execve, __NR_execveat, __NR_fork, __NR_vfork, __NR_clone, __NR_clone3, __NR_ptrace,
    __NR_process_vm_readv, __NR_process_vm_writev, __NR_process_madvise, __NR_pidfd_getfd,
    __NR_kcmp, __NR_perf_event_open, __NR_bpf, __NR_io_uring_setup, __NR_io_uring_enter,
    __NR_io_uring_register, __NR_mount, __NR_umount2, __NR_move_mount, __NR_open_tree,
    __NR_fsopen, __NR_fsmount, __NR_mount_setattr, __NR_pivot_root, __NR_chroot, __NR_setns,
    __NR_unshare, __NR_open_by_handle_at, __NR_add_key, __NR_request_key, __NR_keyctl,
    __NR_personality, __NR_modify_ldt, __NR_iopl, __NR_ioperm, __NR_init_module,
    __NR_finit_module, __NR_delete_module, __NR_kexec_load, __NR_kexec_file_load, __NR_swapon,
    __NR_swapoff, __NR_reboot, __NR_settimeofday, __NR_clock_settime,
    __NR_mmap2, __NR_clock_settime64,
};

/* Judged by their arguments, below. */
static const long judged[] = {
    __NR_socket, __NR_sendto, __NR_madvise, __NR_setsockopt, __NR_fcntl, __NR_open, __NR_openat,
    __NR_fcntl64, __NR_getdents64,
};

/* Of who may read files: what they are. */
static const long of_reading[] = {
    __NR_fstat, __NR_fstat64, __NR_newfstatat, __NR_fstatat64, __NR_statx,
};

static const long of_writing[] = {
    __NR_open, __NR_openat, __NR_fsync, __NR_lstat, __NR_newfstatat, __NR_statx, __NR_rename,
    __NR_renameat, __NR_renameat2, __NR_unlink, __NR_unlinkat,
    __NR_lstat64, __NR_fstatat64,
};

static bool stands_in(long number, const long *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == number)
            return true;
    return false;
}

#define IN(number, list) stands_in(number, list, COUNT_OF(list))

static uint32_t expected_of(long number, uint32_t needs)
{
    if (needs & TH_SANDBOX_READ && IN(number, of_reading))
        return ALLOW;
    return IN(number, allowed_always) ? ALLOW : IN(number, killed_always) ? KILL : REFUSE;
}

static void all_calls_with(uint32_t needs)
{
    write_filter(needs);
    for (long number = 0; number < CALLS_MAX; number++)
        if (!IN(number, judged))
            gives(expected_of(number, needs), number, 0, 0, 0, 0);
}

static void every_call_has_its_verdict(void **state)
{
    (void)state;
    all_calls_with(SUB);
    all_calls_with(NUMERIC);
    all_calls_with(TH_SANDBOX_UNIX);
}

static void other_machines_and_their_numbers_are_killed(void **state)
{
    (void)state;
    static const uint32_t others[] = {0x40000003, 0xc00000b7, 0x40000028, 0xc00000f3, 0};
    write_filter(SUB);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (others[i] != th_sandbox_machine)
            assert_int_equal(run(&(struct seccomp_data){__NR_read, others[i], 0, {0}}), KILL);
    gives(KILL, 0x40000000 | __NR_read, 0, 0, 0, 0); /* x32 */
    gives(KILL, 0x7fffffff, 0, 0, 0, 0);
    gives(KILL, -2, 0, 0, 0, 0);
    gives(REFUSE, 0x3fffffff, 0, 0, 0, 0);
    gives(ALLOW, -1, 0, 0, 0, 0); /* taken out by a tracer: the kernel runs nothing */
}

/* ---- what depends on arguments --------------------------------------------------------------- */

#define STREAM (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)
#define DATAGRAM (SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK)
#define TCP_OF_MANY_PATHS 262 /* IPPROTO_MPTCP: landlock does not see it */

static void sockets_are_those_of_the_road(void **state)
{
    (void)state;
    write_filter(SUB);
    gives(ALLOW, __NR_socket, AF_INET, STREAM, 0, 0);
    gives(ALLOW, __NR_socket, AF_INET6, STREAM, 0, 0);
    gives(ALLOW, __NR_socket, AF_INET6, DATAGRAM, 0, 0);
    gives(KILL, __NR_socket, AF_UNIX, STREAM, 0, 0);
    write_filter(NUMERIC);
    gives(ALLOW, __NR_socket, AF_INET, STREAM, 0, 0);
    gives(KILL, __NR_socket, AF_INET, DATAGRAM, 0, 0);
    write_filter(TH_SANDBOX_UNIX);
    gives(ALLOW, __NR_socket, AF_UNIX, STREAM, 0, 0);
    gives(KILL, __NR_socket, AF_UNIX, DATAGRAM, 0, 0);
    gives(KILL, __NR_socket, AF_INET, STREAM, 0, 0);
}

static void no_other_socket(void **state)
{
    (void)state;
    write_filter(SUB | TH_SANDBOX_UNIX);
    for (uint64_t family = 0; family < 64; family++)
        if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
            gives(KILL, __NR_socket, family, STREAM, 0, 0);
    gives(KILL, __NR_socket, AF_INET, SOCK_RAW, 0, 0);
    gives(KILL, __NR_socket, AF_INET, STREAM, TCP_OF_MANY_PATHS, 0);
    gives(KILL, __NR_socket, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, 0);
    gives(KILL, __NR_socket, AF_INET | 8 | 16, STREAM, 0, 0);
}

static void sending_does_not_connect(void **state)
{
    (void)state;
    write_filter(SUB);
    gives(ALLOW, __NR_sendto, 4, 0, 10, MSG_NOSIGNAL);
    gives(KILL, __NR_sendto, 4, 0, 10, MSG_FASTOPEN | MSG_NOSIGNAL);
}

static void memory_is_only_given_back(void **state)
{
    (void)state;
    write_filter(SUB);
    gives(ALLOW, __NR_madvise, 0, 4096, MADV_DONTNEED, 0);
    gives(REFUSE, __NR_madvise, 0, 4096, MADV_REMOVE, 0);
    gives(REFUSE, __NR_madvise, 0, 4096, MADV_DODUMP, 0);
}

static void options_are_of_sockets_and_tcp(void **state)
{
    (void)state;
    write_filter(SUB);
    gives(ALLOW, __NR_setsockopt, 4, SOL_SOCKET, SO_RCVBUF, 0);
    gives(ALLOW, __NR_setsockopt, 4, IPPROTO_TCP, 1, 0);
    gives(REFUSE, __NR_setsockopt, 4, IPPROTO_IP, 0, 0);
    gives(REFUSE, __NR_setsockopt, 4, IPPROTO_IPV6, 0, 0);
    gives(KILL, __NR_setsockopt, 4, IPPROTO_TCP, TCP_ULP, 0);
    gives(KILL, __NR_setsockopt, 4, SOL_SOCKET, SO_ATTACH_FILTER, 0);
    gives(ALLOW, __NR_ioctl, 4, SIOCGIFINDEX, 0, 0);
    gives(REFUSE, __NR_ioctl, 4, SIOCGIFCONF, 0, 0);
    gives(ALLOW, __NR_fcntl, 4, F_SETFD, 1, 0);
    gives(ALLOW, __NR_fcntl, 4, F_DUPFD_CLOEXEC, 3, 0);
    gives(REFUSE, __NR_fcntl, 4, F_SETOWN, 1, 0);
}

static void opens(uint32_t expected, uint64_t flags)
{
    if (__NR_open != TH_SANDBOX_NO_CALL)
        gives(expected, __NR_open, 0, flags, 0, 0);
    gives(expected, __NR_openat, 0, 0, flags, 0);
}

static void files_are_opened_as_needed(void **state)
{
    (void)state;
    write_filter(NUMERIC);
    opens(REFUSE, O_RDONLY);
    gives(REFUSE, __NR_getdents64, 3, 0, 0, 0);
    write_filter(SUB);
    gives(ALLOW, __NR_getdents64, 3, 0, 0, 0);
    opens(ALLOW, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    opens(REFUSE, O_WRONLY);
    opens(REFUSE, O_RDWR);
    opens(REFUSE, O_RDONLY | O_CREAT);
    opens(REFUSE, O_RDONLY | O_TRUNC);
    opens(REFUSE, O_TMPFILE | O_RDWR);
    write_filter(SUB | TH_SANDBOX_WRITE);
    for (size_t i = 0; i < COUNT_OF(of_writing); i++)
        gives(ALLOW, of_writing[i], 0, O_WRONLY | O_CREAT, O_WRONLY | O_CREAT, 0);
}

static void an_address_of_ours_is_bound_if_wanted(void **state)
{
    (void)state;
    write_filter(SUB);
    gives(REFUSE, __NR_bind, 4, 0, 0, 0);
    write_filter(SUB | TH_SANDBOX_BIND);
    gives(ALLOW, __NR_bind, 4, 0, 0, 0);
    gives(REFUSE, __NR_listen, 4, 1, 0, 0);
    gives(REFUSE, __NR_accept4, 4, 0, 0, 0);
}

static void files_are_written_over_if_wanted(void **state)
{
    static const long of_clock[] = {__NR_adjtimex, __NR_clock_adjtime64, __NR_pwrite64,
                                    __NR_ftruncate, __NR_ftruncate64};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(of_clock); i++) {
        if (of_clock[i] == TH_SANDBOX_NO_CALL)
            continue;
        write_filter(SUB);
        gives(REFUSE, of_clock[i], 3, 0, 0, 0);
        write_filter(SUB | TH_SANDBOX_KEEP);
        gives(ALLOW, of_clock[i], 3, 0, 0, 0);
        gives(KILL, __NR_clock_settime, 0, 0, 0, 0);
    }
}

static void the_largest_filter_has_room(void **state)
{
    (void)state;
    write_filter(0xff);
    assert_in_range(length, 100, TH_SANDBOX_FILTER_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_has_its_verdict),
        cmocka_unit_test(other_machines_and_their_numbers_are_killed),
        cmocka_unit_test(sockets_are_those_of_the_road),
        cmocka_unit_test(no_other_socket),
        cmocka_unit_test(sending_does_not_connect),
        cmocka_unit_test(memory_is_only_given_back),
        cmocka_unit_test(options_are_of_sockets_and_tcp),
        cmocka_unit_test(files_are_opened_as_needed),
        cmocka_unit_test(an_address_of_ours_is_bound_if_wanted),
        cmocka_unit_test(files_are_written_over_if_wanted),
        cmocka_unit_test(the_largest_filter_has_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

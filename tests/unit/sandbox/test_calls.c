/* The filter does what it should for every call there is, run by an interpreter of BPF that trusts
 * no jump. The expectations are written down again here, by name. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "sandbox/calls.h"
#include "sandbox/sandbox.h"

#define ALLOW SECCOMP_RET_ALLOW
#define KILL SECCOMP_RET_KILL_PROCESS
#define REFUSE (SECCOMP_RET_ERRNO | EPERM)
#define COUNT_OF(list) (sizeof list / sizeof *list)
#define CALLS_MAX 1024

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
    if (got != expected)
        fail_msg("call %ld(%llu, %llu, %llu, %llu): %x, not %x", number, (unsigned long long)a,
                 (unsigned long long)b, (unsigned long long)c, (unsigned long long)d, got,
                 expected);
}

/* ---- what every one gets --------------------------------------------------------------------- */

static const long allowed_always[] = {
    SYS_recvfrom, SYS_poll, SYS_ppoll, SYS_read, SYS_write, SYS_pread64, SYS_clock_gettime,
    SYS_close, SYS_getrandom, SYS_connect, SYS_getsockopt, SYS_getsockname, SYS_getpeername,
    SYS_shutdown, SYS_getpid, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_restart_syscall,
    SYS_exit_group, SYS_exit,
};

static const long killed_always[] = {
    SYS_brk, SYS_mmap, SYS_mremap, SYS_munmap, SYS_mprotect, SYS_pkey_mprotect,
    SYS_remap_file_pages, SYS_shmat, SYS_memfd_create, SYS_memfd_secret, SYS_userfaultfd,
    SYS_execve, SYS_execveat, SYS_fork, SYS_vfork, SYS_clone, SYS_clone3, SYS_ptrace,
    SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_madvise, SYS_pidfd_getfd, SYS_kcmp,
    SYS_perf_event_open, SYS_bpf, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
    SYS_mount, SYS_umount2, SYS_move_mount, SYS_open_tree, SYS_fsopen, SYS_fsmount,
    SYS_mount_setattr, SYS_pivot_root, SYS_chroot, SYS_setns, SYS_unshare, SYS_open_by_handle_at,
    SYS_add_key, SYS_request_key, SYS_keyctl, SYS_personality, SYS_modify_ldt, SYS_iopl,
    SYS_ioperm, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
    SYS_kexec_file_load, SYS_swapon, SYS_swapoff, SYS_reboot, SYS_settimeofday,
    SYS_clock_settime,
};

/* Judged by their arguments, below. */
static const long judged[] = {
    SYS_socket, SYS_sendto, SYS_madvise, SYS_setsockopt, SYS_fcntl, SYS_open, SYS_openat,
};

static const long of_writing[] = {
    SYS_open, SYS_openat, SYS_fsync, SYS_lstat, SYS_newfstatat, SYS_statx, SYS_rename,
    SYS_renameat, SYS_renameat2, SYS_unlink, SYS_unlinkat,
};

static bool stands_in(long number, const long *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == number)
            return true;
    return false;
}

#define IN(number, list) stands_in(number, list, COUNT_OF(list))

static uint32_t expected_of(long number)
{
    return IN(number, allowed_always) ? ALLOW : IN(number, killed_always) ? KILL : REFUSE;
}

static void all_calls_with(uint32_t needs)
{
    write_filter(needs);
    for (long number = 0; number < CALLS_MAX; number++)
        if (!IN(number, judged))
            gives(expected_of(number), number, 0, 0, 0, 0);
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
        assert_int_equal(run(&(struct seccomp_data){.nr = SYS_read, .arch = others[i]}), KILL);
    gives(KILL, 0x40000000 | SYS_read, 0, 0, 0, 0); /* x32 */
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
    gives(ALLOW, SYS_socket, AF_INET, STREAM, 0, 0);
    gives(ALLOW, SYS_socket, AF_INET6, STREAM, 0, 0);
    gives(ALLOW, SYS_socket, AF_INET6, DATAGRAM, 0, 0);
    gives(KILL, SYS_socket, AF_UNIX, STREAM, 0, 0);
    write_filter(NUMERIC);
    gives(ALLOW, SYS_socket, AF_INET, STREAM, 0, 0);
    gives(KILL, SYS_socket, AF_INET, DATAGRAM, 0, 0);
    write_filter(TH_SANDBOX_UNIX);
    gives(ALLOW, SYS_socket, AF_UNIX, STREAM, 0, 0);
    gives(KILL, SYS_socket, AF_INET, STREAM, 0, 0);
}

static void no_other_socket(void **state)
{
    (void)state;
    write_filter(SUB | TH_SANDBOX_UNIX);
    for (uint64_t family = 0; family < 64; family++)
        if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
            gives(KILL, SYS_socket, family, STREAM, 0, 0);
    gives(KILL, SYS_socket, AF_INET, SOCK_RAW, 0, 0);
    gives(KILL, SYS_socket, AF_INET, STREAM, TCP_OF_MANY_PATHS, 0);
    gives(KILL, SYS_socket, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, 0);
    gives(KILL, SYS_socket, AF_INET | 8 | 16, STREAM, 0, 0);
}

static void sending_does_not_connect(void **state)
{
    (void)state;
    write_filter(SUB);
    gives(ALLOW, SYS_sendto, 4, 0, 10, MSG_NOSIGNAL);
    gives(KILL, SYS_sendto, 4, 0, 10, MSG_FASTOPEN | MSG_NOSIGNAL);
}

static void memory_is_only_given_back(void **state)
{
    (void)state;
    write_filter(SUB);
    gives(ALLOW, SYS_madvise, 0, 4096, MADV_DONTNEED, 0);
    gives(REFUSE, SYS_madvise, 0, 4096, MADV_REMOVE, 0);
    gives(REFUSE, SYS_madvise, 0, 4096, MADV_DODUMP, 0);
}

static void options_are_of_sockets_and_tcp(void **state)
{
    (void)state;
    write_filter(SUB);
    gives(ALLOW, SYS_setsockopt, 4, SOL_SOCKET, SO_RCVBUF, 0);
    gives(ALLOW, SYS_setsockopt, 4, IPPROTO_TCP, 1, 0);
    gives(REFUSE, SYS_setsockopt, 4, IPPROTO_IP, 0, 0);
    gives(REFUSE, SYS_setsockopt, 4, IPPROTO_IPV6, 0, 0);
    gives(ALLOW, SYS_fcntl, 4, F_SETFD, 1, 0);
    gives(ALLOW, SYS_fcntl, 4, F_DUPFD_CLOEXEC, 3, 0);
    gives(REFUSE, SYS_fcntl, 4, F_SETOWN, 1, 0);
}

static void opens(uint32_t expected, uint64_t flags)
{
    gives(expected, SYS_open, 0, flags, 0, 0);
    gives(expected, SYS_openat, 0, 0, flags, 0);
}

static void files_are_opened_as_needed(void **state)
{
    (void)state;
    write_filter(NUMERIC);
    opens(REFUSE, O_RDONLY);
    write_filter(SUB);
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
    gives(REFUSE, SYS_bind, 4, 0, 0, 0);
    write_filter(SUB | TH_SANDBOX_BIND);
    gives(ALLOW, SYS_bind, 4, 0, 0, 0);
    gives(REFUSE, SYS_listen, 4, 1, 0, 0);
    gives(REFUSE, SYS_accept4, 4, 0, 0, 0);
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
        cmocka_unit_test(the_largest_filter_has_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "sandbox/calls.h"

#include "sandbox/machine.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

const uint32_t th_sandbox_machine = TH_SANDBOX_MACHINE;

#define ALWAYS 0xff /* any need */

struct allowed {
    uint16_t call;
    uint8_t needs; /* one of these is wanted */
};

static const struct allowed allowed[] = {
    {__NR_recvfrom, ALWAYS},
    {__NR_poll, ALWAYS},
    {__NR_ppoll, ALWAYS},
    {__NR_ppoll_time64, ALWAYS},
    {__NR_read, ALWAYS},
    {__NR_write, ALWAYS},
    {__NR_clock_gettime, ALWAYS},
    {__NR_clock_gettime64, ALWAYS},
    {__NR_pread64, ALWAYS},
    {__NR_close, ALWAYS},
    {__NR_getrandom, ALWAYS},
    {__NR_connect, ALWAYS},
    {__NR_getsockopt, ALWAYS},
    {__NR_getsockname, ALWAYS},
    {__NR_getpeername, ALWAYS},
    {__NR_shutdown, ALWAYS},
    {__NR_getpid, ALWAYS},
    {__NR_rt_sigprocmask, ALWAYS},
    {__NR_rt_sigreturn, ALWAYS},
    {__NR_sigreturn, ALWAYS},
    {__NR_restart_syscall, ALWAYS}, /* stopped and continued */
    {__NR_exit_group, ALWAYS},
    {__NR_exit, ALWAYS},
    {__NR_bind, TH_SANDBOX_BIND},
    {__NR_open, TH_SANDBOX_WRITE},
    {__NR_openat, TH_SANDBOX_WRITE},
    {__NR_getdents64, TH_SANDBOX_READ},
    {__NR_fsync, TH_SANDBOX_WRITE | TH_SANDBOX_KEEP},
    {__NR_fdatasync, TH_SANDBOX_WRITE},
    {__NR_flock, TH_SANDBOX_WRITE},
    {__NR_fstat, TH_SANDBOX_READ | TH_SANDBOX_WRITE},
    {__NR_fstat64, TH_SANDBOX_READ | TH_SANDBOX_WRITE},
    {__NR_geteuid, TH_SANDBOX_WRITE},
    {__NR_geteuid32, TH_SANDBOX_WRITE},
    {__NR_lstat, TH_SANDBOX_WRITE},
    {__NR_lstat64, TH_SANDBOX_WRITE},
    {__NR_newfstatat, TH_SANDBOX_READ | TH_SANDBOX_WRITE},
    {__NR_fstatat64, TH_SANDBOX_READ | TH_SANDBOX_WRITE},
    {__NR_statx, TH_SANDBOX_READ | TH_SANDBOX_WRITE},
    {__NR_rename, TH_SANDBOX_WRITE},
    {__NR_renameat, TH_SANDBOX_WRITE},
    {__NR_renameat2, TH_SANDBOX_WRITE},
    {__NR_unlink, TH_SANDBOX_WRITE | TH_SANDBOX_SERVE},
    {__NR_unlinkat, TH_SANDBOX_WRITE | TH_SANDBOX_SERVE},
    {__NR_accept4, TH_SANDBOX_SERVE},
    {__NR_adjtimex, TH_SANDBOX_KEEP},
    {__NR_clock_adjtime64, TH_SANDBOX_KEEP},
    {__NR_pwrite64, TH_SANDBOX_KEEP | TH_SANDBOX_WRITE},
    {__NR_ftruncate, TH_SANDBOX_KEEP | TH_SANDBOX_WRITE},
    {__NR_ftruncate64, TH_SANDBOX_KEEP | TH_SANDBOX_WRITE},
};

/* Where a jump goes, until the end is known. The end is in this order. */
enum verdict { REFUSE = 252, ALLOW, KILL };

/* What depends on an argument: the first rule that fits decides. */
struct rule {
    uint16_t call;
    uint8_t needs;
    uint8_t argument; /* its lower 32 bits */
    uint8_t verdict;
    bool unless; /* fits when (argument & mask) is not `value` */
    uint32_t mask, value;
};

#define IF(n, bits, number) .argument = n, .mask = bits, .value = number
#define UNLESS(n, bits, number) IF(n, bits, number), .unless = true

#define ALL_BITS (~0u)
#define TYPE_BITS 0xfu      /* of a socket, besides its flags */
#define FAST_OPEN 0x20000000u /* MSG_FASTOPEN connects, and landlock does not see it */

_Static_assert((AF_INET6 & ~8) == AF_INET, "one mask for both");

static const struct rule rules[] = {
    {__NR_sendto, ALWAYS, UNLESS(3, FAST_OPEN, 0), .verdict = KILL},
    {__NR_sendto, ALWAYS, IF(3, FAST_OPEN, 0), .verdict = ALLOW},
    {__NR_madvise, ALWAYS, IF(2, ALL_BITS, MADV_DONTNEED), .verdict = ALLOW},
    {__NR_madvise, ALWAYS, IF(2, ALL_BITS, MADV_DONTNEED_LOCKED), .verdict = ALLOW},
    {__NR_setsockopt, ALWAYS, IF(2, ALL_BITS, TCP_ULP), .verdict = KILL},
    {__NR_setsockopt, ALWAYS, IF(2, ALL_BITS, SO_ATTACH_FILTER), .verdict = KILL},
    {__NR_setsockopt, ALWAYS, IF(1, ALL_BITS, SOL_SOCKET), .verdict = ALLOW},
    {__NR_setsockopt, ALWAYS, IF(1, ALL_BITS, IPPROTO_TCP), .verdict = ALLOW},
    {__NR_fcntl, ALWAYS, IF(1, ALL_BITS, F_SETFD), .verdict = ALLOW},
    {__NR_fcntl, ALWAYS, IF(1, ALL_BITS, F_DUPFD_CLOEXEC), .verdict = ALLOW},
    {__NR_fcntl64, ALWAYS, IF(1, ALL_BITS, F_SETFD), .verdict = ALLOW},
    {__NR_fcntl64, ALWAYS, IF(1, ALL_BITS, F_DUPFD_CLOEXEC), .verdict = ALLOW},
    {__NR_ioctl, TH_SANDBOX_INTERNET, IF(1, ALL_BITS, SIOCGIFINDEX), .verdict = ALLOW},
    {__NR_open, TH_SANDBOX_READ, IF(1, O_ACCMODE | O_CREAT | O_TRUNC, 0), .verdict = ALLOW},
    {__NR_openat, TH_SANDBOX_READ, IF(2, O_ACCMODE | O_CREAT | O_TRUNC, 0), .verdict = ALLOW},
    {__NR_socket, TH_SANDBOX_UNIX, UNLESS(1, TYPE_BITS, SOCK_STREAM), .verdict = KILL},
    {__NR_socket, TH_SANDBOX_UNIX, IF(0, ALL_BITS, AF_UNIX), .verdict = ALLOW},
    {__NR_socket, ALWAYS, UNLESS(0, ~8u, AF_INET), .verdict = KILL},
    {__NR_socket, ALWAYS, UNLESS(2, ALL_BITS, 0), .verdict = KILL},
    {__NR_socket, TH_SANDBOX_INTERNET, IF(1, TYPE_BITS, SOCK_STREAM), .verdict = ALLOW},
    {__NR_socket, TH_SANDBOX_LOOKUP, IF(1, TYPE_BITS, SOCK_DGRAM), .verdict = ALLOW},
};

/* Nothing here calls these: whoever does is an intruder. */
static const uint16_t killed[] = {
    __NR_brk, __NR_mmap, __NR_mmap2, __NR_mremap, __NR_munmap, __NR_mprotect, __NR_pkey_mprotect,
    __NR_remap_file_pages, __NR_shmat, __NR_memfd_create, __NR_memfd_secret, __NR_userfaultfd,
    __NR_execve, __NR_execveat, __NR_fork, __NR_vfork, __NR_clone, __NR_clone3,
    __NR_ptrace, __NR_process_vm_readv, __NR_process_vm_writev, __NR_process_madvise,
    __NR_pidfd_getfd, __NR_kcmp, __NR_perf_event_open, __NR_bpf,
    __NR_socket, __NR_io_uring_setup, __NR_io_uring_enter, __NR_io_uring_register,
    __NR_mount, __NR_umount2, __NR_move_mount, __NR_open_tree, __NR_fsopen, __NR_fsmount,
    __NR_mount_setattr, __NR_pivot_root, __NR_chroot, __NR_setns, __NR_unshare,
    __NR_open_by_handle_at, __NR_add_key, __NR_request_key, __NR_keyctl, __NR_personality,
    __NR_modify_ldt, __NR_iopl, __NR_ioperm, __NR_init_module, __NR_finit_module,
    __NR_delete_module, __NR_kexec_load, __NR_kexec_file_load, __NR_swapon, __NR_swapoff,
    __NR_reboot, __NR_settimeofday, __NR_clock_settime, __NR_clock_settime64,
};

/* ---- writing it ------------------------------------------------------------------------------ */

#define COUNT_OF(list) (sizeof list / sizeof *list)
#define DATA(field) ((uint32_t)offsetof(struct seccomp_data, field))

/* Of the two halves of an argument. */
#define LOWER_HALF (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4u : 0u)

/* x32's numbers on x86-64; the highest stands for a call that a tracer has taken out. */
#define FOREIGN_NUMBERS 0x40000000u
#define NO_NUMBER 0xffffffffu

struct writer {
    struct sock_filter *next;
    uint32_t needs;
};

static void put(struct writer *writer, uint16_t code, uint32_t value, uint8_t then,
                uint8_t otherwise)
{
    *writer->next++ = (struct sock_filter){code, then, otherwise, value};
}

static void load(struct writer *writer, uint32_t offset_bytes)
{
    put(writer, BPF_LD | BPF_W | BPF_ABS, offset_bytes, 0, 0);
}

static void when_equal(struct writer *writer, uint32_t value, uint8_t then, uint8_t otherwise)
{
    put(writer, BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise);
}

static void put_head(struct writer *writer)
{
    load(writer, DATA(arch));
    when_equal(writer, th_sandbox_machine, 0, KILL);
    load(writer, DATA(nr));
    when_equal(writer, NO_NUMBER, ALLOW, 0);
    put(writer, BPF_JMP | BPF_JGE | BPF_K, FOREIGN_NUMBERS, KILL, 0);
}

static void put_rule(struct writer *writer, const struct rule *rule)
{
    if (!(rule->needs & writer->needs))
        return;
    when_equal(writer, rule->call, 0, 4);
    load(writer, DATA(args) + 8u * rule->argument + LOWER_HALF);
    put(writer, BPF_ALU | BPF_AND | BPF_K, rule->mask, 0, 0);
    when_equal(writer, rule->value, rule->unless ? 0 : rule->verdict,
               rule->unless ? rule->verdict : 0);
    load(writer, DATA(nr));
}

static void put_calls(struct writer *writer)
{
    for (size_t i = 0; i < COUNT_OF(allowed); i++)
        if (allowed[i].needs & writer->needs)
            when_equal(writer, allowed[i].call, ALLOW, 0);
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        put_rule(writer, &rules[i]);
    for (size_t i = 0; i < COUNT_OF(killed); i++)
        when_equal(writer, killed[i], KILL, 0);
}

static void put_end(struct writer *writer)
{
    put(writer, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
    put(writer, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    put(writer, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
}

static uint8_t settled(uint8_t jump, uint8_t to_end)
{
    return jump < REFUSE ? jump : (uint8_t)(to_end + jump - REFUSE);
}

static void settle_jumps(struct sock_filter *filter, const struct sock_filter *end)
{
    for (; filter < end; filter++) {
        uint8_t to_end = (uint8_t)(end - filter - 1);
        filter->jt = settled(filter->jt, to_end);
        filter->jf = settled(filter->jf, to_end);
    }
}

unsigned th_sandbox_filter(struct sock_filter filter[TH_SANDBOX_FILTER_MAX], uint32_t needs)
{
    struct writer writer = {filter, needs};
    put_head(&writer);
    put_calls(&writer);
    settle_jumps(filter, writer.next);
    put_end(&writer);
    return (unsigned)(writer.next - filter);
}

_Static_assert(5 + COUNT_OF(allowed) + 5 * COUNT_OF(rules) + COUNT_OF(killed) + 3 <=
                   TH_SANDBOX_FILTER_MAX, "the filter has room, and jumps reach its end");

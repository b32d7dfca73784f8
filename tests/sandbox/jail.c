/* One forbidden act, tried in the jail of the program: the same objects, linked into this one.
 *
 *     jail list            the acts, each with its errno in both jails; 0: done, -1: killed
 *     jail JAIL ACT PORT OTHER_PORT FILE   tries one; prints "done" or its errno
 *
 * JAIL is "out"; "in", that of a subscriber who looks names up and may connect to PORT; "writer",
 * who may also write files into /var/tmp; or a number, on a kernel with this version of landlock.
 * FILE lies elsewhere, and at both ports somebody listens. */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

static _Alignas(PAGE) char memory[2 * PAGE];
static int own_port, other_port;
static int open_socket; /* opened before */
static const char *file;

static char *name_beside(const char *end)
{
    static char text[512];
    snprintf(text, sizeof text, "%s%s", file, end);
    return text;
}

/* ---- a kernel with another landlock ---------------------------------------------------------- */

static int landlock_version; /* 0: the kernel's own */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
    long a[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    if (landlock_version && number == SYS_landlock_create_ruleset && a[0] == 0)
        return landlock_version;
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- memory and code ------------------------------------------------------------------------- */

static long grow_heap(void)
{
    long now = syscall(SYS_brk, 0);
    return now > 0 && syscall(SYS_brk, now + PAGE) == now + PAGE ? 0 : -1;
}

static long map(void)
{
    return syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long map_code(void)
{
    return syscall(SYS_mmap, NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long remap(void) { return syscall(SYS_mremap, memory, PAGE, 2 * PAGE, MREMAP_MAYMOVE); }
static long unmap(void) { return syscall(SYS_munmap, memory, PAGE); }
static long make_writable(void) { return syscall(SYS_mprotect, memory, PAGE, PROT_READ); }

static long make_code(void)
{
    return syscall(SYS_mprotect, memory, PAGE, PROT_READ | PROT_EXEC);
}

static long make_file_in_memory(void) { return syscall(SYS_memfd_create, "x", 0); }
static long share(void) { return syscall(SYS_shmat, shmget(IPC_PRIVATE, PAGE, 0600), NULL, 0); }
static long advise(void) { return syscall(SYS_madvise, memory, PAGE, MADV_DONTFORK); }
static long lock_memory(void) { return syscall(SYS_mlock, memory, PAGE); }

/* ---- other programs and processes ------------------------------------------------------------ */

static char *const words[] = {"/bin/true", NULL};

static long execute(void) { return syscall(SYS_execve, words[0], words, words + 1); }

static long execute_at(void)
{
    return syscall(SYS_execveat, AT_FDCWD, words[0], words, words + 1, 0);
}

static long end_child(long pid)
{
    if (pid == 0)
        _exit(0);
    return pid;
}

static long clone_as_fork(void) { return end_child(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }

#ifdef SYS_fork
static long fork_off(void) { return end_child(syscall(SYS_fork)); }
#define FORKS {"fork", fork_off, KILLED, 0},
#else
#define FORKS
#endif

static long clone_anew(void)
{
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    return end_child(syscall(SYS_clone3, &arguments, sizeof arguments));
}

static long be_traced(void) { return syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0); }

static long read_memory(void)
{
    struct iovec to = {memory, 16}, from = {memory + PAGE, 16};
    return syscall(SYS_process_vm_readv, getpid(), &to, 1, &from, 1, 0);
}

static long write_memory(void)
{
    struct iovec to = {memory, 16}, from = {memory + PAGE, 16};
    return syscall(SYS_process_vm_writev, getpid(), &to, 1, &from, 1, 0);
}

static long die(void) { return *(volatile long *)8; }
static long signal_parent(void) { return syscall(SYS_kill, getppid(), 0); }
static long leave_namespace(void) { return syscall(SYS_unshare, CLONE_FS); }
static long change_personality(void) { return syscall(SYS_personality, 0xffffffff); }
static long change_root(void) { return syscall(SYS_chroot, "/"); }
static long take_a_tree(void) { return syscall(SYS_open_tree, AT_FDCWD, "/", 0); }
static long become_another(void) { return syscall(SYS_setuid, getuid()); }
static long keep_a_key(void) { return syscall(SYS_keyctl, 0, -3, 1); }
static long schedule(void) { return syscall(SYS_sched_setscheduler, 0, 0, &(int){0}); }
static long filter_again(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

static long raise_limit(void)
{
    struct rlimit limit = {65, 65};
    return setrlimit(RLIMIT_NOFILE, &limit);
}

/* getpid, by the way of i386. */
#ifdef __x86_64__
static long call_as_i386(void)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(20) : "memory", "r8", "r9", "r10", "r11");
    return result;
}
#define ON_X86_64 {"i386", call_as_i386, KILLED, 0},
#else
#define ON_X86_64
#endif

/* ---- files ----------------------------------------------------------------------------------- */

static long read_file(void) { return open(file, O_RDONLY); }
static long write_file(void) { return open(file, O_WRONLY); }
static long create_file(void) { return open(name_beside(".new"), O_WRONLY | O_CREAT, 0600); }
static long list_directory(void) { return open("/", O_RDONLY | O_DIRECTORY); }
static long write_in_etc(void) { return open("/etc/hosts", O_WRONLY | O_APPEND); }
static long remove_file(void) { return syscall(SYS_unlinkat, AT_FDCWD, file, 0); }
static long rename_file(void) { return rename(file, name_beside(".old")); }
static long link_file(void) { return symlink(file, name_beside(".link")); }
static long make_directory(void) { return mkdir(name_beside(".d"), 0700); }
static long change_mode(void) { return chmod(file, 0600); }
static long change_directory(void) { return chdir("/"); }
static long make_pipe(void) { return pipe((int[2]){0}); }

/* ---- the network ----------------------------------------------------------------------------- */

static long netlink(void) { return socket(AF_NETLINK, SOCK_RAW, 0); }
static long local(void) { return socket(AF_UNIX, SOCK_STREAM, 0); }
static long raw(void) { return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
static long packet(void) { return socket(17, SOCK_RAW, 0); }
static long many_paths(void) { return socket(AF_INET, SOCK_STREAM, 262); }
static long pair(void) { return socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}); }

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){AF_INET, htons((uint16_t)port), {htonl(INADDR_LOOPBACK)}, {0}};
}

static long connect_to(int which)
{
    struct sockaddr_in there = loopback(which);
    return connect(open_socket, (struct sockaddr *)&there, sizeof there);
}

static long connect_as_told(void) { return connect_to(own_port); }
static long connect_elsewhere(void) { return connect_to(other_port); }

static long connect_by_sending(void)
{
    struct sockaddr_in there = loopback(other_port);
    return sendto(open_socket, "", 0, MSG_FASTOPEN, (struct sockaddr *)&there, sizeof there);
}

static long bind_port(void)
{
    struct sockaddr_in here = loopback(0);
    return bind(open_socket, (struct sockaddr *)&here, sizeof here);
}

static long serve(void) { return listen(open_socket, 1); }
static long attach_a_protocol(void)
{
    return setsockopt(open_socket, IPPROTO_TCP, 31 /* TCP_ULP */, "mptcp", 5) == 0 ||
           errno == EOPNOTSUPP || errno == ENOENT ? 0 : -1;
}

static long attach_a_filter(void)
{
    struct sock_filter all = {BPF_RET | BPF_K, 0, 0, 0xffff};
    struct sock_fprog program = {1, &all};
    return setsockopt(open_socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static long change_ip_option(void) { return setsockopt(open_socket, 0, 1, &(int){0}, sizeof(int)); }
static long ask_interfaces(void) { return ioctl(open_socket, 0x8912, &(char[64]){0}); }

/* ---- all of them ----------------------------------------------------------------------------- */

#define KILLED (-1)

static const struct act {
    const char *name;
    long (*attempt)(void);
    int end;    /* errno in the jail, 0: done, or KILLED */
    int writer; /* where files may be written in another directory; 0: the same */
} acts[] = {
    {"brk", grow_heap, KILLED, 0},
    {"mmap", map, KILLED, 0},
    {"mmap-code", map_code, KILLED, 0},
    {"mremap", remap, KILLED, 0},
    {"munmap", unmap, KILLED, 0},
    {"mprotect", make_writable, KILLED, 0},
    {"mprotect-code", make_code, KILLED, 0},
    {"memfd_create", make_file_in_memory, KILLED, 0},
    {"shmat", share, KILLED, 0},
    {"madvise", advise, EPERM, 0},
    {"mlock", lock_memory, EPERM, 0},
    {"execve", execute, KILLED, 0},
    {"execveat", execute_at, KILLED, 0},
    FORKS
    {"clone", clone_as_fork, KILLED, 0},
    {"clone3", clone_anew, KILLED, 0},
    {"ptrace", be_traced, KILLED, 0},
    {"process_vm_readv", read_memory, KILLED, 0},
    {"process_vm_writev", write_memory, KILLED, 0},
    {"kill", signal_parent, EPERM, 0},
    {"die", die, KILLED, 0},
    {"unshare", leave_namespace, KILLED, 0},
    {"personality", change_personality, KILLED, 0},
    {"chroot", change_root, KILLED, 0},
    {"open_tree", take_a_tree, KILLED, 0},
    {"setuid", become_another, EPERM, 0},
    {"keyctl", keep_a_key, KILLED, 0},
    {"sched_setscheduler", schedule, EPERM, 0},
    {"prctl", filter_again, EPERM, 0},
    {"setrlimit", raise_limit, EPERM, 0},
    {"read-file", read_file, EACCES, 0},
    {"write-file", write_file, EPERM, EACCES},
    {"create-file", create_file, EPERM, EACCES},
    {"list-directory", list_directory, EACCES, 0},
    {"write-etc", write_in_etc, EPERM, EACCES},
    {"unlink", remove_file, EPERM, EACCES},
    {"rename", rename_file, EPERM, EACCES},
    {"symlink", link_file, EPERM, 0},
    {"mkdir", make_directory, EPERM, 0},
    {"chmod", change_mode, EPERM, 0},
    {"chdir", change_directory, EPERM, 0},
    {"pipe", make_pipe, EPERM, 0},
    {"netlink", netlink, KILLED, 0},
    {"unix-socket", local, KILLED, 0},
    {"raw-socket", raw, KILLED, 0},
    {"packet-socket", packet, KILLED, 0},
    {"mptcp-socket", many_paths, KILLED, 0},
    {"socketpair", pair, EPERM, 0},
    {"own-port", connect_as_told, 0, 0},
    {"other-port", connect_elsewhere, EACCES, 0},
    {"fast-open", connect_by_sending, KILLED, 0},
    {"bind", bind_port, EPERM, 0},
    {"listen", serve, EPERM, 0},
    {"protocol-on-top", attach_a_protocol, KILLED, 0},
    {"socket-filter", attach_a_filter, KILLED, 0},
    {"ip-option", change_ip_option, EPERM, 0},
    {"ioctl", ask_interfaces, EPERM, 0},
    ON_X86_64
};

static int list(void)
{
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        printf("%s %d %d\n", acts[i].name, acts[i].end,
               acts[i].writer ? acts[i].writer : acts[i].end);
    return 0;
}

static const struct act *find(const char *name)
{
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (!strcmp(acts[i].name, name))
            return &acts[i];
    fprintf(stderr, "no such act: %s\n", name);
    exit(2);
}

/* Without stdio, which writes with a call that is not allowed. */
static void say(const char *format, ...)
{
    char text[64];
    va_list arguments;
    va_start(arguments, format);
    int bytes = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    syscall(SYS_write, 1, text, bytes);
}

static void lock(const char *jail)
{
    struct th_report_sandbox locked = {0};
    struct th_sandbox_wish wish = {
        .needs = TH_SANDBOX_INTERNET | TH_SANDBOX_LOOKUP | TH_SANDBOX_READ,
        .ports = {(uint16_t)own_port, 53},
        .reads = {"/etc/hosts", "/etc/resolv.conf"},
    };
    landlock_version = atoi(jail);
    if (!strcmp(jail, "writer")) {
        wish.needs |= TH_SANDBOX_WRITE;
        wish.writes[0] = "/var/tmp/report";
    }
    th_sandbox_lock(&wish, &locked);
    say("holds %d lacks %d\n", locked.holds, locked.lacks);
}

int main(int argc, char *argv[])
{
    if (argc == 2 && !strcmp(argv[1], "list"))
        return list();
    if (argc != 6)
        return 2;
    const struct act *act = find(argv[2]);
    own_port = atoi(argv[3]);
    other_port = atoi(argv[4]);
    file = argv[5];
    open_socket = socket(AF_INET, SOCK_STREAM, 0);
    if (strcmp(argv[1], "out"))
        lock(argv[1]);
    if (act->attempt() == -1)
        say("%d\n", errno);
    else
        say("done\n");
    _exit(0);
}

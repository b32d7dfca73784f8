/* Runs a program for which it is another time, from outside (ptrace, x86-64): a static program
 * knows no preloaded library.
 *
 *     warp FILE PROGRAM WORDS...
 *
 * FILE holds "SECONDS STATE": what is added to the system's date, and what adjtimex(2) says (qemu
 * may ask by clock_adjtime(2)), 0 for synchronised, 5 for not, -1 for what the kernel says. It is
 * read again at each call, so that whoever writes it lets time jump. The page by which the kernel
 * tells the time without a call is taken out of sight when the program starts. */
#include "traced.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <time.h>
#include <unistd.h>

static pid_t child;
static const char *path;
static long long offset_s;
static int state = -1;

static void read_wish(void)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    if (fscanf(file, "%lld %d", &offset_s, &state) != 2) /* it is being written */
        perror("warp");
    fclose(file);
}

static int move(uint64_t at, void *here, size_t bytes, int write)
{
    struct iovec ours = {here, bytes}, theirs = {(void *)(uintptr_t)at, bytes};
    ssize_t moved = write ? process_vm_writev(child, &ours, 1, &theirs, 1, 0)
                          : process_vm_readv(child, &ours, 1, &theirs, 1, 0);
    return moved == (ssize_t)bytes;
}

/* argc, argv, NULL, environment, NULL, auxiliary vector. */
static void hide_vdso(void)
{
    struct user_regs_struct registers;
    uint64_t word, at;
    ptrace(PTRACE_GETREGS, child, NULL, &registers);
    at = registers.rsp + 8;
    for (int lists = 0; lists < 2; at += 8)
        lists += move(at, &word, 8, 0) && !word;
    for (Elf64_auxv_t entry; move(at, &entry, sizeof entry, 0) && entry.a_type; at += sizeof entry)
        if (entry.a_type == AT_SYSINFO_EHDR) {
            entry.a_type = AT_IGNORE;
            move(at, &entry, sizeof entry, 1);
        }
}

static void warp_date(uint64_t clock, uint64_t at)
{
    struct timespec date;
    if (clock != CLOCK_REALTIME || !move(at, &date, sizeof date, 0))
        return;
    read_wish();
    date.tv_sec += offset_s;
    move(at, &date, sizeof date, 1);
}

static void warp_state(void)
{
    struct user_regs_struct registers;
    read_wish();
    ptrace(PTRACE_GETREGS, child, NULL, &registers);
    if (state >= 0)
        registers.rax = (unsigned long long)state;
    ptrace(PTRACE_SETREGS, child, NULL, &registers);
}

static void stopped_in_call(void)
{
    static struct __ptrace_syscall_info entry;
    struct __ptrace_syscall_info info = {0};
    ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof info, &info);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
        entry = info;
    else if (entry.entry.nr == SYS_clock_gettime)
        warp_date(entry.entry.args[0], entry.entry.args[1]);
    else if (entry.entry.nr == SYS_adjtimex || entry.entry.nr == SYS_clock_adjtime)
        warp_state();
}

/* The signal to pass on. */
static int stopped(int status)
{
    int number = WSTOPSIG(status);
    if (status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXEC << 8))) {
        hide_vdso();
        return 0;
    }
    if (number != SYSCALL_STOP)
        return number;
    stopped_in_call();
    return 0;
}

/* Who signals us means it. */
static void pass_on(int number)
{
    kill(child, number);
}

int main(int argc, char *argv[])
{
    int status, pass = 0;
    if (argc < 3)
        return fprintf(stderr, "warp FILE PROGRAM WORDS...\n"), 2;
    path = argv[1];
    child = start_traced(argv + 2);
    signal(SIGTERM, pass_on);
    signal(SIGINT, pass_on);
    signal(SIGHUP, pass_on);
    do {
        ptrace(PTRACE_SYSCALL, child, NULL, (void *)(intptr_t)pass);
        pid_t got;
        do
            got = waitpid(child, &status, 0);
        while (got < 0 && errno == EINTR);
        pass = got >= 0 && WIFSTOPPED(status) ? stopped(status) : 0;
    } while (WIFSTOPPED(status));
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

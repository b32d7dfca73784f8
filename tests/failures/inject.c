/* Runs a program and makes one of its system calls fail, from outside (ptrace):
 *
 *     inject RESULT SECONDS CALL PLACE FIRST LAST ACTION PROGRAM WORDS...
 *
 * CALL at PLACE (what its descriptor or path stands for) is failed from its FIRST time to its LAST.
 * ACTION:  error:N  it is not made and returns -N      after:N  it is made, and returns -N
 *          value:N  it is not made and returns N       short:N  it is made, with at most N bytes
 *          none     nothing fails
 * RESULT gets a line "call CALL PLACE" for each call, then "injected COUNT", then "exit STATUS",
 * "signal NUMBER", or "hang" after so many SECONDS. */
#include "traced.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

enum { DESCRIPTORS = 256, PLACE_BYTES = 96 };

/* What a call's place is made of. */
enum place_kind {
    NOWHERE, DESCRIPTOR, PATH, PATH_AT, FILE_OPENED, FILE_OPENED_AT, DESCRIPTORS_POLLED, NUMBER,
    OPTION, COMMAND, RESOURCE, SOCKET
};

static const struct call {
    long number;
    const char *name;
    enum place_kind place;
    int bytes_at; /* index of the argument that limits the bytes; 0: none */
} calls[] = {
#include "calls.inc"
};

static struct {
    const char *call, *place, *action;
    unsigned first, last;
    long value;
} wish;

static pid_t child;
static FILE *result;
static char labels[DESCRIPTORS][PLACE_BYTES]; /* what each descriptor stands for */
static unsigned met, injected;

/* ---- the process ------------------------------------------------------------------------------ */

static void read_memory(uint64_t at, void *to, size_t bytes)
{
    struct iovec here = {to, bytes}, there = {(void *)(uintptr_t)at, bytes};
    process_vm_readv(child, &here, 1, &there, 1, 0);
}

/* Byte by byte: it may end at a page's end. */
static void read_text(uint64_t at, char *to, size_t bytes)
{
    memset(to, 0, bytes);
    for (size_t i = 0; i < bytes - 1; i++) {
        read_memory(at + i, to + i, 1);
        if (!to[i])
            return;
    }
}

static void get(struct user_regs_struct *registers)
{
    ptrace(PTRACE_GETREGS, child, NULL, registers);
}

static void set(struct user_regs_struct *registers)
{
    ptrace(PTRACE_SETREGS, child, NULL, registers);
}

static void skip_call(void)
{
    struct user_regs_struct registers;
    get(&registers);
    registers.orig_rax = (unsigned long long)-1;
    set(&registers);
}

static void change_result(long value)
{
    struct user_regs_struct registers;
    get(&registers);
    registers.rax = (unsigned long long)value;
    set(&registers);
}

static void limit_bytes(int argument)
{
    struct user_regs_struct registers;
    get(&registers);
    unsigned long long *bytes = argument == 1 ? &registers.rsi : &registers.rdx;
    if (*bytes > (unsigned long long)wish.value)
        *bytes = (unsigned long long)wish.value;
    set(&registers);
}

/* ---- places ----------------------------------------------------------------------------------- */

static const char *label_of(uint64_t fd)
{
    return (int)fd >= 0 && (int)fd < DESCRIPTORS && *labels[(int)fd] ? labels[(int)fd] : "none";
}

static void set_label(int64_t fd, const char *text)
{
    if (fd >= 0 && fd < DESCRIPTORS)
        snprintf(labels[fd], PLACE_BYTES, "%s", text);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* System files by their whole path, others by their name; process identifiers as N. */
static void path_place(uint64_t at, char *place)
{
    char path[512], *name;
    read_text(at, path, sizeof path);
    bool is_system = !strncmp(path, "/etc/", 5) || !strncmp(path, "/proc/", 6) ||
                     !strncmp(path, "/dev/", 5);
    name = is_system || !strrchr(path, '/') ? path : strrchr(path, '/') + 1;
    size_t used = 0;
    for (; *name && used < PLACE_BYTES - 1; name++)
        if (!is_digit(*name))
            place[used++] = *name;
        else if (!is_digit(name[1]))
            place[used++] = 'N';
    place[used] = '\0';
}

/* What is only looked for, not read, is a rule's file or directory. */
static void opened_place(uint64_t at, uint64_t flags, char *place)
{
    if (flags & O_PATH)
        strcpy(place, "O_PATH");
    else
        path_place(at, place);
}

static void polled_place(uint64_t at, uint64_t count, char *place)
{
    snprintf(place, PLACE_BYTES, "%s", count ? "" : "nothing");
    for (uint64_t i = 0; i < count && i < 8; i++) {
        struct pollfd one = {0};
        read_memory(at + i * sizeof one, &one, sizeof one);
        size_t used = strlen(place);
        snprintf(place + used, PLACE_BYTES - used, "%s%s", i ? "+" : "", label_of((uint64_t)one.fd));
    }
}

static const char *socket_label(const uint64_t *args)
{
    return (args[1] & 15) == SOCK_STREAM ? "stream" : "datagrams";
}

static void find_place(const struct call *call, const uint64_t *args, char *place)
{
    switch (call->place) {
    case DESCRIPTOR:
        snprintf(place, PLACE_BYTES, "%s", label_of(args[0]));
        return;
    case PATH:
        path_place(args[0], place);
        return;
    case PATH_AT:
        path_place(args[1], place);
        return;
    case FILE_OPENED:
        opened_place(args[0], args[1], place);
        return;
    case FILE_OPENED_AT:
        opened_place(args[1], args[2], place);
        return;
    case DESCRIPTORS_POLLED:
        polled_place(args[0], args[1], place);
        return;
    case SOCKET:
        strcpy(place, socket_label(args));
        return;
    case NUMBER:
        snprintf(place, PLACE_BYTES, "%lld", (long long)args[0]);
        return;
    case OPTION:
        snprintf(place, PLACE_BYTES, "%s.%lld.%lld", label_of(args[0]), (long long)args[1],
                 (long long)args[2]);
        return;
    case COMMAND:
        snprintf(place, PLACE_BYTES, "%s.%lld", label_of(args[0]), (long long)args[1]);
        return;
    case RESOURCE:
        snprintf(place, PLACE_BYTES, "%lld.%s", (long long)args[1], args[2] ? "set" : "get");
        return;
    case NOWHERE:
        strcpy(place, "-");
        return;
    }
}

/* After the call: which descriptor stands for what. */
static void follow(const struct call *call, const uint64_t *args, const char *place, int64_t value)
{
    if (!strcmp(call->name, "socket"))
        set_label(value, place);
    else if (!strcmp(call->name, "open") || !strcmp(call->name, "openat"))
        set_label(value, place);
    else if (!strcmp(call->name, "signalfd4"))
        set_label(value, "signals");
    else if (!strcmp(call->name, "fcntl") && args[1] == F_DUPFD_CLOEXEC)
        set_label(value, label_of(args[0]));
    else if (!strncmp(call->name, "landlock_create", 15))
        set_label(value, "ruleset");
}

/* ---- one call --------------------------------------------------------------------------------- */

static const struct call *find_call(long number)
{
    static char name[32];
    static struct call unknown = {.name = name};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].number == number)
            return &calls[i];
    snprintf(name, sizeof name, "call-%ld", number);
    return &unknown;
}

static bool does(const char *action)
{
    return !strncmp(wish.action, action, strlen(action));
}

static bool is_wanted(const struct call *call, const char *place)
{
    if (strcmp(call->name, wish.call) || strcmp(place, wish.place))
        return false;
    met++;
    return met >= wish.first && met <= wish.last;
}

static void before(const struct call *call)
{
    injected++;
    if (does("short"))
        limit_bytes(call->bytes_at);
    else if (!does("after"))
        skip_call();
}

static void after(void)
{
    if (does("error") || does("after"))
        change_result(-wish.value);
    else if (does("value"))
        change_result(wish.value);
}

static void stopped_in_call(void)
{
    static const struct call *call;
    static uint64_t args[6];
    static char place[PLACE_BYTES];
    static bool wanted;
    struct __ptrace_syscall_info info = {0};
    ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof info, &info);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        call = find_call((long)info.entry.nr);
        memcpy(args, info.entry.args, sizeof args);
        find_place(call, args, place);
        wanted = is_wanted(call, place);
        fprintf(result, "call %s %s\n", call->name, place);
        if (wanted)
            before(call);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && call) {
        if (wanted)
            after();
        follow(call, args, place, wanted && !does("short") ? -1 : info.exit.rval);
    }
}

/* ---- the run ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t overdue;

static void on_alarm(int number)
{
    (void)number;
    overdue = 1;
    kill(child, SIGKILL);
}

/* The signal to pass on. */
static int stopped(int status, bool *runs)
{
    int number = WSTOPSIG(status);
    if (status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXEC << 8))) {
        *runs = true;
        return 0;
    }
    if (number != SYSCALL_STOP)
        return number;
    if (*runs)
        stopped_in_call();
    return 0;
}

static int follow_to_end(void)
{
    int status, pass = 0;
    bool runs = false;
    for (;;) {
        ptrace(PTRACE_SYSCALL, child, NULL, (void *)(intptr_t)pass);
        pid_t got;
        do
            got = waitpid(child, &status, 0);
        while (got < 0 && errno == EINTR);
        if (got < 0 || !WIFSTOPPED(status))
            return status;
        pass = stopped(status, &runs);
    }
}

static void tell(int status)
{
    fprintf(result, "injected %u\n", injected);
    if (overdue)
        fprintf(result, "hang\n");
    else if (WIFSIGNALED(status))
        fprintf(result, "signal %d\n", WTERMSIG(status));
    else
        fprintf(result, "exit %d\n", WEXITSTATUS(status));
    fclose(result);
}

int main(int argc, char *argv[])
{
    if (argc < 9)
        return fprintf(stderr, "inject RESULT SECONDS CALL PLACE FIRST LAST ACTION PROGRAM...\n"), 2;
    result = fopen(argv[1], "we");
    wish.call = argv[3];
    wish.place = argv[4];
    wish.first = (unsigned)strtoul(argv[5], NULL, 10);
    wish.last = (unsigned)strtoul(argv[6], NULL, 10);
    wish.action = argv[7];
    wish.value = strchr(wish.action, ':') ? atol(strchr(wish.action, ':') + 1) : 0;
    set_label(0, "stdin");
    set_label(1, "stdout");
    set_label(2, "stderr");
    signal(SIGALRM, on_alarm);
    child = start_traced(argv + 8);
    alarm((unsigned)atoi(argv[2]));
    tell(follow_to_end());
    return 0;
}

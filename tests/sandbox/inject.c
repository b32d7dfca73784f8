/* Makes a running program do system calls it never does, from outside, as code smuggled into it
 * would: x86-64 only.
 *
 *     inject CALL ... -- PROGRAM WORD...
 *
 * starts the program, waits for a line on standard input, stops it in whatever call it waits in,
 * has it do each CALL and prints the result (-errno), or "killed SIGNAL". Then it goes on, and at
 * its end "ended STATUS" is printed. A CALL is NUMBER,ARGUMENT,...; an argument is a number, $ for
 * the last result, @TEXT or %HEX for a pointer to such bytes. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define BELOW_STACK 4096 /* where bytes are put: nobody's, if the stack is not that deep */
#define ROOM 256         /* for each */

static pid_t victim;
static long last_result;

static void fail(const char *what)
{
    perror(what);
    kill(victim, SIGKILL);
    exit(2);
}

/* ---- its memory ------------------------------------------------------------------------------ */

static uint64_t put(uint64_t place, const void *bytes, size_t count)
{
    struct iovec from = {(void *)bytes, count}, to = {(void *)place, count};
    if (process_vm_writev(victim, &from, 1, &to, 1, 0) != (ssize_t)count)
        fail("process_vm_writev");
    return place;
}

static size_t bytes_of(const char *hex, uint8_t *bytes)
{
    size_t count = 0;
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        bytes[count++] = (uint8_t)byte;
    return count;
}

static uint64_t argument_of(const char *text, uint64_t place)
{
    uint8_t bytes[ROOM];
    if (*text == '$')
        return (uint64_t)last_result;
    if (*text == '@')
        return put(place, text + 1, strlen(text));
    if (*text == '%')
        return put(place, bytes, bytes_of(text + 1, bytes));
    return strtoull(text, NULL, 0);
}

/* ---- its calls ------------------------------------------------------------------------------- */

/* It was stopped in a call: the instruction lies before the next one. */
static void set_call(struct user_regs_struct *regs, char *call)
{
    unsigned long long *const into[] = {&regs->rax, &regs->rdi, &regs->rsi, &regs->rdx,
                                        &regs->r10, &regs->r8,  &regs->r9};
    uint64_t place = regs->rsp - BELOW_STACK;
    size_t count = 0;
    for (char *word = strtok(call, ","); word && count < 7; word = strtok(NULL, ","))
        *into[count++] = argument_of(word, place += ROOM);
    while (count < 7)
        *into[count++] = 0;
    regs->rip -= 2;
    regs->orig_rax = (unsigned long long)-1;
}

static int is_killed(int status)
{
    if (WIFSTOPPED(status))
        return 0;
    printf("killed %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    return 1;
}

static int run_to_stop(int request)
{
    int status;
    if (ptrace(request, victim, 0, 0) < 0)
        fail("ptrace");
    waitpid(victim, &status, 0);
    return status;
}

static int do_call(const struct user_regs_struct *before, char *call)
{
    struct user_regs_struct regs = *before;
    set_call(&regs, call);
    ptrace(PTRACE_SETREGS, victim, 0, &regs);
    int status = run_to_stop(PTRACE_SINGLESTEP);
    if (is_killed(status))
        return -1;
    if (ptrace(PTRACE_GETREGS, victim, 0, &regs) < 0)
        fail("PTRACE_GETREGS");
    last_result = (long)regs.rax;
    printf("%ld\n", last_result);
    return 0;
}

static void do_calls(char *calls[])
{
    struct user_regs_struct before;
    int status;
    if (ptrace(PTRACE_ATTACH, victim, 0, 0) < 0)
        fail("PTRACE_ATTACH");
    waitpid(victim, &status, 0);
    ptrace(PTRACE_GETREGS, victim, 0, &before);
    for (; strcmp(*calls, "--"); calls++)
        if (do_call(&before, *calls) < 0)
            return;
    ptrace(PTRACE_SETREGS, victim, 0, &before);
    ptrace(PTRACE_DETACH, victim, 0, 0);
}

/* ---- its life -------------------------------------------------------------------------------- */

static void start(char *argv[])
{
    victim = fork();
    if (victim)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(argv[0], argv);
    _exit(127);
}

int main(int argc, char *argv[])
{
    char line[8];
    int status, program = 1;
    while (program < argc && strcmp(argv[program], "--"))
        program++;
    if (program + 1 >= argc)
        return 2;
    setbuf(stdout, NULL);
    start(argv + program + 1);
    if (!fgets(line, sizeof line, stdin))
        fail("standard input");
    do_calls(argv + 1);
    if (waitpid(victim, &status, 0) == victim)
        printf("ended %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
    return 0;
}

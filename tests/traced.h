/* A program of which every system call is seen, from its first instruction (ptrace, x86-64). */
#ifndef TESTS_TRACED_H
#define TESTS_TRACED_H

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYSCALL_STOP (SIGTRAP | 0x80) /* why it stands still before and after a call */

/* It stands still until it is told to go on (PTRACE_SYSCALL), and ends with its tracer. */
static inline pid_t start_traced(char *const *words)
{
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        execv(words[0], words);
        _exit(127);
    }
    waitpid(child, NULL, 0);
    ptrace(PTRACE_SETOPTIONS, child, NULL,
           (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC));
    return child;
}

#endif

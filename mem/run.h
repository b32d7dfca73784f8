/* Binary only: the program on a static stack with an inaccessible page at each end. */
#ifndef TH_MEM_RUN_H
#define TH_MEM_RUN_H

#include <stddef.h>

/* Runs `fn` on a stack of TH_STACK_BYTES from .bss, in the calling thread and with its signal mask,
 * and returns its result. An overflow is a SIGSEGV. If the stack cannot be set up, `fn` does not
 * run and the result is -1 with errno set. SIGURG is used to get there and has its default action
 * afterwards. */
int th_stack_run(int (*fn)(void *arg), void *arg);

/* Makes the guard pages plain memory again, for leak checkers that read all of it. 0 or -1. */
int th_stack_unguard(void);

/* Inside `fn`: the range of its stack, for `stack_low` and `stack_bytes` of a configuration. */
void *th_stack_run_low(void);
size_t th_stack_run_bytes(void);

#endif

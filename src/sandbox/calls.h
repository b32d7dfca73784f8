/* The system calls of the locked program, as a filter in classic BPF (seccomp(2)): what is listed
 * is allowed, what only an intruder would do kills the process, the rest fails with EPERM. */
#ifndef TH_SANDBOX_CALLS_H
#define TH_SANDBOX_CALLS_H

#include <linux/filter.h>
#include <stdint.h>

#define TH_SANDBOX_FILTER_MAX 224 /* instructions; jumps reach 255 */

/* AUDIT_ARCH_* of this machine; 0: one we have no table for. */
extern const uint32_t th_sandbox_machine;

/* Writes the filter for these needs (enum th_sandbox_need). Returns its instructions. */
unsigned th_sandbox_filter(struct sock_filter filter[TH_SANDBOX_FILTER_MAX], uint32_t needs);

#endif

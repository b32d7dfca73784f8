/* Fault records: the first failure of an attempt wins. */
#ifndef TH_BASE_ERR_H
#define TH_BASE_ERR_H

#include <thimble.h>

/* Fills `fault` unless it already holds a failure (or is NULL) and returns `code`, so that a
 * failing function can end with `return th_fault_set(fault, TH_E_TCP, ...)`. The phase is the one
 * the fault was cleared with. errno is left alone. */
int th_fault_set(struct th_fault *fault, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, with errno kept in sys_errno and ": <strerror>" appended to the sentence. */
int th_fault_set_errno(struct th_fault *fault, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Gives the failure that was just set, and returned `code`, its reason. Returns `code`, so that it
 * stands around the call: return th_fault_because(fault, TH_EXPIRED, th_fault_set(...)). */
int th_fault_because(struct th_fault *fault, int reason, int code);

/* Begins an attempt: no failure yet. */
void th_fault_clear(struct th_fault *fault);

/* Whether it only says that the peer ended the bytes, in order or not: no failure of our own. */
bool th_fault_is_of_peer(const struct th_fault *fault);

/* Results: "poll, then call again". */
static inline bool th_is_wait(int result)
{
    return result == TH_WANT_READ || result == TH_WANT_WRITE;
}

/* One of enum th_error, in earnest. */
static inline bool th_is_failure(int result)
{
    return result < 0 && !th_is_wait(result);
}

#endif

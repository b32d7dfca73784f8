/* Tells the memory checkers what the allocators do.
 *
 * The shipped binary carries valgrind's client requests (a few instructions each outside valgrind),
 * so that the audited binary is the shipped one. Programs built with AddressSanitizer tell that
 * instead. Tests also fill fresh and freed memory with patterns that crash early. */
#ifndef TH_MEM_WATCH_H
#define TH_MEM_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TH_WATCH_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define TH_WATCH_ASAN 1
#endif

#ifdef TH_WATCH_ASAN
#include <sanitizer/asan_interface.h>
#define TH_WATCH_TAKEN(p, n) \
    (__asan_poison_memory_region(p, ((n) + 7) & ~(size_t)7), __asan_unpoison_memory_region(p, n))
#define TH_WATCH_GIVEN(p, n) __asan_poison_memory_region(p, n)
#define TH_WATCH_OPEN(p, n) __asan_unpoison_memory_region(p, n)
#define TH_WATCH_SHUT(p, n) __asan_poison_memory_region(p, n)
#define TH_WATCH_BY_VALGRIND() 0
#else /* on a processor valgrind does not know, its requests are nothing */
#include <valgrind/memcheck.h>
#define TH_WATCH_TAKEN(p, n) VALGRIND_MALLOCLIKE_BLOCK(p, n, 0, 0)
#define TH_WATCH_GIVEN(p, n) VALGRIND_FREELIKE_BLOCK(p, 0)
#define TH_WATCH_OPEN(p, n) (void)VALGRIND_MAKE_MEM_DEFINED(p, n)
#define TH_WATCH_SHUT(p, n) (void)VALGRIND_MAKE_MEM_NOACCESS(p, n)
#define TH_WATCH_BY_VALGRIND() RUNNING_ON_VALGRIND
#endif

#ifdef TH_TEST
#define TH_WATCH_FILL(p, byte, n) memset(p, byte, n)
#else
#define TH_WATCH_FILL(p, byte, n) (void)0
#endif

/* For the few functions that look at memory the checkers guard. */
#define TH_WATCH_UNCHECKED __attribute__((noinline, no_sanitize("address")))

/* Valgrind runs the program: system calls come from valgrind, too. */
static inline bool th_watch_by_valgrind(void)
{
    return TH_WATCH_BY_VALGRIND() != 0;
}

/* The allocator may use these bytes for itself. */
static inline void th_watch_open(void *memory, size_t bytes)
{
    (void)memory, (void)bytes;
    TH_WATCH_OPEN(memory, bytes);
}

/* Nobody may touch them. */
static inline void th_watch_shut(void *memory, size_t bytes)
{
    (void)memory, (void)bytes;
    TH_WATCH_SHUT(memory, bytes);
}

/* A block of exactly this size is handed out. */
static inline void th_watch_taken(void *block, size_t bytes)
{
    (void)block, (void)bytes;
    TH_WATCH_TAKEN(block, bytes);
    TH_WATCH_FILL(block, 0xA5, bytes);
}

/* It is returned, and nobody may touch it any more. */
static inline void th_watch_given(void *block, size_t bytes)
{
    (void)block, (void)bytes;
    TH_WATCH_FILL(block, 0xDD, bytes);
    TH_WATCH_GIVEN(block, bytes);
}

#endif

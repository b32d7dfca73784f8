/* How deep the stack was, for each owner in turn.
 *
 * The unused part of the stack is painted. When the owner changes (a connection in a phase), the
 * deepest overwritten byte tells what the owner before used; that is credited to him and the used
 * part is painted again. While the owner stays the same nothing is done. Depth is counted from the
 * high end of the range. Stacks grow downwards on every architecture served.
 *
 * Paint costs resident pages. A relaxed stack is painted for TH_STACK_RELAXED_BYTES only; below,
 * its pages are given back and read as zeros. A use that deep is still seen, but its last bytes
 * are not if they were zeros. Brace before deep work (the handshake), relax after it. */
#ifndef TH_MEM_STACK_H
#define TH_MEM_STACK_H

#include <stddef.h>
#include <stdint.h>

struct th_stack {
    uintptr_t *low;              /* lowest word of the range; NULL: not measured */
    uintptr_t *high;             /* one past its highest word */
    uintptr_t *painted;          /* lowest painted word: low, unless relaxed */
    uint32_t *owner_peak_bytes;  /* to be credited, or NULL */
};

/* Paints the range below the caller's frame: it is braced. `low` NULL: everything below does
 * nothing. The caller must run inside the range. */
void th_stack_open(struct th_stack *stack, void *low, size_t bytes);

/* The record of the calling thread for this range, opened at the first call: clients which run on
 * one stack share it. `low` NULL gives a record that measures nothing. */
struct th_stack *th_stack_of_thread(void *low, size_t bytes);

/* From now on *owner_peak_bytes is raised to the deepest use (NULL: nobody's). The owner before is
 * credited first. Must be called with NULL before the memory of an owner goes away, on the thread
 * that measured it. */
void th_stack_credit(struct th_stack *stack, uint32_t *owner_peak_bytes);

/* Paints all of the unused part; gives back what lies deep. Cheap when it is so already. If the
 * kernel will not take the pages the stack stays braced. */
void th_stack_brace(struct th_stack *stack);
void th_stack_relax(struct th_stack *stack);

/* Brings the current owner's figure up to date. */
void th_stack_settle(struct th_stack *stack);

/* Deepest use since the last painting, bytes. */
size_t th_stack_used_bytes(const struct th_stack *stack);

#endif

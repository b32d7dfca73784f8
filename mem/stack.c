#include "stack.h"

#include <stdbool.h>

#include "watch.h"

/* Not zero, because wiping leaves zeros. */
static const uintptr_t paint = (uintptr_t)0xC5C3C5C3C5C3C5C3;

/* What a function that calls nothing may use below its frame address: saved registers, locals and
 * the red zone of the x86-64 ABI. */
enum { RESERVE_BYTES = 256 };

static _Thread_local struct th_stack of_thread;

/* Painting writes where the compiler knows no object: volatile keeps it from reasoning about that
 * and from calling memset, whose frame would lie in the way. */
TH_WATCH_UNCHECKED static void paint_up_to_here(volatile uintptr_t *word)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0) - RESERVE_BYTES;
    if (here > (uintptr_t)word)
        th_watch_open((void *)word, here - (uintptr_t)word);
    while ((uintptr_t)word < here)
        *word++ = paint;
}

TH_WATCH_UNCHECKED static uintptr_t *lowest_used(const struct th_stack *stack)
{
    volatile uintptr_t *word = stack->low;
    while ((uintptr_t *)word < stack->high && *word == paint)
        word++;
    return (uintptr_t *)word;
}

static size_t bytes_above(const struct th_stack *stack, const uintptr_t *word)
{
    return (size_t)(stack->high - word) * sizeof *word;
}

static void raise_to(uint32_t *peak, size_t value)
{
    if (peak && value > *peak)
        *peak = (uint32_t)value;
}

void th_stack_open(struct th_stack *stack, void *low, size_t bytes)
{
    uintptr_t mask = sizeof(uintptr_t) - 1;
    uintptr_t start = ((uintptr_t)low + mask) & ~mask;
    uintptr_t end = ((uintptr_t)low + bytes) & ~mask;
    *stack = (struct th_stack){(uintptr_t *)start, (uintptr_t *)end, NULL};
    if (low)
        paint_up_to_here(stack->low);
}

struct th_stack *th_stack_of_thread(void *low, size_t bytes)
{
    struct th_stack wanted = {low, NULL, NULL};
    if (of_thread.low != wanted.low)
        th_stack_open(&of_thread, low, bytes);
    return &of_thread;
}

void th_stack_credit(struct th_stack *stack, uint32_t *owner_peak_bytes)
{
    if (!stack->low || stack->owner_peak_bytes == owner_peak_bytes)
        return;
    uintptr_t *lowest = lowest_used(stack);
    raise_to(stack->owner_peak_bytes, bytes_above(stack, lowest));
    paint_up_to_here(lowest);
    stack->owner_peak_bytes = owner_peak_bytes;
}

void th_stack_settle(struct th_stack *stack)
{
    if (stack->low)
        raise_to(stack->owner_peak_bytes, th_stack_used_bytes(stack));
}

size_t th_stack_used_bytes(const struct th_stack *stack)
{
    return stack->low ? bytes_above(stack, lowest_used(stack)) : 0;
}

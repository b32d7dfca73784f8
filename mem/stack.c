#include "stack.h"

#include "pages.h"
#include "watch.h"

/* Not zero, because wiping leaves zeros. */
static const uintptr_t paint = (uintptr_t)0xC5C3C5C3C5C3C5C3;

/* What a function that calls nothing may use below its frame address: saved registers, locals and
 * the red zone of the x86-64 ABI. */
enum { RESERVE_BYTES = 256 };

static _Thread_local struct th_stack of_thread;

static uintptr_t *below(const struct th_stack *stack, void *frame)
{
    uintptr_t limit = (uintptr_t)frame - RESERVE_BYTES;
    return limit < (uintptr_t)stack->high ? (uintptr_t *)limit : stack->high;
}

/* Painting writes where the compiler knows no object: volatile keeps it from reasoning about that
 * and from calling memset, whose frame would lie in the way. */
TH_WATCH_UNCHECKED static void paint_from(const struct th_stack *stack, uintptr_t *word)
{
    uintptr_t *end = below(stack, __builtin_frame_address(0));
    if (end > word)
        th_watch_open(word, (size_t)(end - word) * sizeof *word);
    for (volatile uintptr_t *next = word; next < end; next++)
        *next = paint;
}

/* The first word from `from` on that is not `expected`, or `to`. */
TH_WATCH_UNCHECKED static uintptr_t *first_other(uintptr_t *from, uintptr_t *to,
                                                 uintptr_t expected)
{
    volatile uintptr_t *word = from;
    while (word < to && *word == expected)
        word++;
    return (uintptr_t *)word;
}

TH_WATCH_UNCHECKED static uintptr_t *lowest_used(const struct th_stack *stack)
{
    uintptr_t *end = below(stack, __builtin_frame_address(0));
    if (end <= stack->painted)
        return stack->painted;
    th_watch_open(stack->low, (size_t)(end - stack->low) * sizeof *end);
    uintptr_t *deep = first_other(stack->low, stack->painted, 0);
    return deep < stack->painted ? deep : first_other(stack->painted, end, paint);
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

/* Whole pages at the low end, because they are given back as such. */
static struct th_stack range_of(void *low, size_t bytes)
{
    if (!low)
        return (struct th_stack){0};
    uint8_t *high = (uint8_t *)low + bytes;
    uintptr_t *start = (uintptr_t *)th_pages_ceiling(low);
    uintptr_t *end = (uintptr_t *)((uintptr_t)high & ~(sizeof(uintptr_t) - 1));
    return start < end ? (struct th_stack){.low = start, .high = end, .painted = start}
                       : (struct th_stack){0};
}

void th_stack_open(struct th_stack *stack, void *low, size_t bytes)
{
    *stack = range_of(low, bytes);
    if (stack->low)
        paint_from(stack, stack->low);
}

struct th_stack *th_stack_of_thread(void *low, size_t bytes)
{
    struct th_stack range = range_of(low, bytes);
    if (range.low != of_thread.low || range.high != of_thread.high)
        th_stack_open(&of_thread, low, bytes);
    return &of_thread;
}

/* The used part becomes fresh again: zeros below `painted`, paint above. */
static void refresh(struct th_stack *stack)
{
    uintptr_t *lowest = lowest_used(stack);
    raise_to(stack->owner_peak_bytes, bytes_above(stack, lowest));
    if (lowest < stack->painted && !th_pages_release(stack->low, stack->painted))
        stack->painted = stack->low;
    paint_from(stack, lowest > stack->painted ? lowest : stack->painted);
}

void th_stack_credit(struct th_stack *stack, uint32_t *owner_peak_bytes)
{
    if (!stack->low || stack->owner_peak_bytes == owner_peak_bytes)
        return;
    refresh(stack);
    stack->owner_peak_bytes = owner_peak_bytes;
}

void th_stack_brace(struct th_stack *stack)
{
    if (!stack->low || stack->painted == stack->low)
        return;
    th_stack_settle(stack);
    stack->painted = stack->low;
    paint_from(stack, stack->low);
}

void th_stack_relax(struct th_stack *stack)
{
    if (!stack->low || stack->painted != stack->low)
        return;
    uint8_t *here = __builtin_frame_address(0);
    uintptr_t *boundary = (uintptr_t *)th_pages_floor(here - TH_STACK_RELAXED_BYTES);
    if (boundary <= stack->low)
        return;
    refresh(stack);
    if (th_pages_release(stack->low, boundary))
        stack->painted = boundary;
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

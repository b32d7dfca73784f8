/* What a static program asks of libc, on our heap and our stack. Run by check.sh, which watches its
 * system calls and its heap. Prints the books at the end. */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem/libc.h"
#include "mem/run.h"
#include "mem/stack.h"

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            printf("line %d: %s\n", __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

enum { ROUNDS = 20000 };

static char *before_main;

__attribute__((constructor)) static void allocate_before_main(void)
{
    before_main = strdup("before main");
}

static void check_stdio(void)
{
    char line[64];
    FILE *file = fopen("/proc/self/comm", "r");
    CHECK(file && fgets(line, sizeof line, file));
    fclose(file);
    printf("%s%s\n", line, getenv("PATH") ? "has PATH" : "no PATH");
}

static void check_family(void)
{
    uint8_t *zeros = calloc(10, 10);
    for (size_t i = 0; i < 100; i++)
        CHECK(zeros[i] == 0);
    zeros[99] = 7;
    zeros = realloc(zeros, 1000);
    CHECK(zeros[99] == 7 && malloc_usable_size(zeros) == 1000);
    free(zeros);
    void *aligned = NULL;
    CHECK(posix_memalign(&aligned, 16, 100) == 0 && (uintptr_t)aligned % 16 == 0);
    free(aligned);
    free(aligned_alloc(16, 32));
    free(memalign(8, 32));
    free(NULL);
}

static void check_limits(void)
{
    volatile size_t huge = SIZE_MAX / 2;
    CHECK(!malloc(huge) && !calloc(huge, 3) && !malloc(TH_PROCESS_HEAP_BYTES));
    CHECK(!aligned_alloc(4096, 4096) && !realloc(NULL, huge));
    void *blocks[64];
    size_t count = 0;
    while (count < 64 && (blocks[count] = malloc(1000)))
        count++;
    CHECK(count == TH_PROCESS_HEAP_BYTES / 1008 - 1 || count == TH_PROCESS_HEAP_BYTES / 1008);
    while (count)
        free(blocks[--count]);
}

static void *allocate_a_lot(void *arg)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        char *block = malloc(i % 500 + 1);
        CHECK(block);
        memset(block, *(char *)arg, i % 500 + 1);
        CHECK(block[i % 500] == *(char *)arg);
        free(block);
    }
    return NULL;
}

static void check_two_threads(void)
{
    static _Alignas(16) char stack[16384];
    char ours = 'a', theirs = 'b';
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, sizeof stack);
    CHECK(pthread_create(&thread, &attributes, allocate_a_lot, &theirs) == 0);
    allocate_a_lot(&ours);
    pthread_join(thread, NULL);
}

static void print_books(void)
{
    const struct th_payer *process = th_libc_payer();
    printf("live %u, peak %u, process-peak %zu, taken %u, refused %u, strays %u\n",
           process->ledger.live_bytes, process->ledger.peak_bytes,
           th_ledger_process_peak_bytes(), process->ledger.taken, process->ledger.refused,
           th_payer_strays(process));
}

__attribute__((noinline)) static int overflow(int depth)
{
    volatile char frame[1024];
    frame[0] = (char)depth;
    return depth > 1000000 ? frame[0] : overflow(depth + 1) + frame[0];
}

static int life(void *arg)
{
    uint32_t peak_bytes = 0;
    struct th_stack *stack = th_stack_of_thread(th_stack_run_low(), th_stack_run_bytes());
    if (!strcmp(arg, "overflow"))
        return overflow(0);
    th_stack_credit(stack, &peak_bytes);
    CHECK(before_main && !strcmp(before_main, "before main"));
    check_stdio();
    check_family();
    check_limits();
    check_two_threads();
    th_stack_credit(stack, NULL);
    th_stack_relax(stack);
    th_stack_brace(stack);
    printf("stack %u of %zu\n", peak_bytes, th_stack_run_bytes());
    free(before_main);
    print_books();
    return 17;
}

int main(int argc, char **argv)
{
    return th_stack_run(life, argc > 1 ? argv[1] : "");
}

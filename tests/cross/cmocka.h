/* What our unit tests use of cmocka (cmocka.org), for processors that have no cmocka at hand: the
 * same names, and a last line of the same form. One translation unit, one thread of tests. */
#ifndef TH_TESTS_CROSS_CMOCKA_H
#define TH_TESTS_CROSS_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*CMUnitTestFunction)(void **state);
typedef int (*CMFixtureFunction)(void **state);

struct CMUnitTest {
    const char *name;
    CMUnitTestFunction test;
    CMFixtureFunction set_up;
    CMFixtureFunction tear_down;
    void *initial_state;
};

#define cmocka_unit_test(f) {#f, f, NULL, NULL, NULL}
#define cmocka_unit_test_setup(f, s) {#f, f, s, NULL, NULL}
#define cmocka_unit_test_teardown(f, t) {#f, f, NULL, t, NULL}
#define cmocka_unit_test_setup_teardown(f, s, t) {#f, f, s, t, NULL}

static jmp_buf cmocka_end_of_test;

#define print_message printf
#define print_error printf

static inline void __attribute__((noreturn, format(printf, 3, 4)))
cmocka_fail(const char *file, int line, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    printf("[  ERROR   ] --- %s:%d: error: ", file, line);
    vprintf(format, list);
    putchar('\n');
    va_end(list);
    longjmp(cmocka_end_of_test, 1);
}

static inline void cmocka_integers(const char *file, int line, uintmax_t a, uintmax_t b, int equal)
{
    if ((a == b) != equal)
        cmocka_fail(file, line, "%#jx %s %#jx", a, equal ? "!=" : "==", b);
}

static inline void cmocka_texts(const char *file, int line, const char *a, const char *b, int equal)
{
    if ((strcmp(a, b) == 0) != equal)
        cmocka_fail(file, line, "\"%s\" %s \"%s\"", a, equal ? "!=" : "==", b);
}

static inline void cmocka_bytes(const char *file, int line, const void *a, const void *b,
                                size_t bytes, int equal)
{
    const unsigned char *left = a, *right = b;
    size_t i = 0;
    while (i < bytes && left[i] == right[i])
        i++;
    if ((i == bytes) != equal)
        cmocka_fail(file, line, "%zu bytes are %s at %zu", bytes, equal ? "different" : "equal", i);
}

static inline void cmocka_range(const char *file, int line, uintmax_t value, uintmax_t least,
                                uintmax_t most)
{
    if (value < least || value > most)
        cmocka_fail(file, line, "%ju is not within %ju..%ju", value, least, most);
}

/* As cmocka does: of whatever type, as the widest integer. */
#define CMOCKA_HERE __FILE__, __LINE__
#define CMOCKA_INTEGER(a) ((uintmax_t)(a))
#define CMOCKA_POINTER(a) ((uintmax_t)(uintptr_t)(a))
#define CMOCKA_ASSERT(a, text) ((a) ? (void)0 : cmocka_fail(CMOCKA_HERE, "%s", text))

#define assert_int_equal(a, b) cmocka_integers(CMOCKA_HERE, CMOCKA_INTEGER(a), CMOCKA_INTEGER(b), 1)
#define assert_int_not_equal(a, b) \
    cmocka_integers(CMOCKA_HERE, CMOCKA_INTEGER(a), CMOCKA_INTEGER(b), 0)
#define assert_ptr_equal(a, b) cmocka_integers(CMOCKA_HERE, CMOCKA_POINTER(a), CMOCKA_POINTER(b), 1)
#define assert_ptr_not_equal(a, b) \
    cmocka_integers(CMOCKA_HERE, CMOCKA_POINTER(a), CMOCKA_POINTER(b), 0)
#define assert_string_equal(a, b) cmocka_texts(CMOCKA_HERE, a, b, 1)
#define assert_string_not_equal(a, b) cmocka_texts(CMOCKA_HERE, a, b, 0)
#define assert_memory_equal(a, b, n) cmocka_bytes(CMOCKA_HERE, a, b, n, 1)
#define assert_memory_not_equal(a, b, n) cmocka_bytes(CMOCKA_HERE, a, b, n, 0)
#define assert_in_range(a, least, most) \
    cmocka_range(CMOCKA_HERE, CMOCKA_INTEGER(a), CMOCKA_INTEGER(least), CMOCKA_INTEGER(most))
#define assert_true(a) CMOCKA_ASSERT(a, #a)
#define assert_false(a) CMOCKA_ASSERT(!(a), "!(" #a ")")
#define assert_non_null(a) CMOCKA_ASSERT((a) != NULL, #a " != NULL")
#define assert_null(a) CMOCKA_ASSERT((a) == NULL, #a " == NULL")
#define fail_msg(...) cmocka_fail(CMOCKA_HERE, __VA_ARGS__)
#define fail() fail_msg("Failed")

/* Whether it stands in $NOT_HERE, names with a comma behind each. */
static inline int cmocka_is_left_out(const char *name)
{
    const char *list = getenv("NOT_HERE");
    size_t bytes = strlen(name);
    for (const char *at = list; at && (at = strstr(at, name)); at += bytes)
        if ((at == list || at[-1] == ',') && at[bytes] == ',')
            return 1;
    return 0;
}

/* 1 if it passed. */
static inline int cmocka_run(const struct CMUnitTest *test)
{
    void *state = test->initial_state;
    if (test->set_up && test->set_up(&state) != 0)
        return 0;
    volatile int passed = 0;
    if (setjmp(cmocka_end_of_test) == 0) {
        test->test(&state);
        passed = 1;
    }
    return passed && (!test->tear_down || test->tear_down(&state) == 0);
}

static inline int cmocka_run_all(const struct CMUnitTest *tests, size_t count,
                                 CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
    void *state = NULL;
    size_t passed = 0, left_out = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (set_up && set_up(&state) != 0)
        return 1;
    for (size_t i = 0; i < count; i++) {
        if (cmocka_is_left_out(tests[i].name)) {
            printf("[ NOT RUN  ] %s\n", tests[i].name);
            left_out++;
            continue;
        }
        int good = cmocka_run(&tests[i]);
        printf("[  %s  ] %s\n", good ? "     OK" : " FAILED", tests[i].name);
        passed += (size_t)good;
    }
    int closed = tear_down ? tear_down(&state) : 0;
    printf("[  PASSED  ] %zu test(s).\n", passed);
    size_t failed = count - passed - left_out;
    if (failed > 0)
        printf("[  FAILED  ] %zu test(s), listed above\n", failed);
    return failed == 0 && closed == 0 ? 0 : 1;
}

#define cmocka_run_group_tests(tests, set_up, tear_down) \
    cmocka_run_all(tests, sizeof(tests) / sizeof *(tests), set_up, tear_down)
#define cmocka_run_group_tests_name(name, tests, set_up, tear_down) \
    cmocka_run_group_tests(tests, set_up, tear_down)

#endif

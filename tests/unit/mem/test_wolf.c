/* wolfSSL's allocation functions: purposes, the payer of the moment, and two at once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/types.h>

#include <cmocka.h>

#include "mem/payer.h"

static _Alignas(16) uint8_t heaps[2][16384];
static struct th_payer payers[2];

static int open_payers(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        th_payer_open(&payers[i], &(struct th_payer_config){
            .name = "TLS heap", .heap = heaps[i], .heap_bytes = sizeof heaps[i]});
    th_payer_enter(&payers[0]);
    return 0;
}

static int close_payers(void **state)
{
    (void)state;
    th_payer_leave(NULL);
    return th_payer_close(&payers[0]) + th_payer_close(&payers[1]) ? -1 : 0;
}

static void expect_purpose(int type, enum th_purpose purpose)
{
    void *block = XMALLOC(10, NULL, type);
    assert_int_equal(th_pool_purpose(block), purpose);
    XFREE(block, NULL, type);
}

static void types_become_purposes(void **state)
{
    (void)state;
    expect_purpose(DYNAMIC_TYPE_SSL, TH_PURPOSE_SESSION);
    expect_purpose(DYNAMIC_TYPE_CTX, TH_PURPOSE_CONTEXT);
    expect_purpose(DYNAMIC_TYPE_DCERT, TH_PURPOSE_CERTIFICATE);
    expect_purpose(DYNAMIC_TYPE_PRIVATE_KEY, TH_PURPOSE_KEY);
    expect_purpose(DYNAMIC_TYPE_IN_BUFFER, TH_PURPOSE_RECORD_IN);
    expect_purpose(DYNAMIC_TYPE_OUT_BUFFER, TH_PURPOSE_RECORD_OUT);
    expect_purpose(DYNAMIC_TYPE_ARRAYS, TH_PURPOSE_HANDSHAKE);
    expect_purpose(DYNAMIC_TYPE_TLSX, TH_PURPOSE_EXTENSION);
    expect_purpose(DYNAMIC_TYPE_SESSION_TICK, TH_PURPOSE_TICKET);
    expect_purpose(DYNAMIC_TYPE_ECC, TH_PURPOSE_ECC);
    expect_purpose(DYNAMIC_TYPE_RSA, TH_PURPOSE_BIGNUM);
    expect_purpose(DYNAMIC_TYPE_RNG, TH_PURPOSE_RANDOM);
}

static void unknown_types_are_other(void **state)
{
    (void)state;
    expect_purpose(DYNAMIC_TYPE_TMP_BUFFER, TH_PURPOSE_OTHER);
    expect_purpose(0, TH_PURPOSE_OTHER);
    expect_purpose(-1, TH_PURPOSE_OTHER);
    expect_purpose(1000, TH_PURPOSE_OTHER);
    expect_purpose(INT32_MAX, TH_PURPOSE_OTHER);
}

static void nobody_entered_means_no_memory(void **state)
{
    (void)state;
    th_payer_leave(NULL);
    assert_null(XMALLOC(10, &payers[0], DYNAMIC_TYPE_SSL));
    assert_null(XREALLOC(NULL, 10, NULL, DYNAMIC_TYPE_SSL));
    XFREE(NULL, NULL, DYNAMIC_TYPE_SSL);
}

static void realloc_moves(void **state)
{
    (void)state;
    char *text = XMALLOC(4, NULL, DYNAMIC_TYPE_TLSX);
    memcpy(text, "abc", 4);
    text = XREALLOC(text, 400, NULL, DYNAMIC_TYPE_TLSX);
    assert_string_equal(text, "abc");
    XFREE(text, NULL, DYNAMIC_TYPE_TLSX);
}

static void *allocate_a_lot(void *arg)
{
    struct th_payer *before = th_payer_enter(arg);
    for (int i = 0; i < 20000; i++)
        XFREE(XMALLOC((size_t)i % 900, NULL, DYNAMIC_TYPE_TMP_BUFFER), NULL, 0);
    th_payer_leave(before);
    return NULL;
}

static void two_threads_have_two_payers(void **state)
{
    (void)state;
    pthread_t threads[2];
    size_t before = th_ledger_process_live_bytes();
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, allocate_a_lot, &payers[i]), 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(payers[i].ledger.taken, 20000);
        assert_int_equal(payers[i].ledger.peak_bytes, 899);
        assert_int_equal(th_payer_strays(&payers[i]), 0);
    }
    assert_int_equal(th_ledger_process_live_bytes(), before);
}

#define WOLF_TEST(name) cmocka_unit_test_setup_teardown(name, open_payers, close_payers)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WOLF_TEST(types_become_purposes),
        WOLF_TEST(unknown_types_are_other),
        WOLF_TEST(nobody_entered_means_no_memory),
        WOLF_TEST(realloc_moves),
        WOLF_TEST(two_threads_have_two_payers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

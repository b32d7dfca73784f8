#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypt/base64.h"
#include "crypt/hardware.h"
#include "crypt/health.h"
#include "crypt/random.h"
#include "crypt/wipe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void fills_with_different_bytes(void **state)
{
    (void)state;
    uint8_t a[64] = {0}, b[64] = {0};
    assert_int_equal(th_crypt_random_check(NULL), 0);
    assert_int_equal(th_crypt_random(a, sizeof a), 0);
    assert_int_equal(th_crypt_random(b, sizeof b), 0);
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(th_crypt_random(a, 0), 0);
}

static void seeds_from_the_kernel_alone(void **state)
{
    (void)state;
    uint8_t a[100], b[100];
    assert_int_equal(th_crypt_seed(NULL, a, sizeof a), 0);
    assert_int_equal(th_crypt_seed(NULL, b, sizeof b), 0);
    assert_memory_not_equal(a, b, sizeof a);
}

static void mixes_a_source_that_passes(void **state)
{
    (void)state;
    uint8_t a[100], b[100];
    assert_int_equal(th_crypt_hardware_open("/dev/urandom", NULL), 0);
    assert_int_equal(th_crypt_hardware_open("/dev/urandom", NULL), 0);
    assert_int_equal(th_crypt_seed(NULL, a, sizeof a), 0);
    th_crypt_hardware_close();
    assert_int_equal(th_crypt_seed(NULL, b, sizeof b), 0);
    assert_memory_not_equal(a, b, sizeof a);
    th_crypt_hardware_close();
}

static void refused(const char *path, int code, const char *sentence)
{
    struct th_fault fault = {0};
    assert_int_equal(th_crypt_hardware_open(path, &fault), code);
    assert_int_equal(fault.code, code);
    assert_non_null(strstr(fault.text, sentence));
}

static void refuses_sources_that_do_not(void **state)
{
    (void)state;
    char directory[] = "/tmp/th_silent_XXXXXX";
    char silent[64];
    assert_non_null(mkdtemp(directory));
    snprintf(silent, sizeof silent, "%s/fifo", directory);
    assert_int_equal(mkfifo(silent, 0600), 0);
    int writer = open(silent, O_RDWR);
    refused("/dev/zero", TH_E_ENTROPY, "failed its health test");
    refused("/dev/null", TH_E_ENTROPY, "too slow or ended");
    refused(silent, TH_E_ENTROPY, "too slow or ended");
    refused("/nowhere", TH_E_FILE, "cannot open");
    close(writer);
    unlink(silent);
    rmdir(directory);
    assert_int_equal(th_crypt_hardware_open(NULL, NULL), 0);
}

static void keeps_to_one_source(void **state)
{
    (void)state;
    assert_int_equal(th_crypt_hardware_open("/dev/urandom", NULL), 0);
    refused("/dev/random", TH_E_ARGUMENT, "for the whole process");
    th_crypt_hardware_close();
}

/* The source passes when opened and then sticks: no seed may come of it. */
static void never_seeds_from_a_source_that_fails_later(void **state)
{
    (void)state;
    char path[] = "/tmp/th_stuck_XXXXXX";
    uint8_t samples[1024], seed[48], zero[48] = {0};
    int file = mkstemp(path);
    assert_int_equal(th_crypt_random(samples, sizeof samples), 0);
    assert_int_equal(write(file, samples, sizeof samples), sizeof samples);
    memset(samples, 7, sizeof samples);
    assert_int_equal(write(file, samples, sizeof samples), sizeof samples);
    close(file);
    assert_int_equal(th_crypt_hardware_open(path, NULL), 0);
    memset(seed, 1, sizeof seed);
    assert_int_equal(th_crypt_seed(NULL, seed, sizeof seed), TH_E_ENTROPY);
    assert_memory_equal(seed, zero, sizeof seed);
    assert_int_equal(th_crypt_seed(NULL, seed, sizeof seed), TH_E_ENTROPY);
    th_crypt_hardware_close();
    unlink(path);
}

static void counts_repetitions(void **state)
{
    (void)state;
    uint8_t samples[TH_HEALTH_REPETITION_CUTOFF];
    struct th_health health = {0};
    memset(samples, 5, sizeof samples);
    assert_true(th_health_feed(&health, samples, sizeof samples - 1));
    samples[0] = 6;
    assert_true(th_health_feed(&health, samples, sizeof samples - 1));
    assert_true(th_health_feed(&health, samples + 1, 1));
    assert_false(th_health_feed(&health, samples + 1, 1));
    samples[0] = 9;
    assert_false(th_health_feed(&health, samples, 1));
}

/* 325 of 512 samples alike, never many in a row, are too many; 324 are not. */
static bool window_passes(unsigned alike)
{
    struct th_health health = {0};
    bool good = true;
    for (unsigned i = 0; i < TH_HEALTH_WINDOW_SAMPLES; i++) {
        bool same = (i + 1) * alike / TH_HEALTH_WINDOW_SAMPLES > i * alike /
                                                                     TH_HEALTH_WINDOW_SAMPLES;
        uint8_t sample = i == 0 || same ? 1 : (uint8_t)(2 + i % 200);
        good = th_health_feed(&health, &sample, 1);
    }
    return good;
}

static void watches_the_proportion(void **state)
{
    (void)state;
    assert_true(window_passes(TH_HEALTH_PROPORTION_CUTOFF - 2));
    assert_false(window_passes(TH_HEALTH_PROPORTION_CUTOFF));
}

static int decode(const char *text, uint8_t *out, size_t *bytes)
{
    return th_crypt_base64_decode((const uint8_t *)text, strlen(text), out, bytes);
}

static void decodes_base64(void **state)
{
    (void)state;
    uint8_t out[16];
    size_t bytes = sizeof out;
    assert_int_equal(decode("dGhpbWJsZQ==", out, &bytes), 0);
    assert_int_equal(bytes, 7);
    assert_memory_equal(out, "thimble", 7);
    bytes = sizeof out;
    assert_int_equal(decode("dGhp!WJs", out, &bytes), TH_E_ARGUMENT);
}

static void wipes(void **state)
{
    (void)state;
    uint8_t secret[32], zero[32] = {0};
    memset(secret, 1, sizeof secret);
    th_crypt_wipe(secret, sizeof secret);
    assert_memory_equal(secret, zero, sizeof zero);
    th_crypt_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_with_different_bytes),
        cmocka_unit_test(seeds_from_the_kernel_alone),
        cmocka_unit_test(mixes_a_source_that_passes),
        cmocka_unit_test(refuses_sources_that_do_not),
        cmocka_unit_test(keeps_to_one_source),
        cmocka_unit_test(never_seeds_from_a_source_that_fails_later),
        cmocka_unit_test(counts_repetitions),
        cmocka_unit_test(watches_the_proportion),
        cmocka_unit_test(decodes_base64),
        cmocka_unit_test(wipes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Private keys: any bytes in the place of the file, which is looked at and paired. */
#include "base/slice.h"
#include "tls/policy.h"

#include <stdlib.h>
#include <string.h>
#include <thimble/key.h>

static bool is_one_of(const char *text, const char *a, const char *b, const char *c)
{
    return !strcmp(text, a) || !strcmp(text, b) || !strcmp(text, c);
}

static void check_facts(const struct th_key_facts *facts)
{
    if (!is_one_of(facts->key, "EC", "RSA", "RSA") ||
        !is_one_of(facts->curve, "P-256", "P-384", "") || facts->key_bits > 8 * 512)
        abort();
}

static void check_modulus(struct th_slice key)
{
    struct th_slice modulus;
    if (th_policy_rsa_modulus(key, &modulus) &&
        (modulus.data < key.data || modulus.data + modulus.len_bytes > key.data + key.len_bytes))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(16) uint8_t block[32 * 1024];
    struct th_key_file file = {.source.bytes = th_slice_of(data, size)};
    struct th_key_facts facts;
    struct th_fault fault = {0};
    int result = th_key_read(block, sizeof block, &file, &facts, &fault);
    if (result < 0 && !fault.text[0])
        abort();
    if (result == 0)
        check_facts(&facts);
    check_modulus(th_slice_of(data, size));
    return 0;
}

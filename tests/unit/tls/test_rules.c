/* The policy, rule by rule, on certificates made by hand. Their signatures are not looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/der.h"
#include "tls/policy.h"

/* ---- DER is written into one block, which is large enough for all ---------------------------- */

static uint8_t block[1 << 20];
static size_t used;

static struct th_slice keep(const void *data, size_t bytes)
{
    uint8_t *begin = block + used;
    assert_true(used + bytes <= sizeof block);
    if (bytes)
        memcpy(begin, data, bytes);
    used += bytes;
    return th_slice_of(begin, bytes);
}

static struct th_slice put(uint8_t tag, struct th_slice content)
{
    size_t bytes = content.len_bytes, begin = used;
    const uint8_t low = (uint8_t)bytes, high = (uint8_t)(bytes >> 8);
    keep(&tag, 1);
    if (bytes >= 0x80)
        keep(high ? "\x82" : "\x81", 1);
    if (high)
        keep(&high, 1);
    keep(&low, 1);
    keep(content.data, bytes);
    return th_slice_of(block + begin, used - begin);
}

static struct th_slice join(const struct th_slice *parts, size_t count)
{
    size_t begin = used;
    for (size_t i = 0; i < count; i++)
        keep(parts[i].data, parts[i].len_bytes);
    return th_slice_of(block + begin, used - begin);
}

#define LIST(...) (const struct th_slice[]){__VA_ARGS__}
#define WRAP(tag, ...) \
    put(tag, join(LIST(__VA_ARGS__), sizeof(LIST(__VA_ARGS__)) / sizeof(struct th_slice)))
#define SEQ(...) WRAP(TH_DER_SEQUENCE, __VA_ARGS__)
#define BYTES(...) keep((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})
#define TEXT(text) th_slice_of(text, sizeof(text) - 1)
#define NOTHING th_slice_of("", 0)

/* ---- a certificate, and what may be different about it --------------------------------------- */

#define SHA256_ECDSA BYTES(0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02)
#define SHA1_ECDSA BYTES(0x06, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x01)
#define SHA256_RSA BYTES(0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B)
#define SHA1_RSA BYTES(0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x05)
#define PSS_OID BYTES(0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A)
#define EC_OID BYTES(0x06, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01)
#define RSA_OID BYTES(0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01)
#define P256 BYTES(0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07)
#define P224 BYTES(0x06, 5, 0x2B, 0x81, 0x04, 0x00, 0x21)
#define CE(n) BYTES(0x06, 3, 0x55, 0x1D, n)
#define PRIVATE BYTES(0x06, 3, 0x2A, 0x03, 0x04)
#define CRITICAL BYTES(0x01, 1, 0xFF)

struct recipe {
    struct th_slice version, inner, outer, subject, key, extensions, until;
};

static struct th_slice ec_key(struct th_slice curve)
{
    static const uint8_t point[66] = {0, 4};
    return SEQ(SEQ(EC_OID, curve), put(TH_DER_BIT_STRING, th_slice_of(point, sizeof point)));
}

static struct th_slice rsa_key_with(size_t bits, struct th_slice exponent)
{
    static uint8_t modulus[1 + 8192 / 8];
    memset(modulus, 0xC5, sizeof modulus);
    modulus[0] = 0;
    struct th_slice numbers = SEQ(put(TH_DER_INTEGER, th_slice_of(modulus, 1 + bits / 8)),
                                  exponent);
    return SEQ(SEQ(RSA_OID, BYTES(0x05, 0)), WRAP(TH_DER_BIT_STRING, BYTES(0), numbers));
}

static struct th_slice rsa_key(size_t bits)
{
    return rsa_key_with(bits, BYTES(0x02, 3, 1, 0, 1));
}

static struct th_slice named(uint8_t tag, struct th_slice text)
{
    return SEQ(WRAP(TH_DER_SET, SEQ(BYTES(0x06, 3, 0x55, 0x04, 0x03), put(tag, text))));
}

static struct th_slice extension(struct th_slice oid, struct th_slice critical,
                                 struct th_slice value)
{
    return SEQ(oid, critical, put(TH_DER_OCTET_STRING, value));
}

static struct th_slice key_usage(uint8_t bits)
{
    return extension(CE(0x0F), CRITICAL, BYTES(0x03, 2, 0, bits));
}

static struct th_slice basic(bool authority)
{
    return extension(CE(0x13), CRITICAL, SEQ(authority ? BYTES(0x01, 1, 0xFF) : NOTHING));
}

static struct th_slice purpose(uint8_t last)
{
    return extension(CE(0x25), NOTHING,
                     SEQ(BYTES(0x06, 8, 0x2B, 6, 1, 5, 5, 7, 3, last)));
}

static struct th_slice alternative(uint8_t tag, struct th_slice name)
{
    return extension(CE(0x11), NOTHING, SEQ(put(tag, name)));
}

static struct th_slice made(struct recipe r)
{
    struct th_slice extensions = r.extensions.len_bytes ? WRAP(0xA3, SEQ(r.extensions)) : NOTHING;
    struct th_slice tbs = SEQ(r.version, BYTES(0x02, 1, 7), SEQ(r.inner),
                              named(0x0C, TEXT("issuer")),
                              SEQ(put(TH_DER_UTC_TIME, TEXT("200101000000Z")), r.until), r.subject,
                              r.key, extensions);
    return SEQ(tbs, SEQ(r.outer), BYTES(0x03, 2, 0, 0x30));
}

static struct th_slice ends(const char *text)
{
    return put(TH_DER_GENERALIZED_TIME, th_slice_of(text, strlen(text)));
}

static struct recipe good(void)
{
    return (struct recipe){BYTES(0xA0, 3, 0x02, 1, 2), SHA256_ECDSA, SHA256_ECDSA,
                           named(0x0C, TEXT("subject")), ec_key(P256),
                           join(LIST(key_usage(0x80), purpose(1)), 2), ends("20491231235959Z")};
}

static struct recipe with(const struct th_slice *extensions, size_t count)
{
    struct recipe recipe = good();
    recipe.extensions = count ? join(extensions, count) : NOTHING;
    return recipe;
}

#define WITH(...) with(LIST(__VA_ARGS__), sizeof(LIST(__VA_ARGS__)) / sizeof(struct th_slice))

static void server(struct recipe recipe, enum th_policy expected)
{
    assert_int_equal(th_policy_check(made(recipe), TH_ROLE_SERVER), expected);
}

static void authority(struct recipe recipe, enum th_policy expected)
{
    assert_int_equal(th_policy_check(made(recipe), TH_ROLE_AUTHORITY), expected);
}

/* ---- rules ----------------------------------------------------------------------------------- */

static void accepts_good_ones(void **state)
{
    (void)state;
    server(good(), TH_POLICY_OK);
    server(WITH(NOTHING), TH_POLICY_OK);
    authority(WITH(basic(true), key_usage(0x06)), TH_POLICY_OK);
    authority(WITH(basic(true)), TH_POLICY_OK);
}

static void wants_strong_signatures(void **state)
{
    (void)state;
    struct recipe recipe = good();
    recipe.inner = recipe.outer = SHA1_ECDSA;
    server(recipe, TH_POLICY_SIGNATURE);
    recipe.inner = recipe.outer = SHA1_RSA;
    server(recipe, TH_POLICY_SIGNATURE);
    recipe.inner = recipe.outer = PSS_OID; /* without parameters: SHA-1 */
    server(recipe, TH_POLICY_SIGNATURE);
    recipe.inner = recipe.outer = SHA256_RSA;
    server(recipe, TH_POLICY_OK);
}

static void wants_one_algorithm(void **state)
{
    (void)state;
    struct recipe recipe = good();
    recipe.inner = SHA1_ECDSA;
    server(recipe, TH_POLICY_ALGORITHMS);
    recipe.inner = join(LIST(SHA256_ECDSA, BYTES(0x05, 0)), 2); /* other parameters */
    server(recipe, TH_POLICY_ALGORITHMS);
}

static void wants_strong_keys(void **state)
{
    (void)state;
    struct recipe recipe = good();
    recipe.key = ec_key(P224);
    server(recipe, TH_POLICY_KEY);
    recipe.key = rsa_key(1024);
    server(recipe, TH_POLICY_KEY);
    recipe.key = rsa_key(2040);
    server(recipe, TH_POLICY_KEY);
    recipe.key = rsa_key(2048);
    server(recipe, TH_POLICY_OK);
    recipe.key = rsa_key(4096);
    server(recipe, TH_POLICY_OK);
    recipe.key = rsa_key(4104);
    server(recipe, TH_POLICY_KEY);
    recipe.key = rsa_key_with(2048, BYTES(0x02, 1, 3));
    server(recipe, TH_POLICY_OK);
    recipe.key = rsa_key_with(2048, BYTES(0x02, 1, 1)); /* anybody's signature fits */
    server(recipe, TH_POLICY_KEY);
    recipe.key = rsa_key_with(2048, BYTES(0x02, 1, 0));
    server(recipe, TH_POLICY_KEY);
    recipe.key = rsa_key_with(2048, NOTHING);
    server(recipe, TH_POLICY_KEY);
}

static void wants_dates_there_are(void **state)
{
    (void)state;
    static const char *const none[] = {
        "20491331235959Z", "20490001235959Z", "20490230235959Z", "20490100235959Z",
        "20491231245959Z", "20491231236059Z", "20491231235960Z", "20491231235959", "",
    };
    struct recipe recipe = good();
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        recipe.until = ends(none[i]);
        server(recipe, TH_POLICY_MALFORMED);
    }
    recipe.until = NOTHING;
    server(recipe, TH_POLICY_MALFORMED);
    recipe.until = ends("99991231235959Z");
    server(recipe, TH_POLICY_OK);
}

static void judges_roots(void **state)
{
    (void)state;
    struct recipe recipe = WITH(basic(true), key_usage(0x06));
    recipe.inner = recipe.outer = SHA1_ECDSA; /* nobody asks who signed it */
    assert_int_equal(th_policy_check_issuer(made(recipe)), TH_POLICY_OK);
    recipe.key = rsa_key_with(2048, BYTES(0x02, 1, 1));
    assert_int_equal(th_policy_check_issuer(made(recipe)), TH_POLICY_KEY);
    assert_int_equal(th_policy_check_issuer(made(WITH(basic(true)))), TH_POLICY_OK);
    assert_int_equal(th_policy_check_issuer(made(WITH(basic(true), key_usage(0x02)))),
                     TH_POLICY_NO_ISSUING);
    assert_int_equal(th_policy_check_issuer(made(WITH(basic(false)))), TH_POLICY_NOT_CA);
    assert_int_equal(th_policy_check_issuer(TEXT("0")), TH_POLICY_MALFORMED);
}

static void knows_usages(void **state)
{
    (void)state;
    server(WITH(purpose(2)), TH_POLICY_USAGE);
    authority(WITH(basic(true), purpose(2)), TH_POLICY_USAGE);
    server(WITH(extension(CE(0x25), NOTHING, SEQ(BYTES(0x06, 4, 0x55, 0x1D, 0x25, 0)))),
           TH_POLICY_OK);
    server(WITH(key_usage(0x02)), TH_POLICY_NO_SIGNING);
    server(WITH(key_usage(0x20)), TH_POLICY_NO_SIGNING);
    server(WITH(extension(CE(0x0F), CRITICAL, BYTES(0x03, 1, 0))), TH_POLICY_NO_SIGNING);
    authority(WITH(basic(true), key_usage(0x02)), TH_POLICY_NO_ISSUING);
    authority(WITH(basic(true), key_usage(0x80)), TH_POLICY_NO_ISSUING);
}

static void wants_authorities(void **state)
{
    (void)state;
    authority(WITH(key_usage(0x06)), TH_POLICY_NOT_CA);
    authority(WITH(basic(false), key_usage(0x06)), TH_POLICY_NOT_CA);
    struct recipe recipe = WITH(NOTHING);
    recipe.version = NOTHING; /* 1 */
    authority(recipe, TH_POLICY_NOT_CA);
}

static void refuses_extensions_nobody_understands(void **state)
{
    (void)state;
    server(WITH(extension(PRIVATE, CRITICAL, BYTES(0x05, 0))), TH_POLICY_CRITICAL);
    server(WITH(extension(PRIVATE, NOTHING, BYTES(0x05, 0))), TH_POLICY_OK);
    authority(WITH(basic(true), extension(PRIVATE, CRITICAL, BYTES(0x05, 0))), TH_POLICY_CRITICAL);
    authority(WITH(basic(true), extension(CE(0x24), CRITICAL, SEQ(NOTHING))), TH_POLICY_CRITICAL);
}

static void refuses_extensions_that_stand_there_twice(void **state)
{
    (void)state;
    server(WITH(purpose(1), purpose(2)), TH_POLICY_MALFORMED);
    server(WITH(purpose(2), key_usage(0x80), purpose(1)), TH_POLICY_MALFORMED);
    server(WITH(extension(PRIVATE, NOTHING, NOTHING), extension(PRIVATE, NOTHING, NOTHING)),
           TH_POLICY_MALFORMED);
}

static void refuses_extensions_before_version_3(void **state)
{
    (void)state;
    struct recipe recipe = good();
    recipe.version = BYTES(0xA0, 3, 0x02, 1, 1);
    server(recipe, TH_POLICY_MALFORMED);
    recipe.version = NOTHING;
    server(recipe, TH_POLICY_MALFORMED);
}

static void refuses_nul_in_names(void **state)
{
    (void)state;
    server(WITH(alternative(0x82, TEXT("broker.test"))), TH_POLICY_OK);
    server(WITH(alternative(0x82, TEXT("broker.test\0.evil.test"))), TH_POLICY_NUL);
    server(WITH(alternative(0x86, TEXT("mqtts://broker.test\0"))), TH_POLICY_NUL);
    server(WITH(alternative(0x87, TEXT("\x7F\0\0\x01"))), TH_POLICY_OK); /* an address */
    struct recipe recipe = good();
    recipe.subject = named(0x0C, TEXT("broker.test\0.evil.test"));
    server(recipe, TH_POLICY_NUL);
    recipe.subject = named(0x1E, TEXT("\0b\0r")); /* a string of 16-bit characters */
    server(recipe, TH_POLICY_OK);
}

static enum th_policy name_check(const char *wanted, uint8_t tag, struct th_slice name)
{
    struct th_host host;
    assert_int_equal(th_host_parse(&host, wanted, NULL), 0);
    return th_policy_check_name(made(WITH(alternative(tag, name))), &host);
}

static void takes_names_of_the_right_kind_only(void **state)
{
    (void)state;
    assert_int_equal(name_check("broker.test", 0x82, TEXT("broker.test")), TH_POLICY_OK);
    assert_int_equal(name_check("broker.test", 0x86, TEXT("broker.test")), TH_POLICY_WRONG_NAME);
    assert_int_equal(name_check("broker.test", 0x81, TEXT("broker.test")), TH_POLICY_WRONG_NAME);
    assert_int_equal(name_check("127.0.0.1", 0x87, TEXT("\x7F\0\0\x01")), TH_POLICY_OK);
    assert_int_equal(name_check("127.0.0.1", 0x82, TEXT("127.0.0.1")), TH_POLICY_WRONG_NAME);
    assert_int_equal(name_check("a.b.test", 0x82, TEXT("*.b.test")), TH_POLICY_OK);
    assert_int_equal(name_check("ax.b.test", 0x82, TEXT("a*.b.test")), TH_POLICY_WRONG_NAME);
    assert_int_equal(name_check("xa.b.test", 0x82, TEXT("*a.b.test")), TH_POLICY_WRONG_NAME);
    assert_int_equal(name_check("c.a.b.test", 0x82, TEXT("*.b.test")), TH_POLICY_WRONG_NAME);
    assert_int_equal(name_check("c.a.b.test", 0x82, TEXT("*.*.b.test")), TH_POLICY_WRONG_NAME);
}

/* All of them are issued by "issuer". */
static struct th_slice issued_to(const char *subject, struct recipe recipe)
{
    recipe.subject = named(0x0C, th_slice_text(subject));
    return made(recipe);
}

static void judges_the_path_only(void **state)
{
    (void)state;
    struct th_policy_path path = {.count = 0};
    struct th_slice leaf = issued_to("leaf", good());
    struct th_slice bad = issued_to("issuer", WITH(basic(true), purpose(2)));
    struct th_slice stray = issued_to("stray", WITH(basic(true), purpose(2)));
    assert_int_equal(th_policy_follow(&path, leaf), TH_POLICY_OK);
    assert_int_equal(th_policy_follow(&path, stray), TH_POLICY_OK);
    assert_int_equal(th_policy_follow(&path, bad), TH_POLICY_USAGE);
    assert_int_equal(th_policy_follow(&path, BYTES(0x30, 0)), TH_POLICY_MALFORMED);
}

static void bounds_the_path(void **state)
{
    (void)state;
    struct th_policy_path path = {.count = 0};
    struct th_slice leaf = issued_to("leaf", good());
    struct th_slice above = issued_to("issuer", WITH(basic(true)));
    assert_int_equal(th_policy_follow(&path, leaf), TH_POLICY_OK);
    for (int i = 1; i < TH_POLICY_PATH_MAX; i++)
        assert_int_equal(th_policy_follow(&path, above), TH_POLICY_OK);
    assert_int_equal(th_policy_follow(&path, above), TH_POLICY_MALFORMED);
}

static void finds_the_common_name(void **state)
{
    (void)state;
    struct th_slice common = th_policy_common_name(issued_to("Example CA", good()));
    assert_true(th_slice_equal(common, TEXT("Example CA")));
    struct recipe recipe = good();
    recipe.subject = SEQ(NOTHING);
    assert_int_equal(th_policy_common_name(made(recipe)).len_bytes, 0);
    assert_int_equal(th_policy_common_name(BYTES(0x30, 0)).len_bytes, 0);
}

static void finds_what_pins_pin(void **state)
{
    (void)state;
    struct th_policy_facts facts;
    struct recipe recipe = good();
    assert_true(th_policy_facts(made(recipe), &facts));
    assert_true(th_slice_equal(facts.key_info, recipe.key));
    assert_false(th_policy_facts(BYTES(0x30, 0), &facts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_good_ones),
        cmocka_unit_test(wants_strong_signatures),
        cmocka_unit_test(wants_one_algorithm),
        cmocka_unit_test(wants_strong_keys),
        cmocka_unit_test(wants_dates_there_are),
        cmocka_unit_test(judges_roots),
        cmocka_unit_test(knows_usages),
        cmocka_unit_test(wants_authorities),
        cmocka_unit_test(refuses_extensions_nobody_understands),
        cmocka_unit_test(refuses_extensions_that_stand_there_twice),
        cmocka_unit_test(refuses_extensions_before_version_3),
        cmocka_unit_test(refuses_nul_in_names),
        cmocka_unit_test(takes_names_of_the_right_kind_only),
        cmocka_unit_test(judges_the_path_only),
        cmocka_unit_test(bounds_the_path),
        cmocka_unit_test(finds_the_common_name),
        cmocka_unit_test(finds_what_pins_pin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

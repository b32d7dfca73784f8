#include "harness.h"

#include "base/slice.h"
#include "tls/policy.h"

/* The first certificate of a PEM file of the test PKI, as DER. */
struct first {
    uint8_t der[4096];
    size_t bytes;
};

static int keep_first(void *arg, enum th_pem_kind kind, struct th_slice der,
                      const struct th_pem_place *place, struct th_fault *fault)
{
    struct first *first = arg;
    (void)place, (void)fault;
    if (kind == TH_PEM_CERTIFICATE && first->bytes == 0) {
        memcpy(first->der, der.data, der.len_bytes);
        first->bytes = der.len_bytes;
    }
    return TH_PEM_DROP;
}

static struct th_slice certificate(const char *name)
{
    static struct first first;
    static _Alignas(16) uint8_t heap[8192];
    struct th_payer payer;
    struct th_der der = {0};
    struct th_source source = {.path = pki(name)};
    struct th_pem_sink sink = {.block = keep_first, .arg = &first};
    struct th_payer_config config = {.name = "test", .heap = heap, .heap_bytes = sizeof heap};
    th_payer_open(&payer, &config);
    struct th_payer *before = th_payer_enter(&payer);
    first.bytes = 0;
    assert_true(th_pem_read(&source, "test", &sink, &der, NULL) > 0);
    th_der_close(&der);
    th_payer_leave(before);
    assert_int_equal(th_payer_close(&payer), 0);
    return th_slice_of(first.der, first.bytes);
}

static void judges(const char *file, enum th_role role, enum th_policy expected)
{
    assert_int_equal(th_policy_check(certificate(file), role), expected);
}

static void judges_strength_and_usage(void **state)
{
    (void)state;
    judges("ec/server.pem", TH_ROLE_SERVER, TH_POLICY_OK);
    judges("rsa/server.pem", TH_ROLE_SERVER, TH_POLICY_OK);
    judges("ec/anyeku.pem", TH_ROLE_SERVER, TH_POLICY_OK);
    judges("ec/intermediate.crt", TH_ROLE_AUTHORITY, TH_POLICY_OK);
    judges("ec/sha1.pem", TH_ROLE_SERVER, TH_POLICY_SIGNATURE);
    judges("ec/rsa1024.pem", TH_ROLE_SERVER, TH_POLICY_KEY);
    judges("ec/p224.pem", TH_ROLE_SERVER, TH_POLICY_KEY);
    judges("ec/clienteku.pem", TH_ROLE_SERVER, TH_POLICY_USAGE);
    judges("ec/clientca.crt", TH_ROLE_AUTHORITY, TH_POLICY_USAGE);
    judges("ec/server.pem", TH_ROLE_AUTHORITY, TH_POLICY_NOT_CA);
    judges("ec/intermediate.crt", TH_ROLE_SERVER, TH_POLICY_NO_SIGNING);
}

static enum th_policy named(const char *file, const char *text)
{
    struct th_host host;
    assert_int_equal(th_host_parse(&host, text, NULL), 0);
    return th_policy_check_name(certificate(file), &host);
}

static void judges_names(void **state)
{
    (void)state;
    assert_int_equal(named("ec/server.pem", "broker.test"), TH_POLICY_OK);
    assert_int_equal(named("ec/server.pem", "127.0.0.1"), TH_POLICY_OK);
    assert_int_equal(named("ec/server.pem", "::1"), TH_POLICY_OK);
    assert_int_equal(named("ec/server.pem", "other.test"), TH_POLICY_WRONG_NAME);
    assert_int_equal(named("ec/otherip.pem", "127.0.0.1"), TH_POLICY_WRONG_NAME);
    assert_int_equal(named("ec/partial.pem", "broker.test"), TH_POLICY_WRONG_NAME);
    assert_int_equal(named("ec/cnonly.pem", "broker.test"), TH_POLICY_NO_NAME);
}

static void judges_authorities(void **state)
{
    (void)state;
    assert_int_equal(th_policy_check_issuer(certificate("ec/root.pem")), TH_POLICY_OK);
    assert_int_equal(th_policy_check_issuer(certificate("rsa/intermediate.crt")), TH_POLICY_OK);
    assert_int_equal(th_policy_check_issuer(certificate("ec/server.pem")), TH_POLICY_NOT_CA);
}

/* No prefix is a certificate, and none is read beyond its end: each lies in a block of its own. */
static void refuses_every_prefix(void **state)
{
    (void)state;
    struct th_host host;
    assert_int_equal(th_host_parse(&host, "broker.test", NULL), 0);
    struct th_slice whole = certificate("ec/server.pem");
    for (size_t bytes = 0; bytes < whole.len_bytes; bytes++) {
        uint8_t *copy = malloc(bytes ? bytes : 1);
        memcpy(copy, whole.data, bytes);
        struct th_slice prefix = th_slice_of(copy, bytes);
        assert_int_equal(th_policy_check(prefix, TH_ROLE_SERVER), TH_POLICY_MALFORMED);
        assert_int_equal(th_policy_check_name(prefix, &host), TH_POLICY_MALFORMED);
        assert_int_equal(th_policy_check_issuer(prefix), TH_POLICY_MALFORMED);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_strength_and_usage),
        cmocka_unit_test(judges_names),
        cmocka_unit_test(judges_authorities),
        cmocka_unit_test(refuses_every_prefix),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}

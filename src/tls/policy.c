#include "tls/policy.h"

#include "base/slice.h"

#include <string.h>

/* ---- DER (X.690), as a cursor that only moves forward ---------------------------------------- */

enum {
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_BOOLEAN = 0x01,
    DER_SEQUENCE = 0x30,
    DER_CONTEXT_0 = 0xA0, /* constructed */
    DER_CONTEXT_3 = 0xA3,
    DER_DNS_NAME = 0x82,  /* GeneralName (RFC 5280 section 4.2.1.6), primitive */
    DER_IP_ADDRESS = 0x87,
};

/* Lengths up to 65,535 bytes, in their shortest form. Returns the bytes read, 0 if malformed. */
static size_t read_length(struct th_slice in, size_t *length)
{
    if (in.len_bytes >= 1 && in.data[0] < 0x80) {
        *length = in.data[0];
        return 1;
    }
    if (in.len_bytes >= 2 && in.data[0] == 0x81 && in.data[1] >= 0x80) {
        *length = in.data[1];
        return 2;
    }
    if (in.len_bytes >= 3 && in.data[0] == 0x82 && in.data[1] != 0) {
        *length = (size_t)in.data[1] << 8 | in.data[2];
        return 3;
    }
    return 0;
}

static struct th_slice after(struct th_slice in, size_t bytes)
{
    return th_slice_of(in.data + bytes, in.len_bytes - bytes);
}

/* Takes the next value off `in`, whatever it is. False at the end or if malformed. */
static bool take_any(struct th_slice *in, uint8_t *tag, struct th_slice *value)
{
    if (in->len_bytes < 2)
        return false;
    size_t length;
    struct th_slice rest = after(*in, 1);
    size_t header = read_length(rest, &length);
    if (header == 0 || length > rest.len_bytes - header)
        return false;
    *tag = in->data[0];
    *value = th_slice_of(rest.data + header, length);
    *in = after(rest, header + length);
    return true;
}

static bool next_is(struct th_slice in, uint8_t tag)
{
    return in.len_bytes > 0 && in.data[0] == tag;
}

static bool take(struct th_slice *in, uint8_t tag, struct th_slice *value)
{
    uint8_t found;
    return next_is(*in, tag) && take_any(in, &found, value);
}

static bool skip(struct th_slice *in, uint8_t tag)
{
    struct th_slice ignored;
    return take(in, tag, &ignored);
}

static bool skip_optional(struct th_slice *in, uint8_t tag)
{
    return !next_is(*in, tag) || skip(in, tag);
}

/* ---- object identifiers ---------------------------------------------------------------------- */

#define OID(...) {(const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__}}
#define RSADSI_PKCS1(n) OID(0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, n)
#define ECDSA_SHA2(n) OID(0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, n)
#define NIST_HASH(n) OID(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, n)

static const struct th_slice plain_signatures[] = {
    RSADSI_PKCS1(11), RSADSI_PKCS1(12), RSADSI_PKCS1(13), /* sha256, sha384, sha512 WithRSA */
    ECDSA_SHA2(2), ECDSA_SHA2(3), ECDSA_SHA2(4),          /* ecdsa-with-SHA256, 384, 512 */
};
static const struct th_slice rsa_pss = RSADSI_PKCS1(10);
static const struct th_slice rsa_key = RSADSI_PKCS1(1);
static const struct th_slice ec_key = OID(0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01);
static const struct th_slice curves[] = {
    OID(0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07), /* P-256 */
    OID(0x2B, 0x81, 0x04, 0x00, 0x22),                   /* P-384 */
};
static const struct th_slice pss_hashes[] = {NIST_HASH(1), NIST_HASH(2), NIST_HASH(3)};
static const struct th_slice server_usages[] = {
    OID(0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01), /* id-kp-serverAuth */
    OID(0x55, 0x1D, 0x25, 0x00),                         /* anyExtendedKeyUsage */
};
static const struct th_slice extended_key_usage = OID(0x55, 0x1D, 0x25);
static const struct th_slice basic_constraints = OID(0x55, 0x1D, 0x13);
static const struct th_slice subject_alt_name = OID(0x55, 0x1D, 0x11);

static bool is_one_of(struct th_slice oid, const struct th_slice *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (th_slice_equal(oid, list[i]))
            return true;
    return false;
}

#define IS_ONE_OF(oid, list) is_one_of(oid, list, sizeof(list) / sizeof *(list))

/* ---- certificates (RFC 5280 section 4.1) ----------------------------------------------------- */

struct certificate {
    struct th_slice signature_algorithm; /* content of the AlgorithmIdentifier */
    struct th_slice public_key;          /* content of the SubjectPublicKeyInfo */
    struct th_slice extensions;          /* content of the SEQUENCE OF Extension; may be empty */
};

static bool skip_to_public_key(struct th_slice *tbs)
{
    return skip_optional(tbs, DER_CONTEXT_0) && /* version */
           skip(tbs, DER_INTEGER) &&            /* serial number */
           skip(tbs, DER_SEQUENCE) &&           /* signature */
           skip(tbs, DER_SEQUENCE) &&           /* issuer */
           skip(tbs, DER_SEQUENCE) &&           /* validity */
           skip(tbs, DER_SEQUENCE);             /* subject */
}

/* The unique identifiers before them, which nobody uses, are stepped over. */
static bool take_extensions(struct th_slice *tbs, struct th_slice *extensions)
{
    uint8_t tag;
    struct th_slice value;
    while (!next_is(*tbs, DER_CONTEXT_3)) {
        if (tbs->len_bytes == 0)
            return true;
        if (!take_any(tbs, &tag, &value))
            return false;
    }
    return take(tbs, DER_CONTEXT_3, &value) && take(&value, DER_SEQUENCE, extensions);
}

static bool open_certificate(struct th_slice der, struct certificate *out)
{
    struct th_slice body, tbs;
    memset(out, 0, sizeof *out);
    return take(&der, DER_SEQUENCE, &body) && take(&body, DER_SEQUENCE, &tbs) &&
           take(&body, DER_SEQUENCE, &out->signature_algorithm) && skip_to_public_key(&tbs) &&
           take(&tbs, DER_SEQUENCE, &out->public_key) && take_extensions(&tbs, &out->extensions);
}

/* RSASSA-PSS without parameters means SHA-1 (RFC 4055 section 3.1). */
static bool pss_hash_is_strong(struct th_slice algorithm)
{
    struct th_slice parameters, tagged, hash, oid;
    return take(&algorithm, DER_SEQUENCE, &parameters) &&
           take(&parameters, DER_CONTEXT_0, &tagged) && take(&tagged, DER_SEQUENCE, &hash) &&
           take(&hash, DER_OID, &oid) && IS_ONE_OF(oid, pss_hashes);
}

static bool signature_is_strong(struct th_slice algorithm)
{
    struct th_slice oid;
    if (!take(&algorithm, DER_OID, &oid))
        return false;
    if (th_slice_equal(oid, rsa_pss))
        return pss_hash_is_strong(algorithm);
    return IS_ONE_OF(oid, plain_signatures);
}

/* `number` has no leading zeros. */
static unsigned bits_of(struct th_slice number)
{
    if (number.len_bytes == 0)
        return 0;
    unsigned bits = 8 * (unsigned)number.len_bytes;
    for (uint8_t top = number.data[0]; !(top & 0x80); top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

static struct th_slice without_leading_zeros(struct th_slice number)
{
    while (number.len_bytes > 0 && number.data[0] == 0)
        number = after(number, 1);
    return number;
}

/* A BIT STRING of whole bytes begins with the number of unused bits, 0. */
static bool take_bits(struct th_slice *in, struct th_slice *bytes)
{
    struct th_slice bits;
    if (!take(in, DER_BIT_STRING, &bits) || bits.len_bytes == 0 || bits.data[0] != 0)
        return false;
    *bytes = after(bits, 1);
    return true;
}

static bool read_modulus(struct th_slice rsa_public_key, struct th_slice *modulus)
{
    struct th_slice numbers;
    if (!take(&rsa_public_key, DER_SEQUENCE, &numbers) || !take(&numbers, DER_INTEGER, modulus))
        return false;
    *modulus = without_leading_zeros(*modulus);
    return true;
}

static bool rsa_is_strong(struct th_slice bytes)
{
    struct th_slice modulus;
    if (!read_modulus(bytes, &modulus))
        return false;
    unsigned bits = bits_of(modulus);
    return bits >= 2048 && bits <= 4096;
}

static bool curve_is_strong(struct th_slice algorithm)
{
    struct th_slice curve;
    return take(&algorithm, DER_OID, &curve) && IS_ONE_OF(curve, curves);
}

static bool is_rsa(struct th_slice oid)
{
    return th_slice_equal(oid, rsa_key) || th_slice_equal(oid, rsa_pss);
}

static bool key_is_strong(struct th_slice public_key)
{
    struct th_slice algorithm, oid, bytes;
    if (!take(&public_key, DER_SEQUENCE, &algorithm) || !take(&algorithm, DER_OID, &oid) ||
        !take_bits(&public_key, &bytes))
        return false;
    if (th_slice_equal(oid, ec_key))
        return curve_is_strong(algorithm);
    return is_rsa(oid) && rsa_is_strong(bytes);
}

/* Finds an extension's value. 1 found, 0 absent, -1 malformed or there twice. */
static int find_extension(struct th_slice extensions, struct th_slice wanted,
                          struct th_slice *value)
{
    int found = 0;
    while (extensions.len_bytes > 0) {
        struct th_slice extension, oid, octets;
        if (!take(&extensions, DER_SEQUENCE, &extension) || !take(&extension, DER_OID, &oid) ||
            !skip_optional(&extension, DER_BOOLEAN) ||
            !take(&extension, DER_OCTET_STRING, &octets))
            return -1;
        if (!th_slice_equal(oid, wanted))
            continue;
        if (found || !take(&octets, DER_SEQUENCE, value))
            return -1;
        found = 1;
    }
    return found;
}

static bool serves(struct th_slice usages)
{
    struct th_slice oid;
    while (take(&usages, DER_OID, &oid))
        if (IS_ONE_OF(oid, server_usages))
            return true;
    return false;
}

static enum th_policy check_usage(struct th_slice extensions)
{
    struct th_slice usages;
    int found = find_extension(extensions, extended_key_usage, &usages);
    if (found < 0)
        return TH_POLICY_MALFORMED;
    return found == 0 || serves(usages) ? TH_POLICY_OK : TH_POLICY_USAGE;
}

enum th_policy th_policy_check(struct th_slice certificate)
{
    struct certificate opened;
    if (!open_certificate(certificate, &opened))
        return TH_POLICY_MALFORMED;
    if (!signature_is_strong(opened.signature_algorithm))
        return TH_POLICY_SIGNATURE;
    if (!key_is_strong(opened.public_key))
        return TH_POLICY_KEY;
    return check_usage(opened.extensions);
}

enum th_key_kind th_policy_public_key(struct th_slice certificate, struct th_slice *value)
{
    struct certificate opened;
    struct th_slice algorithm, oid;
    if (!open_certificate(certificate, &opened) ||
        !take(&opened.public_key, DER_SEQUENCE, &algorithm) || !take(&algorithm, DER_OID, &oid) ||
        !take_bits(&opened.public_key, value))
        return TH_KEY_UNKNOWN;
    if (th_slice_equal(oid, ec_key))
        return TH_KEY_EC;
    return is_rsa(oid) && read_modulus(*value, value) ? TH_KEY_RSA : TH_KEY_UNKNOWN;
}

/* PKCS#8 (RFC 5958) has an algorithm where PKCS#1 (RFC 8017 appendix A.1.2) has its first number,
 * and the whole PKCS#1 key behind it. Both begin with a version, which has been read. */
static bool unwrap_pkcs8(struct th_slice *key)
{
    struct th_slice octets;
    if (!next_is(*key, DER_SEQUENCE))
        return true;
    return skip(key, DER_SEQUENCE) && take(key, DER_OCTET_STRING, &octets) &&
           take(&octets, DER_SEQUENCE, key) && skip(key, DER_INTEGER);
}

bool th_policy_rsa_modulus(struct th_slice private_key, struct th_slice *modulus)
{
    struct th_slice key;
    if (!take(&private_key, DER_SEQUENCE, &key) || !skip(&key, DER_INTEGER) ||
        !unwrap_pkcs8(&key) || !take(&key, DER_INTEGER, modulus))
        return false;
    *modulus = without_leading_zeros(*modulus);
    return true;
}

bool th_policy_is_authority(struct th_slice certificate)
{
    struct certificate opened;
    struct th_slice constraints, flag;
    return open_certificate(certificate, &opened) &&
           find_extension(opened.extensions, basic_constraints, &constraints) == 1 &&
           take(&constraints, DER_BOOLEAN, &flag) && flag.len_bytes == 1 && flag.data[0] == 0xFF;
}

static bool name_is_host(uint8_t tag, struct th_slice value, const struct th_host *host)
{
    return (tag == DER_DNS_NAME && th_host_matches_dns(host, value)) ||
           (tag == DER_IP_ADDRESS && th_host_matches_address(host, value));
}

static enum th_policy check_names(struct th_slice names, const struct th_host *host)
{
    while (names.len_bytes > 0) {
        uint8_t tag;
        struct th_slice value;
        if (!take_any(&names, &tag, &value))
            return TH_POLICY_MALFORMED;
        if (name_is_host(tag, value, host))
            return TH_POLICY_OK;
    }
    return TH_POLICY_WRONG_NAME;
}

enum th_policy th_policy_check_name(struct th_slice leaf, const struct th_host *host)
{
    struct certificate opened;
    struct th_slice names;
    if (!open_certificate(leaf, &opened))
        return TH_POLICY_MALFORMED;
    int found = find_extension(opened.extensions, subject_alt_name, &names);
    if (found < 0)
        return TH_POLICY_MALFORMED;
    return found == 0 ? TH_POLICY_NO_NAME : check_names(names, host);
}

#include "tls/policy.h"

#include "base/der.h"

#include <string.h>

enum {
    DNS_NAME = TH_DER_CONTEXT | 2,   /* GeneralName (RFC 5280 section 4.2.1.6) */
    IP_ADDRESS = TH_DER_CONTEXT | 7,
};

/* ---- object identifiers ---------------------------------------------------------------------- */

#define RSADSI_PKCS1(n) "\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01" n
#define ECDSA_SHA2(n) "\x08\x2A\x86\x48\xCE\x3D\x04\x03" n
#define NIST_HASH(n) "\x09\x60\x86\x48\x01\x65\x03\x04\x02" n
#define RSA_KEY RSADSI_PKCS1("\x01")
#define RSA_PSS RSADSI_PKCS1("\x0A")
#define EC_KEY "\x07\x2A\x86\x48\xCE\x3D\x02\x01"
#define EXTENDED_KEY_USAGE "\x03\x55\x1D\x25"
#define BASIC_CONSTRAINTS "\x03\x55\x1D\x13"
#define SUBJECT_ALT_NAME "\x03\x55\x1D\x11"

static const char plain_signatures[] =
    RSADSI_PKCS1("\x0B") RSADSI_PKCS1("\x0C") RSADSI_PKCS1("\x0D") /* sha256, 384, 512 WithRSA */
    ECDSA_SHA2("\x02") ECDSA_SHA2("\x03") ECDSA_SHA2("\x04"); /* ecdsa-with-SHA256, 384, 512 */
static const char curves[] = "\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07" /* P-256 */
                             "\x05\x2B\x81\x04\x00\x22";             /* P-384 */
static const char pss_hashes[] = NIST_HASH("\x01") NIST_HASH("\x02") NIST_HASH("\x03");
static const char server_usages[] = "\x08\x2B\x06\x01\x05\x05\x07\x03\x01" /* id-kp-serverAuth */
                                    "\x04\x55\x1D\x25\x00"; /* anyExtendedKeyUsage */

/* ---- certificates (RFC 5280 section 4.1) ----------------------------------------------------- */

struct certificate {
    struct th_slice signature_algorithm; /* content of the AlgorithmIdentifier */
    struct th_slice public_key;          /* content of the SubjectPublicKeyInfo */
    struct th_slice extensions;          /* content of the SEQUENCE OF Extension; may be empty */
};

static bool skip_to_public_key(struct th_slice *tbs)
{
    return th_der_skip_optional(tbs, TH_DER_CONSTRUCTED) && /* version */
           th_der_skip(tbs, TH_DER_INTEGER) &&          /* serial number */
           th_der_skip(tbs, TH_DER_SEQUENCE) &&         /* signature */
           th_der_skip(tbs, TH_DER_SEQUENCE) &&         /* issuer */
           th_der_skip(tbs, TH_DER_SEQUENCE) &&         /* validity */
           th_der_skip(tbs, TH_DER_SEQUENCE);           /* subject */
}

/* The unique identifiers before them, which nobody uses, are stepped over. */
static bool take_extensions(struct th_slice *tbs, struct th_slice *extensions)
{
    uint8_t tag;
    struct th_slice value;
    while (!th_der_next_is(*tbs, TH_DER_CONSTRUCTED | 3)) {
        if (tbs->len_bytes == 0)
            return true;
        if (!th_der_take_any(tbs, &tag, &value))
            return false;
    }
    return th_der_take(tbs, TH_DER_CONSTRUCTED | 3, &value) &&
           th_der_take(&value, TH_DER_SEQUENCE, extensions);
}

static bool open_certificate(struct th_slice der, struct certificate *out)
{
    struct th_slice body, tbs;
    memset(out, 0, sizeof *out);
    return th_der_take(&der, TH_DER_SEQUENCE, &body) &&
           th_der_take(&body, TH_DER_SEQUENCE, &tbs) &&
           th_der_take(&body, TH_DER_SEQUENCE, &out->signature_algorithm) &&
           skip_to_public_key(&tbs) && th_der_take(&tbs, TH_DER_SEQUENCE, &out->public_key) &&
           take_extensions(&tbs, &out->extensions);
}

/* RSASSA-PSS without parameters means SHA-1 (RFC 4055 section 3.1). */
static bool pss_hash_is_strong(struct th_slice algorithm)
{
    struct th_slice parameters, tagged, hash, oid;
    return th_der_take(&algorithm, TH_DER_SEQUENCE, &parameters) &&
           th_der_take(&parameters, TH_DER_CONSTRUCTED, &tagged) &&
           th_der_take(&tagged, TH_DER_SEQUENCE, &hash) &&
           th_der_take(&hash, TH_DER_OID, &oid) && th_der_is_oid(oid, pss_hashes);
}

static bool signature_is_strong(struct th_slice algorithm)
{
    struct th_slice oid;
    if (!th_der_take(&algorithm, TH_DER_OID, &oid))
        return false;
    if (th_der_is_oid(oid, RSA_PSS))
        return pss_hash_is_strong(algorithm);
    return th_der_is_oid(oid, plain_signatures);
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

static bool read_modulus(struct th_slice rsa_public_key, struct th_slice *modulus)
{
    struct th_slice numbers;
    return th_der_take(&rsa_public_key, TH_DER_SEQUENCE, &numbers) &&
           th_der_take_number(&numbers, modulus);
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
    return th_der_take(&algorithm, TH_DER_OID, &curve) && th_der_is_oid(curve, curves);
}

static bool is_rsa(struct th_slice oid)
{
    return th_der_is_oid(oid, RSA_KEY RSA_PSS);
}

static bool key_is_strong(struct th_slice public_key)
{
    struct th_slice algorithm, oid, bytes;
    if (!th_der_take(&public_key, TH_DER_SEQUENCE, &algorithm) ||
        !th_der_take(&algorithm, TH_DER_OID, &oid) || !th_der_take_bits(&public_key, &bytes))
        return false;
    if (th_der_is_oid(oid, EC_KEY))
        return curve_is_strong(algorithm);
    return is_rsa(oid) && rsa_is_strong(bytes);
}

/* Finds an extension's value. 1 found, 0 absent, -1 malformed or there twice. */
static int find_extension(struct th_slice extensions, const char *wanted, struct th_slice *value)
{
    int found = 0;
    while (extensions.len_bytes > 0) {
        struct th_slice extension, oid, octets;
        if (!th_der_take(&extensions, TH_DER_SEQUENCE, &extension) ||
            !th_der_take(&extension, TH_DER_OID, &oid) ||
            !th_der_skip_optional(&extension, TH_DER_BOOLEAN) ||
            !th_der_take(&extension, TH_DER_OCTET_STRING, &octets))
            return -1;
        if (!th_der_is_oid(oid, wanted))
            continue;
        if (found || !th_der_take(&octets, TH_DER_SEQUENCE, value))
            return -1;
        found = 1;
    }
    return found;
}

static bool serves(struct th_slice usages)
{
    struct th_slice oid;
    while (th_der_take(&usages, TH_DER_OID, &oid))
        if (th_der_is_oid(oid, server_usages))
            return true;
    return false;
}

static enum th_policy check_usage(struct th_slice extensions)
{
    struct th_slice usages;
    int found = find_extension(extensions, EXTENDED_KEY_USAGE, &usages);
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
        !th_der_take(&opened.public_key, TH_DER_SEQUENCE, &algorithm) ||
        !th_der_take(&algorithm, TH_DER_OID, &oid) ||
        !th_der_take_bits(&opened.public_key, value))
        return TH_KEY_UNKNOWN;
    if (th_der_is_oid(oid, EC_KEY))
        return TH_KEY_EC;
    return is_rsa(oid) && read_modulus(*value, value) ? TH_KEY_RSA : TH_KEY_UNKNOWN;
}

/* PKCS#8 (RFC 5958) has an algorithm where PKCS#1 (RFC 8017 appendix A.1.2) has its first number,
 * and the whole PKCS#1 key behind it. Both begin with a version, which has been read. */
static bool unwrap_pkcs8(struct th_slice *key)
{
    struct th_slice octets;
    if (!th_der_next_is(*key, TH_DER_SEQUENCE))
        return true;
    return th_der_skip(key, TH_DER_SEQUENCE) && th_der_take(key, TH_DER_OCTET_STRING, &octets) &&
           th_der_take(&octets, TH_DER_SEQUENCE, key) && th_der_skip(key, TH_DER_INTEGER);
}

bool th_policy_rsa_modulus(struct th_slice private_key, struct th_slice *modulus)
{
    struct th_slice key;
    return th_der_take(&private_key, TH_DER_SEQUENCE, &key) && th_der_skip(&key, TH_DER_INTEGER) &&
           unwrap_pkcs8(&key) && th_der_take_number(&key, modulus);
}

bool th_policy_is_authority(struct th_slice certificate)
{
    struct certificate opened;
    struct th_slice constraints, flag;
    return open_certificate(certificate, &opened) &&
           find_extension(opened.extensions, BASIC_CONSTRAINTS, &constraints) == 1 &&
           th_der_take(&constraints, TH_DER_BOOLEAN, &flag) && flag.len_bytes == 1 &&
           flag.data[0] == 0xFF;
}

static bool name_is_host(uint8_t tag, struct th_slice value, const struct th_host *host)
{
    return (tag == DNS_NAME && th_host_matches_dns(host, value)) ||
           (tag == IP_ADDRESS && th_host_matches_address(host, value));
}

static enum th_policy check_names(struct th_slice names, const struct th_host *host)
{
    while (names.len_bytes > 0) {
        uint8_t tag;
        struct th_slice value;
        if (!th_der_take_any(&names, &tag, &value))
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
    int found = find_extension(opened.extensions, SUBJECT_ALT_NAME, &names);
    if (found < 0)
        return TH_POLICY_MALFORMED;
    return found == 0 ? TH_POLICY_NO_NAME : check_names(names, host);
}

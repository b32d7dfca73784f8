#include "tls/policy.h"

#include "base/der.h"
#include "identity/time.h"
#include "tls/constraints.h"

#include <string.h>

enum {
    DNS_NAME = TH_DER_CONTEXT | 2, /* GeneralName (RFC 5280 section 4.2.1.6) */
    IP_ADDRESS = TH_DER_CONTEXT | 7,
    DIGITAL_SIGNATURE = 0x80, /* key usage, its first eight bits (RFC 5280 section 4.2.1.3) */
    KEY_CERT_SIGN = 0x04,
};

/* ---- object identifiers ---------------------------------------------------------------------- */

#define RSADSI_PKCS1(n) "\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01" n
#define ECDSA_SHA2(n) "\x08\x2A\x86\x48\xCE\x3D\x04\x03" n
#define NIST_HASH(n) "\x09\x60\x86\x48\x01\x65\x03\x04\x02" n
#define ID_CE(n) "\x03\x55\x1D" n
#define RSA_KEY RSADSI_PKCS1("\x01")
#define RSA_PSS RSADSI_PKCS1("\x0A")
#define EC_KEY "\x07\x2A\x86\x48\xCE\x3D\x02\x01"
#define COMMON_NAME "\x03\x55\x04\x03"

static const char plain_signatures[] =
    RSADSI_PKCS1("\x0B") RSADSI_PKCS1("\x0C") RSADSI_PKCS1("\x0D") /* sha256, 384, 512 WithRSA */
    ECDSA_SHA2("\x02") ECDSA_SHA2("\x03") ECDSA_SHA2("\x04"); /* ecdsa-with-SHA256, 384, 512 */
static const char curves[] = "\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07" /* P-256 */
                             "\x05\x2B\x81\x04\x00\x22";             /* P-384 */
static const char pss_hashes[] = NIST_HASH("\x01") NIST_HASH("\x02") NIST_HASH("\x03");
static const char server_usages[] = "\x08\x2B\x06\x01\x05\x05\x07\x03\x01" /* id-kp-serverAuth */
                                    "\x04\x55\x1D\x25\x00"; /* anyExtendedKeyUsage */

/* Extensions somebody here understands: we, or wolfSSL. Their places in the list. */
static const char known[] = ID_CE("\x0F") ID_CE("\x13") ID_CE("\x11") ID_CE("\x25") ID_CE("\x1E");
enum {
    KEY_USAGE,
    BASIC_CONSTRAINTS,
    SUBJECT_ALT_NAME,
    EXTENDED_USAGE,
    NAME_CONSTRAINTS,
    KNOWN
};

/* ---- certificates (RFC 5280 section 4.1) ----------------------------------------------------- */

/* What a certificate consists of, and what wraps it. */
enum { VERSION, SERIAL, INNER_ALGORITHM, ISSUER_NAME, VALIDITY, SUBJECT_NAME, KEY_INFO, FIELDS };

static const uint8_t tags[FIELDS] = {
    TH_DER_CONSTRUCTED, TH_DER_INTEGER,  TH_DER_SEQUENCE, TH_DER_SEQUENCE,
    TH_DER_SEQUENCE,    TH_DER_SEQUENCE, TH_DER_SEQUENCE,
};

struct certificate {
    struct th_slice fields[FIELDS];  /* contents; of VERSION empty: version 1 */
    struct th_slice outer_algorithm; /* content of the AlgorithmIdentifier */
    struct th_slice known[KNOWN];    /* values of extensions; without data: absent */
    bool has_unknown_critical;
};

struct extension {
    struct th_slice oid;
    struct th_slice critical; /* a BOOLEAN, or empty: FALSE */
    struct th_slice value;
};

static bool is_true(struct th_slice flag)
{
    return flag.len_bytes == 1 && flag.data[0] != 0;
}

static bool take_extension(struct th_slice *list, struct extension *out)
{
    struct th_slice body;
    out->critical = th_slice_of("", 0);
    return th_der_take(list, TH_DER_SEQUENCE, &body) &&
           th_der_take(&body, TH_DER_OID, &out->oid) &&
           (!th_der_next_is(body, TH_DER_BOOLEAN) ||
            th_der_take(&body, TH_DER_BOOLEAN, &out->critical)) &&
           th_der_take(&body, TH_DER_OCTET_STRING, &out->value);
}

/* RFC 5280 section 4.2: not even one that nobody knows may stand there twice. */
static bool is_repeated(struct th_slice oid, struct th_slice rest)
{
    struct extension other;
    while (take_extension(&rest, &other))
        if (th_slice_equal(oid, other.oid))
            return true;
    return false;
}

static bool read_extensions(struct th_slice list, struct certificate *out)
{
    while (list.len_bytes > 0) {
        struct extension next;
        if (!take_extension(&list, &next) || is_repeated(next.oid, list))
            return false;
        int place = th_der_oid_in(next.oid, known);
        if (place >= 0)
            out->known[place] = next.value;
        else
            out->has_unknown_critical |= is_true(next.critical);
    }
    return true;
}

static bool is_version_3(const struct certificate *certificate)
{
    static const uint8_t v3[] = {TH_DER_INTEGER, 1, 2};
    return th_slice_equal(certificate->fields[VERSION], th_slice_of(v3, sizeof v3));
}

/* Only version 3 has them. The unique identifiers before them, used by nobody, are stepped over. */
static bool take_extensions(struct th_slice *tbs, struct certificate *out)
{
    uint8_t tag;
    struct th_slice value, list;
    while (th_der_take_any(tbs, &tag, &value))
        if (tag == (TH_DER_CONSTRUCTED | 3))
            return is_version_3(out) && th_der_take(&value, TH_DER_SEQUENCE, &list) &&
                   read_extensions(list, out);
    return tbs->len_bytes == 0;
}

static bool take_fields(struct th_slice *tbs, struct certificate *out)
{
    for (int i = 0; i < FIELDS; i++)
        if (!th_der_take(tbs, tags[i], &out->fields[i]) && i != VERSION)
            return false;
    return take_extensions(tbs, out);
}

/* wolfSSL takes a thirteenth month, and an hour 24. */
static bool has_dates(struct th_slice validity)
{
    int64_t unheard_s;
    return th_identity_take_time(&validity, &unheard_s) &&
           th_identity_take_time(&validity, &unheard_s);
}

static bool open_certificate(struct th_slice der, struct certificate *out)
{
    struct th_slice body, tbs;
    memset(out, 0, sizeof *out);
    return th_der_take(&der, TH_DER_SEQUENCE, &body) &&
           th_der_take(&body, TH_DER_SEQUENCE, &tbs) &&
           th_der_take(&body, TH_DER_SEQUENCE, &out->outer_algorithm) && take_fields(&tbs, out) &&
           has_dates(out->fields[VALIDITY]);
}

/* ---- strength -------------------------------------------------------------------------------- */

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

/* Of an RSAPublicKey; its exponent is in the rest. */
static bool read_modulus(struct th_slice key, struct th_slice *modulus, struct th_slice *rest)
{
    return th_der_take(&key, TH_DER_SEQUENCE, rest) && th_der_take_number(rest, modulus);
}

/* With an exponent of 1 anybody can sign: the signature is the padded hash itself. */
static bool rsa_is_strong(struct th_slice bytes)
{
    struct th_slice modulus, rest, exponent;
    if (!read_modulus(bytes, &modulus, &rest) || !th_der_take_number(&rest, &exponent))
        return false;
    unsigned bits = th_der_number_bits(modulus);
    return bits >= 2048 && bits <= 4096 && th_der_number_bits(exponent) > 1;
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

/* Takes the content of a SubjectPublicKeyInfo apart. */
static bool open_key(struct th_slice info, struct th_slice *oid, struct th_slice *parameters,
                     struct th_slice *bytes)
{
    return th_der_take(&info, TH_DER_SEQUENCE, parameters) &&
           th_der_take(parameters, TH_DER_OID, oid) && th_der_take_bits(&info, bytes);
}

static bool key_is_strong(struct th_slice key_info)
{
    struct th_slice oid, parameters, bytes;
    if (!open_key(key_info, &oid, &parameters, &bytes))
        return false;
    if (th_der_is_oid(oid, EC_KEY))
        return curve_is_strong(parameters);
    return is_rsa(oid) && rsa_is_strong(bytes);
}

/* ---- usage ----------------------------------------------------------------------------------- */

static bool serves(struct th_slice value)
{
    struct th_slice usages, oid;
    if (!value.data)
        return true;
    if (!th_der_take(&value, TH_DER_SEQUENCE, &usages))
        return false;
    while (th_der_take(&usages, TH_DER_OID, &oid))
        if (th_der_is_oid(oid, server_usages))
            return true;
    return false;
}

/* `value` is that of the key usage; without it, everything is allowed. */
static bool allows(struct th_slice value, uint8_t bit)
{
    struct th_slice bits;
    if (!value.data)
        return true;
    return th_der_take(&value, TH_DER_BIT_STRING, &bits) && bits.len_bytes >= 2 &&
           (bits.data[1] & bit);
}

static bool is_authority(const struct certificate *certificate)
{
    struct th_slice value = certificate->known[BASIC_CONSTRAINTS], constraints, flag;
    return th_der_take(&value, TH_DER_SEQUENCE, &constraints) &&
           th_der_take(&constraints, TH_DER_BOOLEAN, &flag) && is_true(flag);
}

static enum th_policy check_issuing(const struct certificate *certificate)
{
    if (!is_authority(certificate))
        return TH_POLICY_NOT_CA;
    return allows(certificate->known[KEY_USAGE], KEY_CERT_SIGN) ? TH_POLICY_OK
                                                                : TH_POLICY_NO_ISSUING;
}

static enum th_policy check_role(const struct certificate *certificate, enum th_role role)
{
    if (!serves(certificate->known[EXTENDED_USAGE]))
        return TH_POLICY_USAGE;
    if (role == TH_ROLE_AUTHORITY)
        return check_issuing(certificate);
    return allows(certificate->known[KEY_USAGE], DIGITAL_SIGNATURE) ? TH_POLICY_OK
                                                                    : TH_POLICY_NO_SIGNING;
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool is_text(uint8_t tag)
{
    static const uint8_t texts[] = { /* strings of bytes; the names of GeneralName that are some */
        0x0C, 0x12, 0x13, 0x14, 0x16, 0x1A, TH_DER_CONTEXT | 1, DNS_NAME, TH_DER_CONTEXT | 6,
    };
    return memchr(texts, tag, sizeof texts) != NULL;
}

/* "broker.example\0.evil.test" is read in two ways, by whoever issued it and by whoever looks. */
static bool has_nul(struct th_slice names)
{
    uint8_t tag;
    struct th_slice value;
    while (th_der_take_leaf(&names, &tag, &value))
        if (is_text(tag) && memchr(value.data, 0, value.len_bytes))
            return true;
    return false;
}

struct th_slice th_policy_common_name(struct th_slice certificate)
{
    struct certificate opened;
    struct th_slice value;
    uint8_t tag;
    bool is_next = false;
    if (!open_certificate(certificate, &opened))
        return th_slice_of("", 0);
    while (th_der_take_leaf(&opened.fields[SUBJECT_NAME], &tag, &value)) {
        if (is_next)
            return value;
        is_next = tag == TH_DER_OID && th_der_is_oid(value, COMMON_NAME);
    }
    return th_slice_of("", 0);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static enum th_policy check(const struct certificate *opened, enum th_role role)
{
    if (!th_slice_equal(opened->fields[INNER_ALGORITHM], opened->outer_algorithm))
        return TH_POLICY_ALGORITHMS;
    if (!signature_is_strong(opened->outer_algorithm))
        return TH_POLICY_SIGNATURE;
    if (!key_is_strong(opened->fields[KEY_INFO]))
        return TH_POLICY_KEY;
    if (opened->has_unknown_critical)
        return TH_POLICY_CRITICAL;
    if (has_nul(opened->fields[SUBJECT_NAME]) || has_nul(opened->known[SUBJECT_ALT_NAME]))
        return TH_POLICY_NUL;
    return check_role(opened, role);
}

static bool has_issued(const struct th_policy_path *path, struct th_slice subject)
{
    struct certificate below;
    for (unsigned i = 0; i < path->count; i++)
        if (open_certificate(path->certificates[i], &below) &&
            th_slice_equal(below.fields[ISSUER_NAME], subject))
            return true;
    return false;
}

/* An authority's new key, certified with its old one, is not below it (RFC 5280 section 6.1.3). */
static bool is_self_issued(const struct certificate *certificate)
{
    return th_slice_equal(certificate->fields[ISSUER_NAME], certificate->fields[SUBJECT_NAME]);
}

static enum th_policy hold_against(struct th_slice constraints, const struct th_policy_path *path)
{
    struct certificate below;
    for (unsigned i = 0; constraints.data && i < path->count; i++)
        if (open_certificate(path->certificates[i], &below) &&
            (i == 0 || !is_self_issued(&below)) &&
            !th_constraints_allow(constraints, below.fields[SUBJECT_NAME],
                                  below.known[SUBJECT_ALT_NAME]))
            return TH_POLICY_CONSTRAINED;
    return TH_POLICY_OK;
}

bool th_policy_is_constrained(struct th_slice certificate)
{
    struct certificate opened;
    return open_certificate(certificate, &opened) && opened.known[NAME_CONSTRAINTS].data;
}

enum th_policy th_policy_constrain(const struct th_policy_path *path, struct th_slice authority)
{
    struct certificate opened;
    if (!open_certificate(authority, &opened))
        return TH_POLICY_MALFORMED;
    return has_issued(path, opened.fields[SUBJECT_NAME])
               ? hold_against(opened.known[NAME_CONSTRAINTS], path) : TH_POLICY_OK;
}

enum th_policy th_policy_climb(struct th_policy_path *path, struct th_slice certificate)
{
    struct certificate opened;
    if (path->count == TH_POLICY_PATH_MAX || !open_certificate(certificate, &opened))
        return TH_POLICY_MALFORMED;
    if (path->count > 0 && !has_issued(path, opened.fields[SUBJECT_NAME]))
        return TH_POLICY_OK;
    enum th_policy verdict = hold_against(opened.known[NAME_CONSTRAINTS], path);
    path->certificates[path->count++] = certificate;
    return verdict;
}

enum th_policy th_policy_follow(struct th_policy_path *path, struct th_slice certificate)
{
    unsigned before = path->count;
    enum th_policy climbed = th_policy_climb(path, certificate);
    if (path->count == before)
        return climbed;
    enum th_policy verdict = th_policy_check(certificate,
                                             before == 0 ? TH_ROLE_SERVER : TH_ROLE_AUTHORITY);
    return verdict == TH_POLICY_OK ? climbed : verdict;
}

enum th_policy th_policy_check(struct th_slice certificate, enum th_role role)
{
    struct certificate opened;
    return open_certificate(certificate, &opened) ? check(&opened, role) : TH_POLICY_MALFORMED;
}

enum th_policy th_policy_check_issuer(struct th_slice certificate)
{
    struct certificate opened;
    if (!open_certificate(certificate, &opened))
        return TH_POLICY_MALFORMED;
    enum th_policy verdict = check_issuing(&opened);
    return verdict == TH_POLICY_OK && !key_is_strong(opened.fields[KEY_INFO]) ? TH_POLICY_KEY
                                                                              : verdict;
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
    struct th_slice value = opened.known[SUBJECT_ALT_NAME];
    if (!value.data)
        return TH_POLICY_NO_NAME;
    return th_der_take(&value, TH_DER_SEQUENCE, &names) ? check_names(names, host)
                                                        : TH_POLICY_MALFORMED;
}

/* ---- keys and whose they are ----------------------------------------------------------------- */

bool th_policy_facts(struct th_slice certificate, struct th_policy_facts *facts)
{
    struct certificate opened;
    if (!open_certificate(certificate, &opened))
        return false;
    facts->issuer = opened.fields[ISSUER_NAME];
    facts->subject = opened.fields[SUBJECT_NAME];
    const uint8_t *begin = facts->subject.data + facts->subject.len_bytes;
    const struct th_slice *key = &opened.fields[KEY_INFO];
    facts->key_info = th_slice_of(begin, (size_t)(key->data + key->len_bytes - begin));
    return true;
}

/* ---- key pairs ------------------------------------------------------------------------------- */

enum th_key_kind th_policy_public_key(struct th_slice certificate, struct th_slice *value)
{
    struct certificate opened;
    struct th_slice oid, rest;
    if (!open_certificate(certificate, &opened) ||
        !open_key(opened.fields[KEY_INFO], &oid, &rest, value))
        return TH_KEY_UNKNOWN;
    if (th_der_is_oid(oid, EC_KEY))
        return TH_KEY_EC;
    return is_rsa(oid) && read_modulus(*value, value, &rest) ? TH_KEY_RSA : TH_KEY_UNKNOWN;
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

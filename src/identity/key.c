#include "identity/key.h"

#include "base/der.h"
#include "base/err.h"
#include "crypt/key.h"
#include "crypt/random.h"
#include "crypt/wipe.h"
#include "identity/desk.h"
#include "identity/encrypted.h"
#include "identity/oid.h"
#include "identity/pem.h"

#include <thimble/identity.h>

#define RSA "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01"
#define EC "\x2A\x86\x48\xCE\x3D\x02\x01"
#define P_256 "\x2A\x86\x48\xCE\x3D\x03\x01\x07"
#define P_384 "\x2B\x81\x04\x00\x22"
#define OID(name) th_slice_of(name, sizeof name - 1)
#define P_256_POINT_BYTES 65

/* ---- what kind of key it is ------------------------------------------------------------------ */

/* The PKCS#1 key in PKCS#8 (RFC 5958), or itself: both begin with a version, which is taken. */
static bool open_pkcs1(struct th_slice der, struct th_slice *numbers)
{
    struct th_slice octets;
    if (!th_der_take(&der, TH_DER_SEQUENCE, numbers) || !th_der_skip(numbers, TH_DER_INTEGER))
        return false;
    if (!th_der_next_is(*numbers, TH_DER_SEQUENCE))
        return true;
    return th_der_skip(numbers, TH_DER_SEQUENCE) &&
           th_der_take(numbers, TH_DER_OCTET_STRING, &octets) &&
           th_der_take(&octets, TH_DER_SEQUENCE, numbers) && th_der_skip(numbers, TH_DER_INTEGER);
}

static bool read_rsa(struct th_key *key)
{
    struct th_slice numbers;
    key->is_rsa = open_pkcs1(key->der, &numbers) &&
                  th_der_take(&numbers, TH_DER_INTEGER, &key->modulus) &&
                  th_der_take(&numbers, TH_DER_INTEGER, &key->exponent);
    return key->is_rsa;
}

static struct th_slice curve_of(size_t point_bytes)
{
    return point_bytes == P_256_POINT_BYTES ? OID(P_256) : OID(P_384);
}

/* wolfCrypt goes by the length of the secret: other curves have as many bits. In PKCS#8 the curve
 * stands behind the algorithm, in SEC1 (RFC 5915) behind the secret. */
static bool is_on_curve(struct th_slice der, size_t point_bytes)
{
    struct th_slice body, names, curve;
    if (!th_der_take(&der, TH_DER_SEQUENCE, &body) || !th_der_skip(&body, TH_DER_INTEGER))
        return false;
    bool found = th_der_next_is(body, TH_DER_SEQUENCE)
                     ? th_der_take(&body, TH_DER_SEQUENCE, &names) &&
                           th_der_skip(&names, TH_DER_OID)
                     : th_der_skip(&body, TH_DER_OCTET_STRING) &&
                           th_der_take(&body, TH_DER_CONSTRUCTED, &names);
    return found && th_der_take(&names, TH_DER_OID, &curve) &&
           th_slice_equal(curve, curve_of(point_bytes));
}

static int refuse(struct th_fault *fault, const struct th_pem_place *place,
                  enum th_validity reason, const char *problem)
{
    return th_fault_because(fault, reason,
                            th_fault_set(fault, TH_E_FILE, "private key: %s, line %u: %s",
                                         place->name, place->line, problem));
}

static int read_key(struct th_key *key, const struct th_pem_place *place, struct th_fault *fault)
{
    key->point_bytes = sizeof key->point;
    int result = read_rsa(key) ? 0 : th_crypt_ec_point(key->der, key->point, &key->point_bytes);
    if (result == TH_E_MEMORY)
        return th_fault_set(fault, TH_E_MEMORY, "private key: no memory for it");
    if (result == 0 && (key->is_rsa || is_on_curve(key->der, key->point_bytes)))
        return 0;
    return refuse(fault, place, TH_INVALID_FORMAT,
                  "is no EC key of P-256 or P-384, and no RSA key");
}

/* What is kept may move while the file is read on. */
struct opening {
    struct th_key *key;
    const struct th_key_file *file;
    struct th_pem_place place;
    unsigned keys;
    size_t at_bytes;
};

static int take(void *arg, enum th_pem_kind kind, struct th_slice der,
                const struct th_pem_place *place, struct th_fault *fault)
{
    struct opening *opening = arg;
    struct th_key *key = opening->key;
    if (kind == TH_PEM_CERTIFICATE || kind == TH_PEM_OTHER || kind == TH_PEM_CRL)
        return TH_PEM_DROP;
    if (opening->keys++)
        return refuse(fault, place, TH_INVALID_CONTENT, "is a second private key; keep one");
    int result = th_encrypted_open(kind, &der, &opening->file->passphrase, place, fault);
    if (result >= 0 && der.len_bytes == 0)
        return refuse(fault, place, TH_INVALID_FORMAT, "there is none");
    key->is_encrypted = result > 0;
    key->der.len_bytes = der.len_bytes;
    opening->at_bytes = (size_t)(der.data - key->file.data);
    opening->place = *place;
    return result < 0 ? result : TH_PEM_KEEP;
}

int th_key_open(struct th_key *key, const struct th_key_file *file, struct th_fault *fault)
{
    struct opening opening = {.key = key, .file = file};
    struct th_pem_sink sink = {.block = take, .arg = &opening};
    memset(key, 0, sizeof *key);
    int result = th_pem_read(&file->source, "private key", &sink, &key->file, fault);
    if (result < 0)
        return result;
    opening.place.name = file->source.path ? file->source.path : "(memory)";
    if (!opening.keys)
        return refuse(fault, &opening.place, TH_INVALID_FORMAT, "there is none");
    key->der.data = key->file.data + opening.at_bytes;
    return read_key(key, &opening.place, fault);
}

void th_key_close(struct th_key *key)
{
    th_der_close(&key->file);
}

/* ---- its public half (RFC 5280 section 4.1.2.7, RFC 5480, RFC 3279 section 2.3.1) ------------ */

void th_key_put_ec(struct th_der_out *out, size_t point_bytes)
{
    const uint8_t *end = out->at;
    th_der_put(out, TH_DER_OID, curve_of(point_bytes));
    th_der_put(out, TH_DER_OID, OID(EC));
    th_der_wrap(out, TH_DER_SEQUENCE, end);
}

static void put_rsa(struct th_der_out *out, const struct th_key *key)
{
    const uint8_t *end = out->at;
    th_der_put(out, TH_DER_INTEGER, key->exponent);
    th_der_put(out, TH_DER_INTEGER, key->modulus);
    th_der_wrap(out, TH_DER_SEQUENCE, end);
    th_der_bits(out, end);
    end = out->at;
    th_der_put(out, TH_DER_NULL, OID(""));
    th_der_put(out, TH_DER_OID, OID(RSA));
    th_der_wrap(out, TH_DER_SEQUENCE, end);
}

static void put_ec(struct th_der_out *out, const struct th_key *key)
{
    const uint8_t *end = out->at;
    th_der_raw(out, th_slice_of(key->point, key->point_bytes));
    th_der_bits(out, end);
    th_key_put_ec(out, key->point_bytes);
}

void th_key_put_public(struct th_der_out *out, const struct th_key *key)
{
    const uint8_t *end = out->at;
    if (key->is_rsa)
        put_rsa(out, key);
    else
        put_ec(out, key);
    th_der_wrap(out, TH_DER_SEQUENCE, end);
}

/* ---- looking at one -------------------------------------------------------------------------- */

static unsigned bits_of(const struct th_key *key)
{
    struct th_slice modulus = key->modulus;
    if (!key->is_rsa)
        return (unsigned)(key->point_bytes - 1) * 4;
    while (modulus.len_bytes > 1 && modulus.data[0] == 0)
        modulus = th_slice_after(modulus, 1);
    return (unsigned)modulus.len_bytes * 8;
}

static int tell(const struct th_key *key, struct th_key_facts *facts, struct th_fault *fault)
{
    uint8_t room[640];
    struct th_der_out out;
    th_der_out_open(&out, room, sizeof room);
    th_key_put_public(&out, key);
    facts->key = key->is_rsa ? "RSA" : "EC";
    facts->curve = key->is_rsa ? "" : key->point_bytes == P_256_POINT_BYTES ? "P-256" : "P-384";
    facts->key_bits = bits_of(key);
    facts->is_encrypted = key->is_encrypted;
    if (!out.is_full && th_digest(th_der_written(&out), facts->pin))
        return 0;
    return th_fault_set(fault, TH_E_FILE, "private key: longer than RSA with 4,096 bits");
}

int th_key_read(void *block, size_t block_bytes, const struct th_key_file *file,
                struct th_key_facts *facts, struct th_fault *fault)
{
    struct th_key key;
    struct th_desk *desk = th_desk_open(block, block_bytes, fault);
    if (!desk)
        return TH_E_MEMORY;
    int result = th_key_open(&key, file, fault);
    if (result == 0)
        result = tell(&key, facts, fault);
    th_key_close(&key);
    th_desk_close(desk);
    return result;
}

/* ---- making one (RFC 5958, RFC 5915) --------------------------------------------------------- */

static void put_private(struct th_der_out *out, const struct th_crypt_ec_key *key, size_t bytes)
{
    const uint8_t *end = out->at;
    th_der_raw(out, th_slice_of(key->point, 2 * bytes + 1));
    th_der_bits(out, end);
    th_der_wrap(out, TH_DER_CONSTRUCTED | 1, end);
    th_der_put(out, TH_DER_OCTET_STRING, th_slice_of(key->secret, bytes));
    th_der_number(out, 1);
    th_der_wrap(out, TH_DER_SEQUENCE, end);
    th_der_wrap(out, TH_DER_OCTET_STRING, end);
    th_key_put_ec(out, 2 * bytes + 1);
    th_der_number(out, 0);
    th_der_wrap(out, TH_DER_SEQUENCE, end);
}

static int write_private(const struct th_crypt_ec_key *key, size_t bytes,
                         const struct th_text_sink *sink)
{
    uint8_t room[256];
    struct th_der_out out;
    th_der_out_open(&out, room, sizeof room);
    put_private(&out, key, bytes);
    int result = th_armor(sink, "PRIVATE KEY", th_der_written(&out));
    th_crypt_wipe(room, sizeof room);
    return result;
}

static int make(unsigned curve_bits, const struct th_text_sink *sink, struct th_fault *fault)
{
    struct th_crypt_ec_key key;
    int result = th_crypt_ec_make(curve_bits, &key);
    if (result < 0)
        th_fault_set(fault, result, "the key could not be made");
    else
        result = write_private(&key, curve_bits / 8, sink);
    th_crypt_wipe(&key, sizeof key);
    return result;
}

int th_key_make(void *block, size_t block_bytes, unsigned curve_bits,
                const struct th_text_sink *sink, struct th_fault *fault)
{
    int result = th_crypt_random_check(fault);
    struct th_desk *desk = result < 0 ? NULL : th_desk_open(block, block_bytes, fault);
    if (!desk)
        return result < 0 ? result : TH_E_MEMORY;
    result = make(curve_bits, sink, fault);
    th_desk_close(desk);
    return result;
}

#include "identity/encrypted.h"

#include "base/der.h"
#include "base/err.h"
#include "crypt/cbc.h"
#include "crypt/hmac.h"
#include "crypt/wipe.h"

#include <thimble/identity.h>

#define RSADSI "\x2A\x86\x48\x86\xF7\x0D"
#define PBES2 "\x09" RSADSI "\x01\x05\x0D"
#define PBKDF2 "\x09" RSADSI "\x01\x05\x0C"
#define HMAC_SHA256 "\x08" RSADSI "\x02\x09"
#define AES_128_AND_256_CBC "\x09\x60\x86\x48\x01\x65\x03\x04\x01\x02" \
                            "\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2A"

struct sealed {
    struct th_slice salt;
    struct th_slice iv;
    struct th_slice data;
    struct th_slice iterations;
    size_t key_bytes;
};

static int refuse(const struct th_pem_place *place, const char *problem, struct th_fault *fault)
{
    return th_fault_because(fault, TH_INVALID_FORMAT,
                            th_fault_set(fault, TH_E_FILE, "private key: %s, line %u: %s",
                                         place->name, place->line, problem));
}

/* ---- what was done to it --------------------------------------------------------------------- */

/* An AlgorithmIdentifier; its parameters are left in *body. */
static int take_algorithm(struct th_slice *in, const char *oids, struct th_slice *body)
{
    struct th_slice oid;
    return th_der_take(in, TH_DER_SEQUENCE, body) && th_der_take(body, TH_DER_OID, &oid)
               ? th_der_oid_in(oid, oids) : -1;
}

/* `parameters` are those of PBES2: the scheme follows in them. */
static bool open_envelope(struct th_slice der, struct th_slice *parameters, struct th_slice *data)
{
    struct th_slice body, algorithm;
    return th_der_take(&der, TH_DER_SEQUENCE, &body) &&
           take_algorithm(&body, PBES2, &algorithm) == 0 &&
           th_der_take(&algorithm, TH_DER_SEQUENCE, parameters) &&
           th_der_take(&body, TH_DER_OCTET_STRING, data);
}

/* 0: too many. */
static unsigned read_number(struct th_slice bytes)
{
    unsigned number = 0;
    for (size_t i = 0; i < bytes.len_bytes; i++)
        number = number << 8 | bytes.data[i];
    return bytes.len_bytes <= 3 && number <= TH_ENCRYPTED_ITERATIONS_MAX ? number : 0;
}

static bool read_derivation(struct th_slice *parameters, struct sealed *sealed)
{
    struct th_slice algorithm, derivation, hmac;
    return take_algorithm(parameters, PBKDF2, &algorithm) == 0 &&
           th_der_take(&algorithm, TH_DER_SEQUENCE, &derivation) &&
           th_der_take(&derivation, TH_DER_OCTET_STRING, &sealed->salt) &&
           th_der_take_number(&derivation, &sealed->iterations) &&
           th_der_skip_optional(&derivation, TH_DER_INTEGER) && /* length of the key */
           take_algorithm(&derivation, HMAC_SHA256, &hmac) == 0;
}

static bool read_cipher(struct th_slice *parameters, struct sealed *sealed)
{
    struct th_slice algorithm;
    int which = take_algorithm(parameters, AES_128_AND_256_CBC, &algorithm);
    sealed->key_bytes = which == 1 ? 32 : 16;
    return which >= 0 && th_der_take(&algorithm, TH_DER_OCTET_STRING, &sealed->iv) &&
           sealed->iv.len_bytes == TH_CRYPT_CBC_BLOCK_BYTES && sealed->data.len_bytes > 0 &&
           sealed->data.len_bytes % TH_CRYPT_CBC_BLOCK_BYTES == 0;
}

/* ---- opening it ------------------------------------------------------------------------------ */

static bool decrypt(const struct sealed *sealed, struct th_slice passphrase)
{
    struct th_crypt_hi hi;
    bool good = th_crypt_hi_begin(&hi, passphrase, sealed->salt) &&
                th_crypt_hi_work(&hi, passphrase, read_number(sealed->iterations) - 1) &&
                th_crypt_cbc_decrypt(hi.sum, sealed->key_bytes, sealed->iv.data,
                                     (uint8_t *)(uintptr_t)sealed->data.data,
                                     sealed->data.len_bytes);
    th_crypt_wipe(&hi, sizeof hi);
    return good;
}

/* The padding is what is left behind the key: no key comes out of a wrong passphrase. */
static bool is_padded(struct th_slice data, size_t key_bytes)
{
    size_t padding = data.len_bytes - key_bytes;
    for (size_t i = key_bytes; i < data.len_bytes; i++)
        if (data.data[i] != padding)
            return false;
    return key_bytes > 0 && padding > 0 && padding <= TH_CRYPT_CBC_BLOCK_BYTES;
}

static int unseal(struct th_slice *der, struct th_slice passphrase,
                  const struct th_pem_place *place, struct th_fault *fault)
{
    struct sealed sealed;
    struct th_slice parameters;
    if (!open_envelope(*der, &parameters, &sealed.data) ||
        !read_derivation(&parameters, &sealed) || !read_cipher(&parameters, &sealed))
        return refuse(place, "is encrypted in a way that is not read here; openssl pkcs8 -topk8 "
                      "-v2 aes-256-cbc makes it one that is", fault);
    if (!read_number(sealed.iterations))
        return refuse(place, "its passphrase is hashed more than 2,000,000 times, or never; "
                      "openssl pkcs8 -topk8 -iter 600000 makes it one that is read", fault);
    *der = sealed.data;
    if (decrypt(&sealed, passphrase))
        der->len_bytes = th_der_sequence_bytes(sealed.data);
    return is_padded(sealed.data, der->len_bytes) ? 1 : refuse(place, "the passphrase is wrong",
                                                               fault);
}

static int ask(const struct th_passphrase *passphrase, struct th_slice *der,
               const struct th_pem_place *place, struct th_fault *fault)
{
    uint8_t text[TH_PASSPHRASE_MAX_BYTES];
    int bytes = passphrase->ask(passphrase->arg, text, sizeof text, fault);
    int result = bytes;
    if (bytes >= 0)
        result = unseal(der, th_slice_of(text, (size_t)bytes), place, fault);
    th_crypt_wipe(text, sizeof text);
    return result;
}

int th_encrypted_open(enum th_pem_kind kind, struct th_slice *der,
                      const struct th_passphrase *passphrase, const struct th_pem_place *place,
                      struct th_fault *fault)
{
    struct th_slice parameters, data;
    if (kind == TH_PEM_ENCRYPTED_KEY)
        return refuse(place, "is encrypted as OpenSSL once did; openssl pkcs8 -topk8 makes it "
                      "PKCS#8, which is read", fault);
    if (kind != TH_PEM_SEALED_KEY && !open_envelope(*der, &parameters, &data))
        return 0;
    if (!passphrase->ask)
        return refuse(place, "the key is encrypted; give --keypass-file or --keypass-credential, "
                      "or store it decrypted: openssl pkey", fault);
    return ask(passphrase, der, place, fault);
}

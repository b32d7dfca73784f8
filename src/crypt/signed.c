#include "crypt/signed.h"

#include "base/der.h"
#include "mem/payer.h"

#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/rsa.h>
#include <wolfssl/wolfcrypt/sha256.h>
#include <wolfssl/wolfcrypt/sha512.h>

#define PKCS1 "\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01"
#define ECDSA "\x08\x2A\x86\x48\xCE\x3D\x04\x03"

/* By kind: RSA, then ECDSA, each with SHA-256, SHA-384, SHA-512. */
static const char kinds[] = PKCS1 "\x0B" PKCS1 "\x0C" PKCS1 "\x0D"
                            ECDSA "\x02" ECDSA "\x03" ECDSA "\x04";
#define HASHES 3

#define SIGNATURE_MAX_BYTES 512 /* RSA-4096 */

union state {
    wc_Sha256 sha256;
    wc_Sha512 sha512; /* SHA-384 too */
};

_Static_assert(sizeof(union state) <= sizeof(((struct th_crypt_signed *)0)->state),
               "there is room");

static union state *state_of(struct th_crypt_signed *seen)
{
    return (union state *)(void *)seen->state;
}

static int begin(union state *state, unsigned hash)
{
    if (hash == 0)
        return wc_InitSha256(&state->sha256);
    return hash == 1 ? wc_InitSha384(&state->sha512) : wc_InitSha512(&state->sha512);
}

bool th_crypt_signed_begin(struct th_crypt_signed *seen, struct th_slice algorithm)
{
    int kind = th_der_oid_in(algorithm, kinds);
    seen->kind = (uint8_t)kind;
    seen->failed = kind < 0 || begin(state_of(seen), (unsigned)kind % HASHES) != 0;
    return !seen->failed;
}

void th_crypt_signed_add(struct th_crypt_signed *seen, const void *data, size_t bytes)
{
    union state *state = state_of(seen);
    unsigned hash = seen->kind % HASHES;
    int code = hash == 0   ? wc_Sha256Update(&state->sha256, data, (word32)bytes)
               : hash == 1 ? wc_Sha384Update(&state->sha512, data, (word32)bytes)
                           : wc_Sha512Update(&state->sha512, data, (word32)bytes);
    seen->failed |= code != 0;
}

struct digest {
    uint8_t bytes[WC_SHA512_DIGEST_SIZE];
    word32 count;
    int oid;
};

static int end(struct th_crypt_signed *seen, struct digest *digest)
{
    static const uint8_t counts[] = {WC_SHA256_DIGEST_SIZE, WC_SHA384_DIGEST_SIZE,
                                     WC_SHA512_DIGEST_SIZE};
    static const int oids[] = {SHA256h, SHA384h, SHA512h};
    union state *state = state_of(seen);
    unsigned hash = seen->kind % HASHES;
    digest->count = counts[hash];
    digest->oid = oids[hash];
    if (hash == 0)
        return wc_Sha256Final(&state->sha256, digest->bytes);
    return hash == 1 ? wc_Sha384Final(&state->sha512, digest->bytes)
                     : wc_Sha512Final(&state->sha512, digest->bytes);
}

/* RSA turns the signature into what was signed in its place. */
struct rsa {
    RsaKey key;
    byte signature[SIGNATURE_MAX_BYTES];
};

union desk {
    struct rsa rsa;
    ecc_key ec;
};

static int open_signature(struct rsa *rsa, struct th_slice public_key, struct th_slice signature,
                          byte **opened)
{
    word32 at = 0;
    if (signature.len_bytes > sizeof rsa->signature ||
        wc_RsaPublicKeyDecode(public_key.data, &at, &rsa->key, (word32)public_key.len_bytes) != 0)
        return -1;
    memcpy(rsa->signature, signature.data, signature.len_bytes);
    return wc_RsaSSL_VerifyInline(rsa->signature, (word32)signature.len_bytes, opened, &rsa->key);
}

/* RFC 8017 section 8.2.2: what it should be is made, and compared. */
static bool rsa_made(struct rsa *rsa, struct th_slice public_key, struct th_slice signature,
                     const struct digest *digest)
{
    byte *opened = NULL;
    byte expected[MAX_DER_DIGEST_SZ];
    if (wc_InitRsaKey(&rsa->key, NULL) != 0)
        return false;
    int bytes = open_signature(rsa, public_key, signature, &opened);
    word32 wanted = wc_EncodeSignature(expected, digest->bytes, digest->count, digest->oid);
    wc_FreeRsaKey(&rsa->key);
    return bytes == (int)wanted && memcmp(opened, expected, wanted) == 0;
}

static bool ec_made(ecc_key *key, struct th_slice public_key, struct th_slice signature,
                    const struct digest *digest)
{
    word32 at = 0;
    int is_right = 0;
    if (wc_ecc_init(key) != 0)
        return false;
    if (wc_EccPublicKeyDecode(public_key.data, &at, key, (word32)public_key.len_bytes) == 0 &&
        wc_ecc_verify_hash(signature.data, (word32)signature.len_bytes, digest->bytes,
                           digest->count, &is_right, key) != 0)
        is_right = 0;
    wc_ecc_free(key);
    return is_right == 1;
}

int th_crypt_signed_check(const struct th_crypt_signed *seen, struct th_slice public_key,
                          struct th_slice signature)
{
    struct digest digest;
    struct th_crypt_signed copy = *seen;
    bool is_rsa = seen->kind < HASHES;
    if (end(&copy, &digest) != 0 || seen->failed)
        return TH_E_ARGUMENT;
    union desk *desk = th_payer_take(th_payer_current(), TH_PURPOSE_KEY,
                                     is_rsa ? sizeof desk->rsa : sizeof desk->ec);
    if (!desk)
        return TH_E_MEMORY;
    bool made = is_rsa ? rsa_made(&desk->rsa, public_key, signature, &digest)
                       : ec_made(&desk->ec, public_key, signature, &digest);
    th_payer_give(th_payer_current(), desk);
    return made ? 0 : TH_E_ARGUMENT;
}

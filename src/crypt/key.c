#include "crypt/key.h"

#include "crypt/seed.h"
#include "crypt/wipe.h"
#include "mem/payer.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/rsa.h>

/* What wolfCrypt needs for one call. */
struct bench {
    WC_RNG rng;
    union {
        ecc_key ec;
        RsaKey rsa;
    };
};

static int translate(int code)
{
    if (code >= 0)
        return 0;
    return code == MEMORY_E ? TH_E_MEMORY
           : code == RNG_FAILURE_E ? TH_E_ENTROPY : TH_E_ARGUMENT;
}

/* Runs `work` with a random generator. */
static int with_bench(int (*work)(struct bench *bench, void *arg), void *arg)
{
    struct bench *bench = th_payer_take(th_payer_current(), TH_PURPOSE_KEY, sizeof *bench);
    if (!bench)
        return TH_E_MEMORY;
    th_crypt_seed_wolfssl();
    int code = wc_InitRng(&bench->rng);
    if (code == 0) {
        code = work(bench, arg);
        wc_FreeRng(&bench->rng);
    }
    th_crypt_wipe(bench, sizeof *bench);
    th_payer_give(th_payer_current(), bench);
    return translate(code);
}

/* ---- making ---------------------------------------------------------------------------------- */

struct making {
    int curve_bytes;
    struct th_crypt_ec_key *out;
};

static int export(struct bench *bench, const struct making *making)
{
    word32 secret_bytes = (word32)making->curve_bytes, point_bytes = sizeof making->out->point;
    int code = wc_ecc_export_private_only(&bench->ec, making->out->secret, &secret_bytes);
    return code == 0 ? wc_ecc_export_x963(&bench->ec, making->out->point, &point_bytes) : code;
}

static int make(struct bench *bench, void *arg)
{
    struct making *making = arg;
    int code = wc_ecc_init(&bench->ec);
    if (code == 0)
        code = wc_ecc_make_key(&bench->rng, making->curve_bytes, &bench->ec);
    if (code == 0)
        code = export(bench, making);
    wc_ecc_free(&bench->ec);
    return code;
}

int th_crypt_ec_make(unsigned curve_bits, struct th_crypt_ec_key *key)
{
    struct making making = {(int)curve_bits / 8, key};
    return with_bench(make, &making);
}

/* ---- signing --------------------------------------------------------------------------------- */

struct signing {
    struct th_slice key;
    const uint8_t *digest;
    uint8_t *out;
    word32 out_bytes;
};

static int sign_ec(struct bench *bench, void *arg)
{
    struct signing *signing = arg;
    word32 at = 0;
    int code = wc_ecc_init(&bench->ec);
    if (code == 0)
        code = wc_EccPrivateKeyDecode(signing->key.data, &at, &bench->ec,
                                      (word32)signing->key.len_bytes);
    if (code == 0)
        code = wc_ecc_sign_hash(signing->digest, TH_CRYPT_HASH_BYTES, signing->out,
                                &signing->out_bytes, &bench->rng, &bench->ec);
    wc_ecc_free(&bench->ec);
    return code;
}

static int sign_rsa(struct bench *bench, void *arg)
{
    struct signing *signing = arg;
    uint8_t info[64]; /* DigestInfo of SHA-256: 51 bytes */
    word32 at = 0;
    word32 info_bytes = wc_EncodeSignature(info, signing->digest, TH_CRYPT_HASH_BYTES, SHA256h);
    int code = wc_InitRsaKey(&bench->rsa, NULL);
    if (code == 0)
        code = wc_RsaPrivateKeyDecode(signing->key.data, &at, &bench->rsa,
                                      (word32)signing->key.len_bytes);
    if (code == 0)
        code = wc_RsaSetRNG(&bench->rsa, &bench->rng);
    if (code == 0)
        code = wc_RsaSSL_Sign(info, info_bytes, signing->out, signing->out_bytes, &bench->rsa,
                              &bench->rng);
    wc_FreeRsaKey(&bench->rsa);
    if (code > 0)
        signing->out_bytes = (word32)code;
    return code;
}

int th_crypt_sign(struct th_slice private_key, bool is_rsa,
                  const uint8_t digest[TH_CRYPT_HASH_BYTES],
                  uint8_t signature[TH_CRYPT_SIGNATURE_MAX_BYTES], size_t *bytes)
{
    struct signing signing = {private_key, digest, signature, TH_CRYPT_SIGNATURE_MAX_BYTES};
    int result = with_bench(is_rsa ? sign_rsa : sign_ec, &signing);
    *bytes = signing.out_bytes;
    return result;
}

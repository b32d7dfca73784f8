#include "crypt/point.h"

#include "crypt/wipe.h"
#include "mem/payer.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

static int translate(int code)
{
    if (code == 0)
        return 0;
    return code == MEMORY_E ? TH_E_MEMORY : TH_E_ARGUMENT;
}

static int compute(ecc_key *key, struct th_slice private_key, uint8_t *point, size_t *bytes)
{
    word32 at = 0;
    word32 length = (word32)*bytes;
    int code = wc_EccPrivateKeyDecode(private_key.data, &at, key, (word32)private_key.len_bytes);
    if (code == 0)
        code = wc_ecc_make_pub(key, NULL);
    if (code == 0)
        code = wc_ecc_export_x963(key, point, &length);
    *bytes = length;
    return translate(code);
}

static int with_key(ecc_key *key, struct th_slice private_key, uint8_t *point, size_t *bytes)
{
    int result = translate(wc_ecc_init(key));
    if (result == 0)
        result = compute(key, private_key, point, bytes);
    wc_ecc_free(key);
    th_crypt_wipe(key, sizeof *key);
    return result;
}

int th_crypt_ec_point(struct th_slice private_key, uint8_t *point, size_t *bytes)
{
    ecc_key *key = th_payer_take(th_payer_current(), TH_PURPOSE_KEY, sizeof *key);
    if (!key)
        return TH_E_MEMORY;
    int result = with_key(key, private_key, point, bytes);
    th_payer_give(th_payer_current(), key);
    return result;
}

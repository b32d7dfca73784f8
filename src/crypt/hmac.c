#include "crypt/hmac.h"

#include "crypt/wipe.h"

#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/sha256.h>

static bool begin(Hmac *hmac, struct th_slice key)
{
    return wc_HmacInit(hmac, NULL, INVALID_DEVID) == 0 &&
           wc_HmacSetKey(hmac, WC_SHA256, key.data, (word32)key.len_bytes) == 0;
}

static bool add(Hmac *hmac, struct th_slice part)
{
    return !part.len_bytes || wc_HmacUpdate(hmac, part.data, (word32)part.len_bytes) == 0;
}

static void end(Hmac *hmac)
{
    wc_HmacFree(hmac);
    th_crypt_wipe(hmac, sizeof *hmac);
}

bool th_crypt_hmac(struct th_slice key, const struct th_slice *parts, size_t count,
                   uint8_t out[TH_CRYPT_HMAC_BYTES])
{
    Hmac hmac;
    bool good = begin(&hmac, key);
    for (size_t i = 0; i < count && good; i++)
        good = add(&hmac, parts[i]);
    good = good && wc_HmacFinal(&hmac, out) == 0;
    end(&hmac);
    return good;
}

bool th_crypt_sha256(struct th_slice data, uint8_t out[TH_CRYPT_HMAC_BYTES])
{
    return wc_Sha256Hash(data.data, (word32)data.len_bytes, out) == 0;
}

bool th_crypt_hi_begin(struct th_crypt_hi *hi, struct th_slice password, struct th_slice salt)
{
    static const uint8_t one[] = {0, 0, 0, 1};
    const struct th_slice parts[] = {salt, {one, sizeof one}};
    bool good = th_crypt_hmac(password, parts, 2, hi->last);
    memcpy(hi->sum, hi->last, sizeof hi->sum);
    return good;
}

static bool iterate(struct th_crypt_hi *hi, Hmac *hmac)
{
    bool good = wc_HmacUpdate(hmac, hi->last, sizeof hi->last) == 0 &&
                wc_HmacFinal(hmac, hi->last) == 0;
    for (size_t i = 0; i < sizeof hi->sum; i++)
        hi->sum[i] ^= hi->last[i];
    return good;
}

bool th_crypt_hi_work(struct th_crypt_hi *hi, struct th_slice password, unsigned count)
{
    Hmac hmac;
    bool good = begin(&hmac, password);
    while (count-- && good)
        good = iterate(hi, &hmac);
    end(&hmac);
    return good;
}

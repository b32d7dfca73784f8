#include "crypt/base64.h"

#include <thimble.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/coding.h>

int th_crypt_base64_decode(const uint8_t *text, size_t text_bytes, uint8_t *out, size_t *out_bytes)
{
    word32 bytes = (word32)*out_bytes;
    if (Base64_Decode(text, (word32)text_bytes, out, &bytes) != 0)
        return TH_E_ARGUMENT;
    *out_bytes = bytes;
    return 0;
}

static void encode_group(const uint8_t *data, size_t bytes, char text[4])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; i++)
        bits = bits << 8 | (i < bytes ? data[i] : 0u);
    for (size_t i = 0; i < 4; i++)
        text[i] = i <= bytes ? digits[bits >> (18 - 6 * i) & 63] : '=';
}

size_t th_crypt_base64_encode(const uint8_t *data, size_t bytes, char *text)
{
    size_t length = TH_CRYPT_BASE64_TEXT_BYTES(bytes);
    for (size_t at = 0; at < bytes; at += 3, text += 4)
        encode_group(data + at, bytes - at < 3 ? bytes - at : 3, text);
    *text = '\0';
    return length;
}

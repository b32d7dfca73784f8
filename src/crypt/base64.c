#include "crypt/base64.h"

#include "base/base64.h"

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

size_t th_crypt_base64_encode(const uint8_t *data, size_t bytes, char *text)
{
    size_t length = TH_CRYPT_BASE64_TEXT_BYTES(bytes);
    for (size_t at = 0; at < bytes; at += 3, text += 4)
        th_base64_group(data + at, bytes - at < 3 ? bytes - at : 3, text);
    *text = '\0';
    return length;
}

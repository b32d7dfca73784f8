/* Base64 (RFC 4648 section 4); decoding by wolfCrypt, in constant time. */
#ifndef TH_CRYPT_BASE64_H
#define TH_CRYPT_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Decodes whole groups of four characters. `*out_bytes` is the room on entry (3 for each group is
 * enough) and what was written on return. 0, or TH_E_ARGUMENT when it is not base64. */
int th_crypt_base64_decode(const uint8_t *text, size_t text_bytes, uint8_t *out, size_t *out_bytes);

/* Characters that encode so many bytes, without a NUL. */
#define TH_CRYPT_BASE64_TEXT_BYTES(bytes) (((bytes) + 2) / 3 * 4)

/* Encodes, with padding and a NUL. Returns the number of characters. */
size_t th_crypt_base64_encode(const uint8_t *data, size_t bytes, char *text);

#endif

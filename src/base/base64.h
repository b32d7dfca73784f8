/* Base64 (RFC 4648 section 4), a group at a time. Only encoding: what must not leak is decoded by
 * crypt/base64.h. */
#ifndef TH_BASE_BASE64_H
#define TH_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* One to three bytes become four characters, padding included; no NUL follows. */
void th_base64_group(const uint8_t *data, size_t bytes, char text[4]);

#endif

/* SHA-1 (RFC 3174). Broken for everything but telling a WebSocket server from another one, and
 * naming an issuer whose signature is checked besides. */
#ifndef TH_CRYPT_SHA1_H
#define TH_CRYPT_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define TH_CRYPT_SHA1_BYTES 20

/* 0, or TH_E_ARGUMENT, which does not happen. */
int th_crypt_sha1(const void *data, size_t bytes, uint8_t hash[TH_CRYPT_SHA1_BYTES]);

#endif

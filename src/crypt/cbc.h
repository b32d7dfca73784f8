/* AES-CBC (SP 800-38A), for reading only, by wolfCrypt. */
#ifndef TH_CRYPT_CBC_H
#define TH_CRYPT_CBC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TH_CRYPT_CBC_BLOCK_BYTES 16

/* Decrypts `bytes`, whole blocks, where they lie. The key has 16 or 32 bytes. */
bool th_crypt_cbc_decrypt(const uint8_t *key, size_t key_bytes,
                          const uint8_t iv[TH_CRYPT_CBC_BLOCK_BYTES], uint8_t *data, size_t bytes);

#endif

/* The public point of an EC private key, computed from its secret. */
#ifndef TH_CRYPT_POINT_H
#define TH_CRYPT_POINT_H

#include <thimble.h>

#define TH_CRYPT_POINT_MAX_BYTES 97 /* P-384, uncompressed */

/* `private_key` is PKCS#8 or SEC1 in DER. `*bytes` is the room on entry and the length of the
 * uncompressed point (SEC 1 section 2.3.3) on return. Takes about 1 KB from the current payer for
 * the time of the call. 0, TH_E_MEMORY, or TH_E_ARGUMENT when it is no EC key we know. */
int th_crypt_ec_point(struct th_slice private_key, uint8_t *point, size_t *bytes);

#endif

/* SHA-1, which the WebSocket handshake asks for (RFC 6455 section 4.1), and by which OCSP responses
 * name whom they are about (RFC 6960 section 4.1.1); nothing else here does.
 * The settings leave it out, so that nothing in TLS or a certificate can ever be accepted by it:
 * only this file and src/crypt/sha1.c know that it exists. 1.2 KB. */
#include <wolfssl/wolfcrypt/settings.h>

#undef NO_SHA
#define USE_SLOW_SHA

#include "sha.c"

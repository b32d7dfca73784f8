/* P-384 and RSA in their small form: 49 KB less code, RSA at two thirds of the speed.
 * P-256, which every handshake needs, is in fast256.c. */
#include <wolfssl/wolfcrypt/settings.h>

/* The types first, with the settings everybody else sees: their sizes depend on them. */
#include <wolfssl/wolfcrypt/sp.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/rsa.h>

#define WOLFSSL_SP_NO_256
#define WOLFSSL_SP_SMALL

/* One of the two compiles to nothing, by the width of a machine word. */
#include "sp_c64.c"
#include "sp_c32.c"

/* P-256 in its fast form: unrolled, with a table of base point multiples (thin256.awk).
 * Everything else that wolfSSL's single precision arithmetic knows is in smallrest.c. */
#include <wolfssl/wolfcrypt/settings.h>

/* The types first, with the settings everybody else sees: their sizes depend on them. */
#include <wolfssl/wolfcrypt/sp.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/rsa.h>

#undef WOLFSSL_SP_384
#undef WOLFSSL_HAVE_SP_RSA
#undef WOLFSSL_SP_4096
#define WOLFSSL_SP_NO_2048
#define WOLFSSL_SP_NO_3072

/* One of the two compiles to nothing, by the width of a machine word. */
#include "sp_c64.c"
#include "sp_c32.c"

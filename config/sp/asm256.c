/* P-256 in assembler where wolfSSL has one for the binary; else as everywhere. The rest is in
 * smallrest.c. */
#include <wolfssl/wolfcrypt/settings.h>

#if defined(TH_X86_64_ASM)

/* The types first, with the settings everybody else sees: their sizes depend on them. But digits
 * have no sign here, and only here. */
#define WOLFSSL_SP_X86_64_ASM
#include <wolfssl/wolfcrypt/sp.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/rsa.h>

#undef WOLFSSL_SP_384
#undef WOLFSSL_HAVE_SP_RSA
#undef WOLFSSL_SP_4096
#define WOLFSSL_SP_NO_2048
#define WOLFSSL_SP_NO_3072

#include "sp_x86_64.c"

#else
#include "fast256.c"
#endif

/* P-384 and RSA in their small form: 49 KB less code, RSA at two thirds of the speed.
 * P-256, which every handshake needs, is in fast256.c. */
#include <wolfssl/wolfcrypt/settings.h>

/* The types first, with the settings everybody else sees: their sizes depend on them. */
#include <wolfssl/wolfcrypt/sp.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/rsa.h>

#define WOLFSSL_SP_NO_256
#define WOLFSSL_SP_SMALL

/* With words of 64 bits one RSA is for all lengths: rsa.awk. */
#if defined(WOLFSSL_SP_4096) && SP_WORD_SIZE == 64
#define ONE_RSA
#undef WOLFSSL_HAVE_SP_RSA
#undef WOLFSSL_SP_4096
#define WOLFSSL_SP_NO_2048
#define WOLFSSL_SP_NO_3072
#endif

/* One of the two compiles to nothing, by the width of a machine word. */
#include "sp_c64.c"
#include "sp_c32.c"

#if defined(ONE_RSA)
#define WOLFSSL_HAVE_SP_RSA
#include "sp_rsa.c"

#define RSA_OF(bits)                                                                              \
    int sp_RsaPublic_##bits(const byte *in, word32 inLen, const mp_int *em, const mp_int *mm,     \
                            byte *out, word32 *outLen)                                            \
    {                                                                                             \
        return rsa_public((bits) * 9 / 1024, in, inLen, em, mm, out, outLen);                     \
    }                                                                                             \
    int sp_RsaPrivate_##bits(const byte *in, word32 inLen, const mp_int *dm, const mp_int *pm,    \
                             const mp_int *qm, const mp_int *dpm, const mp_int *dqm,              \
                             const mp_int *qim, const mp_int *mm, byte *out, word32 *outLen)      \
    {                                                                                             \
        return rsa_private((bits) * 9 / 1024, in, inLen, dm, pm, qm, dpm, dqm, qim, mm, out,      \
                           outLen);                                                               \
    }                                                                                             \
    int sp_ModExp_##bits(const mp_int *base, const mp_int *exp, const mp_int *mod, mp_int *res)   \
    {                                                                                             \
        return mod_exp((bits) * 9 / 1024, base, exp, mod, res);                                   \
    }

RSA_OF(2048)
RSA_OF(3072)
RSA_OF(4096)
#endif

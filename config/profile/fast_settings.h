/* fast: what x86-64 has instructions for; asked for at run time, and done without where they are
 * not there. */
#if defined(TH_X86_64_ASM)
#define WOLFSSL_X86_64_BUILD
#define USE_INTEL_CHACHA_SPEEDUP
#define WOLFSSL_AESNI
#ifndef TH_PLAIN_C
#define USE_INTEL_SPEEDUP
#endif
#define NO_CURVED25519_X64         /* it would want the code of Ed25519, too */
#endif

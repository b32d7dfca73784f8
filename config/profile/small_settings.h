/* small: what default has, computed in loops. */
#undef HAVE_SECRET_CALLBACK
#undef MAX_PSK_ID_LEN
#define NO_PSK
#undef USE_INTEL_CHACHA_SPEEDUP
#undef WOLFSSL_X86_64_BUILD
#define WOLFSSL_SP_SMALL
#define WOLFSSL_AES_SMALL_TABLES

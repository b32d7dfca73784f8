/* small: what default has, computed in loops. */
#undef HAVE_SECRET_CALLBACK
#undef MAX_PSK_ID_LEN
#define NO_PSK
#undef HAVE_SESSION_TICKET
#define NO_AES_256
#define WOLFSSL_SP_SMALL
#define WOLFSSL_AES_SMALL_TABLES
#define WOLFSSL_SMALL_STACK

#undef HAVE_HASHDRBG
#undef WC_RNG_SEED_CB
#define WC_NO_HASHDRBG
#define CUSTOM_RAND_GENERATE_BLOCK th_crypt_random_block /* src/absent/drbg.c */
int th_crypt_random_block(unsigned char *out, unsigned int bytes);
#undef HAVE_ALPN
#define NO_SESSION_CACHE
#undef MICRO_SESSION_CACHE
#undef NO_SESSION_CACHE_REF
#undef HAVE_CURVE25519
#define USE_SLOW_SHA256
#undef GCM_TABLE_4BIT
#define GCM_SMALL

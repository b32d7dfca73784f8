/* tiny: TLS 1.3 with elliptic curves. */
#define WOLFSSL_NO_TLS12
#define NO_RSA
#define NO_PSK
#undef WC_RSA_BLINDING
#undef WC_RSA_PSS
#undef WC_NO_RSA_OAEP
#undef WOLFSSL_HAVE_SP_RSA
#undef WOLFSSL_SP_4096
#undef HAVE_CURVE25519
#undef HAVE_SECRET_CALLBACK
#define WOLFSSL_SP_SMALL
#undef HAVE_SESSION_TICKET
#undef WOLFSSL_SHA384
#undef WOLFSSL_SHA512
#undef USE_SLOW_SHA512
#undef HAVE_ECC384
#undef WOLFSSL_SP_384
#undef HAVE_CHACHA
#undef HAVE_POLY1305
#define NO_AES_256
#define WOLFSSL_AES_SMALL_TABLES

#undef HAVE_HASHDRBG
#undef WC_RNG_SEED_CB
#define WC_NO_HASHDRBG
#define CUSTOM_RAND_GENERATE_BLOCK th_crypt_random_block /* src/absent/drbg.c */
int th_crypt_random_block(unsigned char *out, unsigned int bytes);

#undef GCM_TABLE_4BIT
#define GCM_SMALL
#undef HAVE_ALPN
#define NO_SESSION_CACHE
#undef MICRO_SESSION_CACHE
#undef NO_SESSION_CACHE_REF
#undef HAVE_EXTENDED_MASTER
#undef HAVE_SERVER_RENEGOTIATION_INFO
#define USE_SLOW_SHA256

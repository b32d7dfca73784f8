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

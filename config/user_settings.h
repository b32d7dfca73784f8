/* wolfSSL as thimble builds it: a TLS 1.2/1.3 client in pools of fixed size, and nothing else.
 *
 * Every line has its reason. Bytes are what the line costs or saves in the static x86-64 binary,
 * measured with wolfSSL 5.9.2, gcc 12, -Os -flto. wolfSSL 5.7.2 accepts the same file. */
#ifndef TH_USER_SETTINGS_H
#define TH_USER_SETTINGS_H

/* ---- platform: sockets, files, memory, time and entropy are ours ---- */

#define WOLFSSL_USER_IO            /* bytes come and go through our callbacks (src/tls) */
#define WOLFSSL_NO_SOCK            /* so it needs no socket header */
#define NO_WRITEV                  /* nor writev */
#define NO_FILESYSTEM              /* certificate files are streamed by src/identity */
#define NO_STDIO_FILESYSTEM        /* no FILE * in the headers either */
#define NO_WOLFSSL_DIR             /* no directory of certificates */
#define WOLFSSL_NO_PEM             /* PEM is read by src/identity, with Base64_Decode */
#define WOLFSSL_NO_DER_TO_PEM      /* and never written */
#define XMALLOC_USER               /* XMALLOC, XREALLOC, XFREE are functions of mem/wolf.c */
#define WC_RNG_SEED_CB             /* entropy: src/crypt, set after wolfSSL_Init() resets it */
#define HAVE_HASHDRBG              /* SP 800-90A generator on top of that seed */
#define HAVE_SYS_TIME_H            /* tls13.c needs struct timeval complete */
#define HAVE_TIME_H                /* it asks for the date ... */
#define XTIME(unused) th_calendar_s()     /* ... src/base/calendar.c, as everybody does */
#define XTIME_MS(unused) th_calendar_ms() /* likewise, for the age of tickets */
#define HAVE_GMTIME_R              /* threads do not share gmtime()'s one result */
#define HAVE_LIMITS_H              /* INT_MAX and friends from the standard header */
#define HAVE_ERRNO_H               /* errno likewise */
#define WOLFSSL_IGNORE_FILE_WARN   /* files of switched-off features may be compiled: no #warning */
#define NO_MAIN_DRIVER             /* no test programs */
#define NO_CRYPT_TEST              /* likewise */
#define NO_CRYPT_BENCHMARK         /* likewise */

/* Threads stay on in the library: one thread per client is promised, and contexts may be shared.
 * wolfSSL finds pthread mutexes by itself, and its counters are atomic. The binary has one thread,
 * it is compiled with SINGLE_THREADED: 1.1 KB less. */

#if !defined(__ASSEMBLER__)
#include <stdint.h>
int64_t th_calendar_s(void);
int64_t th_calendar_ms(void);
#endif

/* ---- TLS ---- */

#define NO_WOLFSSL_SERVER          /* a client: about 40 KB less */
#define WOLFSSL_TLS13              /* TLS 1.3; TLS 1.2 stays on (23 KB), brokers still need it */
#define NO_OLD_TLS                 /* TLS 1.1 and older are gone */
#define WOLFSSL_AEAD_ONLY          /* no CBC, no MAC-then-encrypt */
#define MAX_PSK_ID_LEN 128         /* of a PSK identity; room for two is taken in handshakes */
#define HAVE_SECRET_CALLBACK       /* key logs (src/tls/keylog.c): 1 KB */
#define WOLFSSL_SET_CIPHER_BYTES   /* suites are given by number; src/tls/suites.c reads names */
#define HAVE_TLS_EXTENSIONS        /* the extensions below */
#define HAVE_SUPPORTED_CURVES      /* RFC 8422, RFC 8446: groups are offered explicitly */
#define WOLFSSL_NO_SERVER_GROUPS_EXT /* what else a server could do is read by nobody: 530 B */
#define HAVE_EXTENDED_MASTER       /* RFC 7627: a TLS 1.2 resumption is bound to its handshake */
#define HAVE_SERVER_RENEGOTIATION_INFO /* RFC 5746: says so; renegotiation itself is not built */
#define HAVE_SNI                   /* RFC 6066: one address, many brokers */
#define HAVE_ALPN                  /* RFC 7301: "mqtt" on port 443 */
#define HAVE_HKDF                  /* TLS 1.3 key schedule */
#define HAVE_SESSION_TICKET        /* RFC 5077, RFC 8446 4.6.1: 300 B in, not 1,461; 10 KB */
#define NO_CLIENT_CACHE            /* sessions are kept by their connection, not in a table ... */
#define NO_SESSION_CACHE_REF       /* ... which this demands */
#define MICRO_SESSION_CACHE        /* the table that is left has one entry and is unused */
#define WOLFSSL_NO_CA_NAMES        /* a server's list of issuers is skipped, not stored */
#define NO_HANDSHAKE_DONE_CB       /* we see the handshake end: we drive it */

/* ---- verification; names, usage and strength are checked once more by src/tls ---- */

#define WOLFSSL_ALWAYS_VERIFY_CB   /* our checks run on good certificates too: usage, name, pins */
#define WOLFSSL_ALT_CERT_CHAINS    /* a chain may go on above a root of ours, by cross-signing */
#define WOLFSSL_HOSTNAME_VERIFY_ALT_NAME_ONLY /* RFC 9525: the common name is never a host name */
#define WOLFSSL_MIN_RSA_BITS 2048  /* smaller keys are refused in every certificate of a chain */
#define WOLFSSL_MIN_ECC_BITS 256   /* likewise */
#define WOLFSSL_ASN_TEMPLATE       /* the newer, table driven parser */
#define RSA_MIN_SIZE 2048          /* and none smaller is ever made */

/* ---- ciphers and hashes ---- */

#define HAVE_AESGCM                /* AES-128 and AES-256 GCM */
#define GCM_TABLE_4BIT             /* 1 KB of heap per key; GCM_SMALL needs 9 M instructions more */
#define NO_AES_CBC                 /* no such suite is offered; encrypted keys: config/aes_cbc.c */
#define NO_AES_192                 /* likewise */
#define NO_AES_DECRYPT             /* GCM encrypts to decrypt: 4 KB of tables less */
#define HAVE_AESGCM_DECRYPT        /* and says so */
#define WOLFSSL_AES_NO_UNROLL      /* tables are read ahead; WOLFSSL_AES_SMALL_TABLES: 3 KB less,
                                      and four times the time for each byte */
#define HAVE_CHACHA                /* ChaCha20-Poly1305: the fast one without AES instructions; in
                                      C, wolfSSL's assembler for x86-64 is 3 KB more */
#define HAVE_POLY1305              /* its other half */
#define NO_OLD_POLY1305            /* its suites from before RFC 7905 are not offered: 240 B */
#define WOLFSSL_SHA384             /* AES-256 suites, P-384 signatures */
#define WOLFSSL_SHA512             /* roots signed with SHA-512 */
#define USE_SLOW_SHA512            /* rounds in a loop: 3 KB less, 0.5 M instructions more */
#define WOLFSSL_NOSHA512_224       /* no certificate uses it */
#define WOLFSSL_NOSHA512_256       /* likewise */
#define WOLFSSL_NO_SHAKE128        /* only post-quantum algorithms need it */
#define WOLFSSL_NO_SHAKE256        /* likewise */
#define NO_SHA                     /* SHA-1 cannot be accepted where it does not exist */
#define NO_MD5                     /* likewise */
#define NO_MD4                     /* likewise */
#define NO_DES3                    /* likewise */
#define NO_RC4                     /* likewise */
#define NO_DSA                     /* likewise */
#define NO_DH                      /* ECDHE only */
#define NO_PWDBASED                /* encrypted keys are opened by src/identity/encrypted.c */
#define NO_PKCS12                  /* keys come as PKCS#8, SEC 1 or PKCS#1 */

/* ---- public keys ---- */

#define HAVE_ECC                   /* ECDHE and ECDSA */
#define ECC_USER_CURVES            /* of all curves only P-256 ... */
#define HAVE_ECC384                /* ... and P-384 */
#define HAVE_CURVE25519            /* X25519 */
#define ECC_TIMING_RESISTANT       /* constant time scalar multiplication */
#define TFM_TIMING_RESISTANT       /* constant time exponentiation */
#define ALT_ECC_SIZE               /* points of the size in use: 2.7 KB of heap less */
#define WC_RSA_BLINDING            /* private key operations are blinded */
#define WC_RSA_PSS                 /* TLS 1.3 signs RSA this way */
#define WC_NO_RSA_OAEP             /* nobody encrypts with RSA */

/* ---- arithmetic: single precision, compiled in two sizes by config/sp ---- */

#if defined(__SIZEOF_INT128__)
#define HAVE___UINT128_T 1         /* else 64-bit processors silently get 32-bit words */
#endif
#define WOLFSSL_SP_MATH            /* only this arithmetic; any-size numbers would cost 31 KB */
#define WOLFSSL_HAVE_SP_ECC        /* P-256 */
#define WOLFSSL_SP_384             /* P-384 */
#define WOLFSSL_HAVE_SP_RSA        /* RSA 2048 and 3072 */
#define WOLFSSL_SP_4096            /* roots are often RSA 4096 */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define BIG_ENDIAN_ORDER           /* else hashes are wrong there, and its self-test refuses */
#endif
#define WOLFSSL_USE_ALIGN          /* word-wise copies only of aligned words: ARM, MIPS */

/* ---- size ---- */

#define NO_ERROR_STRINGS           /* the sentences are ours (src/tls) */
#define NO_ERROR_QUEUE             /* errors are returned, not queued on the heap */
#define NO_SIG_WRAPPER             /* TLS calls the algorithms itself */
#define NO_MULTIBYTE_PRINT         /* nothing is printed */

/* ---- what another profile changes ---- */

#if defined(TH_PROFILE_SETTINGS)
#include TH_PROFILE_SETTINGS
#endif

#endif

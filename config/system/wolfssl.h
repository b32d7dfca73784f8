/* Stands before each of our files where libwolfssl is the distribution's: how that was built, and
 * what it lacks of what we call (src/system/wolfssl.c). */
#ifndef TH_SYSTEM_WOLFSSL_H
#define TH_SYSTEM_WOLFSSL_H

#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

enum { UNSUPPORTED_CERTIFICATE = -506 }; /* never told by this one */

struct OS_Seed;

int wc_SetSeed_Cb(int (*seed)(struct OS_Seed *os, unsigned char *out, unsigned int bytes));
int wolfSSL_CTX_only_dhe_psk(WOLFSSL_CTX *ctx);
int wolfSSL_CertManagerUnloadIntermediateCerts(WOLFSSL_CERT_MANAGER *manager);

/* Its own refuses a context without TLS 1.3. */
int th_system_set_groups(WOLFSSL_CTX *ctx, int *groups, int count);
#define wolfSSL_CTX_set_groups th_system_set_groups

#endif

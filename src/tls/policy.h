/* What we ask of a server's certificates beyond what wolfSSL checks. Pure: reads DER (RFC 5280),
 * trusts nothing in it, allocates nothing. */
#ifndef TH_TLS_POLICY_H
#define TH_TLS_POLICY_H

#include "tls/host.h"
#include <thimble.h>

enum th_policy {
    TH_POLICY_OK,
    TH_POLICY_MALFORMED,  /* not a certificate we can read */
    TH_POLICY_SIGNATURE,  /* signed with anything but SHA-256, SHA-384, SHA-512 over RSA or ECDSA */
    TH_POLICY_KEY,        /* RSA below 2,048 or above 4,096 bits; a curve that is not P-256/384 */
    TH_POLICY_USAGE,      /* extended key usage without server authentication */
    TH_POLICY_NO_NAME,    /* no subject alternative name at all: the common name does not count */
    TH_POLICY_WRONG_NAME, /* names, but none is the host's */
};

/* One certificate the server sent: signature algorithm, key strength, usage. */
enum th_policy th_policy_check(struct th_slice certificate);

/* Whether it may issue others: basic constraints with cA (RFC 5280 section 4.2.1.9). */
bool th_policy_is_authority(struct th_slice certificate);

/* What tells a key pair: the modulus without leading zeros (RSA) or the point (EC). It lies in the
 * certificate, or in the private key (PKCS#8 or PKCS#1; EC keys need not hold their point). */
enum th_key_kind { TH_KEY_UNKNOWN, TH_KEY_RSA, TH_KEY_EC };

enum th_key_kind th_policy_public_key(struct th_slice certificate, struct th_slice *value);
bool th_policy_rsa_modulus(struct th_slice private_key, struct th_slice *modulus);

/* The leaf: its subjectAltName must hold the host. */
enum th_policy th_policy_check_name(struct th_slice leaf, const struct th_host *host);

#endif

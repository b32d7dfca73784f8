/* What we ask of a server's certificates beyond what wolfSSL checks. Pure: reads DER (RFC 5280),
 * trusts nothing in it, allocates nothing. */
#ifndef TH_TLS_POLICY_H
#define TH_TLS_POLICY_H

#include "tls/host.h"
#include <thimble.h>

enum th_policy {
    TH_POLICY_OK,
    TH_POLICY_MALFORMED,  /* not one we can read; no such date; extensions before v3, or twice */
    TH_POLICY_ALGORITHMS, /* signed by another algorithm than it says inside */
    TH_POLICY_SIGNATURE,  /* signed with anything but SHA-256, SHA-384, SHA-512 over RSA or ECDSA */
    TH_POLICY_KEY,        /* RSA below 2,048, above 4,096 bits, or e = 1; no curve of P-256/384 */
    TH_POLICY_CRITICAL,   /* a critical extension that neither we nor wolfSSL understand */
    TH_POLICY_NUL,        /* a NUL in a name, common or alternative */
    TH_POLICY_USAGE,      /* extended key usage without server authentication */
    TH_POLICY_NO_SIGNING, /* of a server: key usage without digitalSignature, which (EC)DHE needs */
    TH_POLICY_NOT_CA,     /* of an authority: no basic constraints with cA */
    TH_POLICY_NO_ISSUING, /* of an authority: key usage without keyCertSign */
    TH_POLICY_NO_NAME,    /* no subject alternative name at all: the common name does not count */
    TH_POLICY_WRONG_NAME, /* names, but none is the host's */
    TH_POLICY_CONSTRAINED, /* of an authority: a name below it is outside of its name constraints */
};

enum th_role { TH_ROLE_SERVER, TH_ROLE_AUTHORITY };

/* One certificate of the path: form, signature algorithm, key strength, usage. Its names are not
 * compared with anything here. */
enum th_policy th_policy_check(struct th_slice certificate, enum th_role role);

/* Whether others may be judged by it: that it may issue them, and its key's strength. Who signed
 * it, and how, does not matter: roots are trusted because somebody says so. */
enum th_policy th_policy_check_issuer(struct th_slice certificate);

/* The certificates a server sends, in their order: its own, and behind each its issuer. All of them
 * may have a part in the path whose subject is the issuer of one before. What stands apart has
 * vouched for nobody, whatever it says: that is OK. */
#define TH_POLICY_PATH_MAX 10

struct th_policy_path {
    struct th_slice certificates[TH_POLICY_PATH_MAX]; /* must stay where they are */
    unsigned count;
};

enum th_policy th_policy_follow(struct th_policy_path *path, struct th_slice certificate);

/* The same, and nothing is asked but that its name constraints hold for those before it. */
enum th_policy th_policy_climb(struct th_policy_path *path, struct th_slice certificate);

/* Whether the name constraints of an authority hold for the whole path, if that may lead to it. */
enum th_policy th_policy_constrain(const struct th_policy_path *path, struct th_slice authority);
bool th_policy_is_constrained(struct th_slice certificate);

/* Of the subject, any bytes; empty if there is none. */
struct th_slice th_policy_common_name(struct th_slice certificate);

/* What pins are held against: Names without their headers, SubjectPublicKeyInfo with it. */
struct th_policy_facts {
    struct th_slice issuer;
    struct th_slice subject;
    struct th_slice key_info;
};

bool th_policy_facts(struct th_slice certificate, struct th_policy_facts *facts);

/* What tells a key pair: the modulus without leading zeros (RSA) or the point (EC). It lies in the
 * certificate, or in the private key (PKCS#8 or PKCS#1; EC keys need not hold their point). */
enum th_key_kind { TH_KEY_UNKNOWN, TH_KEY_RSA, TH_KEY_EC };

enum th_key_kind th_policy_public_key(struct th_slice certificate, struct th_slice *value);
bool th_policy_rsa_modulus(struct th_slice private_key, struct th_slice *modulus);

/* The leaf: its subjectAltName must hold the host. */
enum th_policy th_policy_check_name(struct th_slice leaf, const struct th_host *host);

#endif

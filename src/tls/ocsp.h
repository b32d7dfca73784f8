/* OCSP responses (RFC 6960): what one says about one certificate. Whoever made it must be the
 * certificate's issuer, or have a certificate of that issuer for this purpose. */
#ifndef TH_TLS_OCSP_H
#define TH_TLS_OCSP_H

#include <thimble.h>

struct th_ocsp_subject {
    struct th_slice serial; /* without leading zeros */
    struct th_slice issuer; /* Name, without its header */
    struct th_slice key;    /* the issuer's: SubjectPublicKeyInfo, or RSAPublicKey */
};

enum th_ocsp_verdict {
    TH_OCSP_GOOD,
    TH_OCSP_REVOKED,
    TH_OCSP_UNKNOWN,   /* the issuer knows no such certificate */
    TH_OCSP_OTHERS,    /* it is about others */
    TH_OCSP_MALFORMED, /* none at all, or a failure, or with something that nobody understands */
    TH_OCSP_FORGED,    /* none of those who may has signed it; or memory was refused */
    TH_OCSP_EARLY,     /* not in force yet */
    TH_OCSP_LATE,      /* no longer, or nobody knows how long */
};

/* A Name with its header, which is what is hashed. It lies in front of it, in its shortest form. */
struct th_slice th_ocsp_name(struct th_slice name);

/* Needs memory of the current payer. `until_s`, set if it is good: the next one is due then. */
enum th_ocsp_verdict th_ocsp_judge(struct th_slice response, const struct th_ocsp_subject *subject,
                                   int64_t now_s, int64_t *until_s);

#endif

/* The dates of roots that were loaded while nobody knew the date. wolfSSL judges a root when it is
 * loaded, and never again: what was loaded without being judged is judged here, when a server's
 * chain leads to it. */
#ifndef TH_TLS_DATES_H
#define TH_TLS_DATES_H

#include <thimble.h>

#define TH_TLS_DATES_MAX 16

struct th_tls_dates {
    uint8_t count;
    struct {
        uint32_t name; /* a hash of the subject */
        int64_t not_before_s, not_after_s;
    } list[TH_TLS_DATES_MAX];
};

/* True: the root may be loaded without a look at its dates, which are kept here. False: it is judged
 * by the date as it is, for that can be believed, or there is no room. */
bool th_tls_dates_defer(struct th_tls_dates *dates, struct th_slice root);

/* 0, or wolfSSL's code: the root this chain leads to is not valid now. */
struct WOLFSSL_X509_STORE_CTX;
int th_tls_dates_judge(const struct th_tls_dates *dates,
                       const struct WOLFSSL_X509_STORE_CTX *store);

#endif

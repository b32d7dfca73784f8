/* The dates of roots. wolfSSL judges a root when it is loaded, and never again: one that was loaded
 * while nobody knew the date, or has ended since, is judged here, when a server's chain leads to
 * it. */
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

/* Keeps the dates of a root that is to be loaded. True: nobody knows the date now, it may be loaded
 * without a look at them. */
bool th_tls_dates_defer(struct th_tls_dates *dates, struct th_slice root);

/* 0, or wolfSSL's code: no root this chain leads to is valid now. *end_s becomes the end of the one
 * that is, if that is earlier. */
struct WOLFSSL_X509_STORE_CTX;
int th_tls_dates_judge(const struct th_tls_dates *dates,
                       const struct WOLFSSL_X509_STORE_CTX *store, int64_t *end_s);

#endif

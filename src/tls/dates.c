#include "tls/dates.h"

#include "base/calendar.h"
#include "base/slice.h"
#include "base/sum.h"
#include "tls/policy.h"

#include <thimble/certificate.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

/* Nobody gains by a collision: the chain must lead to a trusted root in any case. */
static uint32_t hash_of(struct th_slice name)
{
    return th_sum(TH_SUM_BEGIN, name);
}

bool th_tls_dates_defer(struct th_tls_dates *dates, struct th_slice root)
{
    struct th_certificate read;
    if (dates->count == TH_TLS_DATES_MAX || th_certificate_read(&read, root) < 0)
        return false;
    dates->list[dates->count].name = hash_of(read.subject);
    dates->list[dates->count].not_before_s = read.not_before_s;
    dates->list[dates->count++].not_after_s = read.not_after_s;
    return !th_calendar_is_believable();
}

/* 0, or what wolfSSL would say. */
static int judge(const struct th_tls_dates *dates, int i, int64_t now_s)
{
    if (now_s < dates->list[i].not_before_s)
        return ASN_BEFORE_DATE_E;
    return now_s > dates->list[i].not_after_s ? ASN_AFTER_DATE_E : 0;
}

static bool is_issuer(const struct th_tls_dates *dates, int i, const WOLFSSL_BUFFER_INFO *sent)
{
    struct th_policy_facts facts;
    return !th_policy_facts(th_slice_of(sent->buffer, sent->length), &facts) ||
           dates->list[i].name == hash_of(facts.issuer);
}

static bool is_in_chain(const struct th_tls_dates *dates, int i,
                        const WOLFSSL_X509_STORE_CTX *store)
{
    for (int sent = 0; sent < store->totalCerts; sent++)
        if (is_issuer(dates, i, &store->certs[sent]))
            return true;
    return false;
}

static int64_t earlier(int64_t a_s, int64_t b_s)
{
    return a_s < b_s ? a_s : b_s;
}

/* A chain may lead to two roots, signed across: one is enough. A name may be written in several
 * ways, which wolfSSL knows and the hash does not: if none is found, all must be good. */
int th_tls_dates_judge(const struct th_tls_dates *dates, const WOLFSSL_X509_STORE_CTX *store,
                       int64_t *end_s)
{
    int64_t now_s = th_calendar_s();
    int of_chain = 0, of_any = 0;
    bool found = false, good = false;
    for (int i = 0; i < dates->count; i++) {
        int code = judge(dates, i, now_s);
        bool counts = is_in_chain(dates, i, store);
        found |= counts;
        good |= counts && !code;
        of_chain = code && counts ? code : of_chain;
        of_any = code ? code : of_any;
        if (counts && !code)
            *end_s = earlier(*end_s, dates->list[i].not_after_s);
    }
    return !found ? of_any : good ? 0 : of_chain;
}

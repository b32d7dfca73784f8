#include "tls/verify.h"

#include "base/clock.h"
#include "base/slice.h"
#include "tls/bundle.h"
#include "tls/policy.h"
#include "tls/stream.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

static struct th_slice sent_certificate(const WOLFSSL_X509_STORE_CTX *store, int index)
{
    return th_slice_of(store->certs[index].buffer, store->certs[index].length);
}

static enum th_policy check_chain(const WOLFSSL_X509_STORE_CTX *store)
{
    enum th_policy verdict = TH_POLICY_OK;
    for (int i = 0; verdict == TH_POLICY_OK && i < store->totalCerts; i++)
        verdict = th_policy_check(sent_certificate(store, i));
    return verdict;
}

static enum th_policy check_all(const struct th_tls_stream *stream,
                                const WOLFSSL_X509_STORE_CTX *store)
{
    if (store->totalCerts < 1)
        return TH_POLICY_MALFORMED;
    enum th_policy verdict = check_chain(store);
    if (verdict != TH_POLICY_OK || stream->context->insecure_no_name_check)
        return verdict;
    return th_policy_check_name(sent_certificate(store, 0), &stream->host);
}

int th_tls_verify(int preverified, WOLFSSL_X509_STORE_CTX *store)
{
    struct th_tls_stream *stream = store->userCtx;
    if (!preverified)
        return th_tls_bundle_note(stream, store);
    if (store->error_depth > 0)
        return 1;
    stream->policy = check_all(stream, store);
    stream->verified = stream->policy == TH_POLICY_OK;
    stream->verified_ms = th_clock_ms();
    return stream->verified;
}

int th_tls_verify_nothing(int preverified, WOLFSSL_X509_STORE_CTX *store)
{
    (void)preverified;
    (void)store;
    return 1;
}

int th_tls_verify_none_wanted(int preverified, WOLFSSL_X509_STORE_CTX *store)
{
    (void)preverified;
    (void)store;
    return 0;
}

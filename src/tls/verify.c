#include "tls/verify.h"

#include "base/clock.h"
#include "base/slice.h"
#include "tls/anchors.h"
#include "tls/bundle.h"
#include "tls/dates.h"
#include "tls/errors.h"
#include "tls/image.h"
#include "tls/pins.h"
#include "tls/policy.h"
#include "tls/revoked.h"
#include "tls/shown.h"
#include "tls/staple.h"
#include "tls/stream.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

static struct th_slice sent_certificate(const WOLFSSL_X509_STORE_CTX *store, int index)
{
    return th_slice_of(store->certs[index].buffer, store->certs[index].length);
}

static enum th_policy check_path(const struct th_tls_stream *stream,
                                 const WOLFSSL_X509_STORE_CTX *store, int *at)
{
    struct th_policy_path path = {.count = 0};
    enum th_policy verdict = TH_POLICY_OK;
    for (int i = 0; verdict == TH_POLICY_OK && i < store->totalCerts; i++) {
        verdict = th_policy_follow(&path, sent_certificate(store, i));
        *at = i;
    }
    if (verdict != TH_POLICY_OK)
        return verdict;
    *at = TH_TLS_ROOT;
    return th_tls_anchors_judge(stream->context->anchors, &path);
}

static enum th_policy check_name(const struct th_tls_stream *stream,
                                 const WOLFSSL_X509_STORE_CTX *store)
{
    if (stream->context->insecure_no_name_check)
        return TH_POLICY_OK;
    return th_policy_check_name(sent_certificate(store, 0), &stream->host);
}

static bool is_about_dates(int code)
{
    return code == ASN_BEFORE_DATE_E || code == ASN_AFTER_DATE_E;
}

/* Of what wolfSSL accepts the path and the name are checked. Of what it refuses, what the path is
 * to blame for is the better reason: an issuer that is missing may be there, and may not issue. */
static int judge(const struct th_tls_stream *stream, const WOLFSSL_X509_STORE_CTX *store, int *at)
{
    int code = store->error;
    if (is_about_dates(code))
        return code;
    enum th_policy verdict = check_path(stream, store, at);
    if (verdict == TH_POLICY_OK)
        *at = store->error_depth;
    if (verdict == TH_POLICY_OK && code == 0)
        verdict = check_name(stream, store);
    return verdict == TH_POLICY_OK ? code : th_tls_policy_code(verdict);
}

/* Where roots are looked for, another one of its name may be there by now. */
static bool has_good_root(struct th_tls_stream *stream, WOLFSSL_X509_STORE_CTX *store)
{
    int code = th_tls_dates_judge(&stream->context->dates, store, &stream->end_s);
    if (code == 0)
        return true;
    th_tls_bundle_note(stream, store);
    th_tls_refuse_certificate(stream, code, TH_TLS_ROOT, (struct th_slice){0});
    return false;
}

int th_tls_verify(int preverified, WOLFSSL_X509_STORE_CTX *store)
{
    struct th_tls_stream *stream = store->userCtx;
    int at = store->error_depth;
    if (preverified && at > 0)
        return 1;
    th_tls_shown(stream, store);
    if (!preverified)
        th_tls_bundle_note(stream, store);
    int code = judge(stream, store, &at);
    if (code != 0)
        th_tls_refuse_certificate(stream, code, at, sent_certificate(store, at < 0 ? 0 : at));
    th_tls_image_note_end(stream, store);
    stream->verified = preverified && code == 0 && has_good_root(stream, store) &&
                       th_tls_pins_hold(stream, store) && th_tls_revoked_none(stream, store) &&
                       th_tls_staple_holds(stream, store);
    stream->verified_ms = th_clock_ms();
    return stream->verified;
}

int th_tls_verify_nothing(int preverified, WOLFSSL_X509_STORE_CTX *store)
{
    struct th_tls_stream *stream = store->userCtx;
    (void)preverified;
    if (store->error_depth > 0)
        return 1;
    th_tls_shown(stream, store);
    stream->verified = th_tls_pins_hold(stream, store);
    return stream->verified;
}

int th_tls_verify_none_wanted(int preverified, WOLFSSL_X509_STORE_CTX *store)
{
    (void)preverified;
    (void)store;
    return 0;
}

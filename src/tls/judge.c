#include "tls/judge.h"

#include "base/calendar.h"
#include "base/date.h"
#include "base/der.h"
#include "base/err.h"
#include "base/format.h"
#include "base/slice.h"
#include "tls/context.h"
#include "tls/policy.h"

#include <string.h>

#define DIGITAL_SIGNATURE 1 /* bit 0 of keyUsage (RFC 5280 section 4.2.1.3) */

struct judging {
    void (*on_leaf)(void *arg, const struct th_certificate *leaf);
    void *arg;
};

struct chain {
    const struct judging *judging;
    const struct th_pem_place *place;
    struct th_certificate certificate;
    struct th_slice issuer; /* who must be the subject of the next one; data NULL: it is the leaf */
    unsigned number;        /* of the certificate, from 1 */
    struct th_fault *fault;
};

static int refuse(const struct chain *chain, enum th_validity reason, const char *problem,
                  const char *date)
{
    char which[24] = "";
    if (chain->number > 1)
        th_format(which, sizeof which, ", number %u", chain->number);
    return th_fault_because(chain->fault, reason,
                            th_fault_set(chain->fault, TH_E_FILE,
                                         "certificate: %s, line %u%s: %s%s",
                                         chain->place->name, chain->place->line, which, problem,
                                         date));
}

/* ---- dates ----------------------------------------------------------------------------------- */

static int refuse_date(const struct chain *chain, enum th_validity reason, const char *problem,
                       int64_t when_s)
{
    char day[TH_DATE_DAY_BYTES];
    th_date_day(when_s, day);
    return refuse(chain, reason, problem, day);
}

static int check_dates(const struct chain *chain)
{
    int64_t now_s = th_calendar_s();
    if (!th_calendar_is_believable())
        return th_calendar_fault(chain->fault);
    if (now_s < chain->certificate.not_before_s)
        return refuse_date(chain, TH_NOT_YET_VALID, "is not valid yet; wait, or set the clock: it "
                           "begins ", chain->certificate.not_before_s);
    if (now_s > chain->certificate.not_after_s)
        return refuse_date(chain, TH_EXPIRED, "has expired; have a new one issued: it ended ",
                           chain->certificate.not_after_s);
    return 0;
}

/* ---- what it is for -------------------------------------------------------------------------- */

static bool is_for_clients(struct th_slice purposes)
{
    char purpose[TH_CERTIFICATE_TEXT_BYTES];
    bool is_limited = purposes.len_bytes > 0, fits = false;
    while (th_certificate_next_purpose(&purposes, purpose, sizeof purpose))
        fits |= !strcmp(purpose, "clientAuth") || !strcmp(purpose, "anyExtendedKeyUsage");
    return fits || !is_limited;
}

static int check_leaf(const struct chain *chain)
{
    const struct th_certificate *leaf = &chain->certificate;
    if (leaf->is_authority)
        return refuse(chain, TH_INVALID_CONTENT, "is an authority's; begin with the client's own, "
                      "its issuers behind it", "");
    if (!is_for_clients(leaf->purposes))
        return refuse(chain, TH_WRONG_USAGE, "is not made for clients; have one issued with the "
                      "extended key usage clientAuth", "");
    if (leaf->key_usage && !(leaf->key_usage & DIGITAL_SIGNATURE))
        return refuse(chain, TH_WRONG_USAGE, "may not sign; have one issued with the key usage "
                      "digitalSignature", "");
    return 0;
}

static int check_issuer(const struct chain *chain)
{
    if (!chain->certificate.is_authority ||
        !th_slice_equal(chain->certificate.subject, chain->issuer))
        return refuse(chain, TH_INVALID_CONTENT, "did not issue the one before it; put the leaf "
                      "first, each issuer behind what it signed", "");
    return 0;
}

/* ---- how strong it is ------------------------------------------------------------------------ */

static int check_strength(const struct chain *chain)
{
    enum th_policy verdict = th_policy_check(chain->certificate.der, TH_ROLE_SERVER);
    if (verdict == TH_POLICY_SIGNATURE)
        return refuse(chain, TH_WEAK, "is signed with a hash that is not accepted; have one issued "
                      "with SHA-256", "");
    if (verdict == TH_POLICY_KEY)
        return refuse(chain, TH_WEAK, "has a weak key; have one issued for EC P-256 or P-384, or "
                      "RSA with 2,048 to 4,096 bits", "");
    return 0;
}

/* ---------------------------------------------------------------------------------------------- */

static int judge_one(struct chain *chain)
{
    static int (*const checks[])(const struct chain *) = {check_strength, check_dates};
    bool is_leaf = !chain->issuer.data;
    if (th_certificate_read(&chain->certificate, chain->certificate.der) < 0)
        return refuse(chain, TH_CORRUPTED, "is damaged: it is no X.509; copy it again", "");
    if (is_leaf && chain->judging->on_leaf)
        chain->judging->on_leaf(chain->judging->arg, &chain->certificate);
    int result = is_leaf ? check_leaf(chain) : check_issuer(chain);
    for (size_t i = 0; result == 0 && i < sizeof checks / sizeof *checks; i++)
        result = checks[i](chain);
    chain->issuer = chain->certificate.issuer;
    return result;
}

static int judge_chain(void *arg, struct th_slice ders, const struct th_pem_place *place,
                       struct th_fault *fault)
{
    struct chain chain = {.judging = arg, .place = place, .fault = fault};
    int result = 0;
    while (result == 0 && ders.len_bytes > 0) {
        size_t bytes = th_der_sequence_bytes(ders);
        chain.number++;
        chain.certificate.der = th_slice_of(ders.data, bytes ? bytes : ders.len_bytes);
        ders = th_slice_after(ders, chain.certificate.der.len_bytes);
        result = judge_one(&chain);
    }
    return result;
}

static int pass(void *arg, struct th_slice der, const struct th_pem_place *place,
                struct th_fault *fault)
{
    (void)arg;
    (void)der;
    (void)place;
    (void)fault;
    return 0;
}

/* What the TLS library thinks of it comes last: our sentences say more. */
static int try_context(const struct th_context_config *config, struct th_fault *fault)
{
    struct th_tls_context context;
    int result = th_tls_context_open(&context, config, fault);
    if (result == 0)
        th_tls_context_close(&context);
    return result;
}

int th_tls_judge(const struct th_context_config *config,
                 void (*on_leaf)(void *arg, const struct th_certificate *leaf), void *arg,
                 struct th_fault *fault)
{
    struct judging judging = {on_leaf, arg};
    struct th_identity_count count;
    struct th_identity_sink sink = {pass, judge_chain, pass, &judging};
    int result = th_identity_load(config, &sink, &count, fault);
    return result < 0 ? result : try_context(config, fault);
}

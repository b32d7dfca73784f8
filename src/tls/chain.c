#include "tls/chain.h"

#include "base/der.h"
#include "base/err.h"
#include "tls/anchors.h"
#include "tls/context.h"
#include "tls/errors.h"
#include "tls/policy.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

struct chain {
    struct th_tls_context *context;
    WOLFSSL_CERT_MANAGER *manager;
    const char *host; /* NULL: not as a server's */
    struct th_pem_place place;
    struct th_der ders; /* side by side, leaf first */
    struct th_fault *fault;
};

/* ---- reading --------------------------------------------------------------------------------- */

static int keep(void *arg, enum th_pem_kind kind, struct th_slice der,
                const struct th_pem_place *place, struct th_fault *fault)
{
    struct chain *chain = arg;
    (void)der, (void)fault;
    chain->place = *place;
    return kind == TH_PEM_CERTIFICATE || kind == TH_PEM_DER ? TH_PEM_KEEP : TH_PEM_DROP;
}

static int read_chain(struct chain *chain, const struct th_source *source)
{
    struct th_pem_sink sink = {.block = keep, .arg = chain};
    int result = th_pem_read(source, "certificate", &sink, &chain->ders, chain->fault);
    if (result < 0)
        return result;
    chain->place = (struct th_pem_place){source->path ? source->path : "(memory)", 1};
    if (chain->ders.used_bytes > 0)
        return 0;
    return th_fault_set(chain->fault, TH_E_FILE, "certificate: %s holds no certificate",
                        chain->place.name);
}

/* ---- judging --------------------------------------------------------------------------------- */

static int refuse(struct chain *chain, int code, int error)
{
    return th_tls_chain_error(error, code, "certificate", &chain->place, chain->fault);
}

static struct th_slice take_one(struct th_slice *rest)
{
    size_t bytes = th_der_sequence_bytes(*rest);
    struct th_slice one = th_slice_of(rest->data, bytes ? bytes : rest->len_bytes);
    *rest = th_slice_after(*rest, one.len_bytes);
    return one;
}

static unsigned count_of(struct th_slice ders)
{
    unsigned count = 0;
    for (; ders.len_bytes > 0; count++)
        take_one(&ders);
    return count;
}

static struct th_slice number(struct th_slice ders, unsigned index)
{
    struct th_slice one = take_one(&ders);
    while (index-- > 0)
        one = take_one(&ders);
    return one;
}

/* Signed across by somebody who is not trusted here: as in a handshake it vouches for nobody. */
static bool is_a_strangers(int code)
{
    return code == ASN_NO_SIGNER_E || code == ASN_SELF_SIGNED_E;
}

/* wolfSSL would load anything as an authority. */
static int verify_one(struct chain *chain, struct th_slice one, bool is_issuer)
{
    struct th_tls_mark mark = th_tls_mark();
    enum th_policy verdict = is_issuer ? th_policy_check_issuer(one) : TH_POLICY_OK;
    if (verdict != TH_POLICY_OK)
        return refuse(chain, th_tls_policy_code(verdict), TH_E_CERTIFICATE);
    int code = wolfSSL_CertManagerVerifyBuffer(chain->manager, one.data, (long)one.len_bytes,
                                               WOLFSSL_FILETYPE_ASN1);
    if (code == WOLFSSL_SUCCESS && is_issuer)
        code = wolfSSL_CertManagerLoadCABuffer(chain->manager, one.data, (long)one.len_bytes,
                                               WOLFSSL_FILETYPE_ASN1);
    if (code == WOLFSSL_SUCCESS || (is_issuer && is_a_strangers(code)))
        return 0;
    return th_tls_refused_since(mark)
               ? th_tls_setup_error(code, mark, "verify the certificate", chain->fault)
               : refuse(chain, code, TH_E_CERTIFICATE);
}

/* Issuers first: each must be good before it may vouch for the one in front of it. */
static int verify_all(struct chain *chain, struct th_slice ders)
{
    int result = 0;
    for (unsigned left = count_of(ders); result == 0 && left > 0; left--)
        result = verify_one(chain, number(ders, left - 1), left > 1);
    return result;
}

static enum th_policy check_path(const struct chain *chain, struct th_slice rest)
{
    struct th_policy_path path = {.count = 0};
    enum th_policy verdict = TH_POLICY_OK;
    while (verdict == TH_POLICY_OK && rest.len_bytes > 0) {
        struct th_slice one = take_one(&rest);
        verdict = chain->host ? th_policy_follow(&path, one) : th_policy_climb(&path, one);
    }
    return verdict == TH_POLICY_OK ? th_tls_anchors_judge(chain->context->anchors, &path) : verdict;
}

static int check_server(struct chain *chain, struct th_slice ders)
{
    struct th_host host;
    int result = chain->host ? th_host_parse(&host, chain->host, chain->fault) : 0;
    enum th_policy verdict = check_path(chain, ders);
    if (result < 0 || verdict != TH_POLICY_OK)
        return result < 0 ? result : refuse(chain, th_tls_policy_code(verdict), TH_E_CERTIFICATE);
    if (chain->host)
        verdict = th_policy_check_name(number(ders, 0), &host);
    return verdict == TH_POLICY_OK ? 0
                                   : refuse(chain, th_tls_policy_code(verdict), TH_E_SERVER_NAME);
}

static int judge(struct chain *chain, const struct th_source *source)
{
    int result = read_chain(chain, source);
    struct th_slice ders = th_slice_of(chain->ders.data, chain->ders.used_bytes);
    if (result == 0)
        result = th_tls_bundle_choose_for(chain->context, ders, chain->fault);
    if (result == 0)
        result = verify_all(chain, ders);
    return result == 0 ? check_server(chain, ders) : result;
}

int th_tls_chain_verify(const struct th_context_config *config, const char *host,
                        struct th_fault *fault)
{
    struct th_tls_context context;
    struct th_context_config roots = {.roots = config->roots, .root_paths = config->root_paths,
                                      .log = config->log};
    struct chain chain = {.host = host, .fault = fault};
    int result = th_tls_context_open(&context, &roots, fault);
    if (result < 0)
        return result;
    chain.context = &context;
    chain.manager = wolfSSL_CTX_GetCertManager(context.ctx);
    result = judge(&chain, &config->certificate);
    th_der_close(&chain.ders);
    th_tls_context_close(&context);
    return result;
}

#include "tls/bundle.h"

#include "base/der.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/sum.h"
#include "identity/directory.h"
#include "mem/payer.h"
#include "tls/context.h"
#include "tls/errors.h"
#include "tls/policy.h"
#include "tls/stream.h"

#include <errno.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

/* ---- names ----------------------------------------------------------------------------------- */

/* Two names with one sum do no harm: a root too many is loaded. */
static uint32_t sum_of(struct th_slice name)
{
    return th_sum(TH_SUM_BEGIN, name);
}

static bool is_noted(const struct th_tls_bundle *bundle, uint32_t name)
{
    for (uint32_t i = 0; i < bundle->notes; i++)
        if (bundle->noted[i] == name)
            return true;
    return false;
}

/* Names of other brokers' roots stay, as long as there is room. */
static void note(struct th_tls_bundle *bundle, uint32_t name)
{
    if (is_noted(bundle, name))
        return;
    if (bundle->notes == TH_TLS_NAMES_NOTED)
        bundle->notes = 0;
    bundle->noted[bundle->notes++] = name;
}

static void note_issuer(struct th_tls_bundle *bundle, struct th_slice certificate)
{
    struct th_policy_facts facts;
    if (th_policy_facts(certificate, &facts))
        note(bundle, sum_of(facts.issuer));
}

/* Or the issuer that is there has ended: what is stored now may be another one of its name. */
static bool is_for_want_of_an_issuer(int code)
{
    return code == 0 || code == ASN_NO_SIGNER_E || code == ASN_SELF_SIGNED_E ||
           code == ASN_SIG_CONFIRM_E;
}

/* Not the topmost issuer alone: a chain may go on above a root of ours, signed across. */
int th_tls_bundle_note(struct th_tls_stream *stream, const WOLFSSL_X509_STORE_CTX *store)
{
    struct th_tls_bundle *bundle = &stream->context->bundle;
    if (bundle->seen <= TH_TLS_ROOTS_HELD || !is_for_want_of_an_issuer(store->error))
        return 0;
    stream->lacks_root = true;
    for (int i = 0; i < store->totalCerts; i++)
        note_issuer(bundle, th_slice_of(store->certs[i].buffer, store->certs[i].length));
    return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reading {
    struct th_tls_context *context;
    const struct th_identity_sink *sink;
    struct th_identity_count count;
};

static int read_entry(void *arg, const char *path)
{
    struct reading *reading = arg;
    struct th_source source = {.path = path};
    struct th_fault fault = {0};
    if (!th_directory_names_certificate(path))
        return 0;
    int result = th_identity_read_roots(&source, reading->sink, &reading->count, &fault);
    if (result != TH_E_FILE)
        return result;
    th_log(&reading->context->log, TH_LOG_WARNING, "%s; it is left out", fault.text);
    return 0;
}

/* Not by stat(2): the sandbox does not know it. */
static int read_path(struct reading *reading, const char *path, struct th_fault *fault)
{
    struct th_source source = {.path = path};
    int result = th_directory_each(path, read_entry, reading);
    if (result == TH_E_MEMORY)
        return th_fault_set(fault, TH_E_MEMORY, "no memory for the CA certificates in %s", path);
    if (result < 0 && errno == ENOTDIR)
        return th_identity_read_roots(&source, reading->sink, &reading->count, fault);
    if (result < 0)
        return th_fault_set_errno(fault, TH_E_FILE, "CA certificates: cannot read %s", path);
    if (reading->count.roots == 0)
        return th_fault_set(fault, TH_E_FILE, "CA certificates: %s holds no certificate", path);
    return 0;
}

static int read_paths(struct th_tls_context *context, const struct th_identity_sink *sink,
                      struct th_fault *fault)
{
    struct reading reading = {.context = context, .sink = sink};
    int result = 0;
    for (const char *const *path = context->bundle.paths; result == 0 && path && *path; path++)
        result = read_path(&reading, *path, fault);
    context->identity.roots += reading.count.roots;
    return result;
}

/* ---- when the context is opened -------------------------------------------------------------- */

int th_tls_bundle_read(struct th_tls_context *context, const struct th_context_config *config,
                       const struct th_identity_sink *sink, struct th_fault *fault)
{
    context->bundle.source = config->roots;
    context->bundle.paths = config->root_paths;
    context->bundle.payer = th_payer_current();
    context->bundle.print = TH_SUM_BEGIN;
    return read_paths(context, sink, fault);
}

static void unload(struct th_tls_context *context)
{
    wolfSSL_CertManagerUnloadCAs(wolfSSL_CTX_GetCertManager(context->ctx));
    context->pins.roots_count = 0;
    context->dates.count = 0;
    th_tls_anchors_forget(&context->anchors);
}

bool th_tls_bundle_defers(struct th_tls_context *context)
{
    if (++context->bundle.seen == TH_TLS_ROOTS_HELD + 1)
        unload(context);
    return context->bundle.seen > TH_TLS_ROOTS_HELD;
}

/* ---- when a handshake wants one -------------------------------------------------------------- */

/* More than a few that bear noted names are no roots of one server. */
static int choose(void *arg, struct th_slice der, const struct th_pem_place *place,
                  struct th_fault *fault)
{
    struct th_tls_context *context = arg;
    struct th_tls_bundle *bundle = &context->bundle;
    struct th_policy_facts facts;
    if (bundle->chosen == TH_TLS_ROOTS_CHOSEN || !th_policy_facts(der, &facts) ||
        !is_noted(bundle, sum_of(facts.subject)))
        return 0;
    struct th_tls_mark mark = th_tls_mark();
    int code = th_tls_context_trust(context, der);
    th_log(&context->log, TH_LOG_DEBUG, "%s, line %u: the CA certificate is %s", place->name,
           place->line, code == WOLFSSL_SUCCESS ? "taken" : "of no use");
    if (code != WOLFSSL_SUCCESS)
        return th_tls_refused_since(mark)
                   ? th_tls_setup_error(code, mark, "load a CA certificate", fault) : 0;
    bundle->chosen++;
    bundle->print = th_sum(bundle->print, der);
    return 0;
}

static void forget(struct th_tls_context *context)
{
    unload(context);
    context->bundle.chosen = 0;
    context->bundle.print = TH_SUM_BEGIN;
}

static int read_again(struct th_tls_context *context, struct th_fault *fault)
{
    struct th_identity_count count = {0};
    struct th_identity_sink sink = {.root = choose, .arg = context};
    struct th_tls_bundle *bundle = &context->bundle;
    int result = 0;
    forget(context);
    if (th_source_given(&bundle->source))
        result = th_identity_read_roots(&bundle->source, &sink, &count, fault);
    return result < 0 ? result : read_paths(context, &sink, fault);
}

int th_tls_bundle_choose_for(struct th_tls_context *context, struct th_slice ders,
                             struct th_fault *fault)
{
    size_t bytes;
    if (context->bundle.seen <= TH_TLS_ROOTS_HELD)
        return 0;
    for (; (bytes = th_der_sequence_bytes(ders)) > 0; ders = th_slice_after(ders, bytes))
        note_issuer(&context->bundle, th_slice_of(ders.data, bytes));
    return read_again(context, fault);
}

int th_tls_bundle_choose(struct th_tls_stream *stream, struct th_fault *fault)
{
    struct th_tls_bundle *bundle = &stream->context->bundle;
    uint32_t print = bundle->print;
    if (!stream->lacks_root)
        return 0;
    struct th_payer *before = th_payer_enter(bundle->payer);
    int result = read_again(stream->context, fault);
    if (result < 0)
        forget(stream->context);
    th_payer_leave(before);
    bundle->turn += bundle->print != print;
    return result < 0 ? result : bundle->turn != stream->roots_turn;
}

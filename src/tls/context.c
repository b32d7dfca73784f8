#include "tls/context.h"

#include "base/err.h"
#include "base/log.h"
#include "crypt/hardware.h"
#include "crypt/point.h"
#include "crypt/random.h"
#include "crypt/seed.h"
#include "mem/payer.h"
#include "tls/errors.h"
#include "tls/image.h"
#include "tls/io.h"
#include "tls/policy.h"
#include "tls/psk.h"
#include "tls/revoked.h"
#include "tls/rsa.h"
#include "tls/session.h"
#include "tls/staple.h"
#include "tls/verify.h"
#include "tls/version.h"

#include <string.h>
#include <thimble/identity.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>

#define ECC_MIN_BITS 256
#define PUBLIC_KEY_MAX_BYTES 512 /* the modulus of RSA-4096 */

/* ---- the library, once for the process ------------------------------------------------------- */

static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;

static int open_library(void)
{
    pthread_mutex_lock(&library_lock);
    int result = wolfSSL_Init();
    if (result == WOLFSSL_SUCCESS)
        th_crypt_seed_wolfssl();
    pthread_mutex_unlock(&library_lock);
    return result;
}

static void close_library(void)
{
    pthread_mutex_lock(&library_lock);
    wolfSSL_Cleanup();
    pthread_mutex_unlock(&library_lock);
}

/* ---- configuration --------------------------------------------------------------------------- */

static bool needs_roots(const struct th_context_config *config)
{
    return !config->insecure_no_verify && !config->psk_identity;
}

static bool gives_roots(const struct th_context_config *config)
{
    return th_source_given(&config->roots) || config->root_paths;
}

static int check_config(const struct th_tls_context *context,
                        const struct th_context_config *config, struct th_fault *fault)
{
    int result = th_tls_version_check(config, fault);
    if (result == 0)
        result = th_tls_psk_check(config, fault);
    if (result < 0)
        return result;
    if (needs_roots(config) && !gives_roots(config))
        return th_fault_set(fault, TH_E_ARGUMENT,
                            "no CA certificates: name the file with the root that signed the "
                            "broker's certificate");
    if (config->alpn && strlen(config->alpn) >= sizeof context->alpn)
        return th_fault_set(fault, TH_E_ARGUMENT, "the ALPN list is longer than %zu bytes",
                            sizeof context->alpn - 1);
    return 0;
}

static int take_suites(struct th_tls_context *context, const struct th_context_config *config,
                       struct th_fault *fault)
{
    bool psk = config->psk_identity != NULL;
    int result = 0;
    if (th_tls_highest(config) == TH_TLS_1_3)
        result = th_tls_suites_add(&context->suites, TH_TLS_1_3, config->ciphersuites, psk, fault);
    if (result == 0 && th_tls_lowest(config) == TH_TLS_1_2)
        result = th_tls_suites_add(&context->suites, TH_TLS_1_2, config->ciphers, psk, fault);
    context->holds_back = !psk && !config->ciphers && !config->ciphersuites;
    return result;
}

static void take_config(struct th_tls_context *context, const struct th_context_config *config)
{
    context->crl = config->crl;
    context->insecure_no_name_check = config->insecure_no_name_check;
    context->insecure_no_verify = config->insecure_no_verify;
    context->psk_identity = config->psk_identity;
    context->psk = config->psk;
    context->on_keylog = config->on_keylog;
    context->on_keylog_arg = config->on_keylog_arg;
    context->on_certificate = config->on_certificate;
    context->on_certificate_arg = config->on_certificate_arg;
    context->log = config->log;
    if (config->alpn)
        strcpy(context->alpn, config->alpn);
}

/* ---- policy ---------------------------------------------------------------------------------- */

static int create(struct th_tls_context *context, const struct th_context_config *config)
{
    WOLFSSL_METHOD *method = th_tls_version_method(config);
    context->ctx = method ? wolfSSL_CTX_new(method) : NULL;
    return context->ctx ? WOLFSSL_SUCCESS : MEMORY_E;
}

static int set_lowest_version(struct th_tls_context *context,
                              const struct th_context_config *config)
{
    int version = th_tls_lowest(config) == TH_TLS_1_3 ? WOLFSSL_TLSV1_3 : WOLFSSL_TLSV1_2;
    return wolfSSL_CTX_SetMinVersion(context->ctx, version);
}

/* Servers that go by their own preference take AES-256 where it is offered. Without AES
 * instructions that costs eight times the time of ChaCha20 for each byte, and its table look-ups
 * depend on the key: unless somebody asked for it, it is offered to servers that take nothing
 * else. */
static int set_suites(struct th_tls_context *context, const struct th_context_config *config)
{
    struct th_tls_suites suites = context->suites;
    (void)config;
    if (context->holds_back)
        th_tls_suites_hold_back(&suites);
    return wolfSSL_CTX_set_cipher_list_bytes(context->ctx, suites.bytes, 2 * suites.count);
}

bool th_tls_context_offer_all(struct th_tls_context *context)
{
    bool held_back = context->holds_back;
    context->holds_back = false;
    return held_back && set_suites(context, NULL) == WOLFSSL_SUCCESS;
}

/* One key share is sent, for the first group; a server that wants another asks for it. */
static int set_groups(struct th_tls_context *context, const struct th_context_config *config)
{
    static const int groups[] = {TH_TLS_GROUPS};
    int copy[sizeof groups / sizeof *groups];
    (void)config;
    memcpy(copy, groups, sizeof groups);
    return wolfSSL_CTX_set_groups(context->ctx, copy, sizeof groups / sizeof *groups);
}

/* Resumption with a fresh key exchange only. Unlike the others this call returns 0 on success. */
static int set_forward_secrecy(struct th_tls_context *context,
                               const struct th_context_config *config)
{
    int code = th_tls_highest(config) == TH_TLS_1_3 ? wolfSSL_CTX_only_dhe_psk(context->ctx) : 0;
    return code == 0 ? WOLFSSL_SUCCESS : code;
}

static int set_rsa_minimum(struct th_tls_context *context, const struct th_context_config *config)
{
    (void)config;
    return th_tls_rsa_set_minimum(context->ctx);
}

static int set_ecc_minimum(struct th_tls_context *context, const struct th_context_config *config)
{
    (void)config;
    return wolfSSL_CTX_SetMinEccKey_Sz(context->ctx, ECC_MIN_BITS);
}

static int set_tickets(struct th_tls_context *context, const struct th_context_config *config)
{
    return th_tls_session_prepare(context, config);
}

static int set_grouping(struct th_tls_context *context, const struct th_context_config *config)
{
    (void)config;
    return wolfSSL_CTX_set_group_messages(context->ctx);
}

static int set_verification(struct th_tls_context *context,
                            const struct th_context_config *config)
{
    if (config->psk_identity)
        wolfSSL_CTX_set_verify(context->ctx, WOLFSSL_VERIFY_PEER, th_tls_verify_none_wanted);
    else if (config->insecure_no_verify)
        wolfSSL_CTX_set_verify(context->ctx, WOLFSSL_VERIFY_PEER, th_tls_verify_nothing);
    else
        wolfSSL_CTX_set_verify(context->ctx, WOLFSSL_VERIFY_PEER, th_tls_verify);
    return WOLFSSL_SUCCESS;
}

static int set_psk(struct th_tls_context *context, const struct th_context_config *config)
{
    if (config->psk_identity)
        th_tls_psk_offer(context);
    return WOLFSSL_SUCCESS;
}

static int set_io(struct th_tls_context *context, const struct th_context_config *config)
{
    (void)config;
    wolfSSL_CTX_SetIORecv(context->ctx, th_tls_io_receive);
    wolfSSL_CTX_SetIOSend(context->ctx, th_tls_io_send);
    return WOLFSSL_SUCCESS;
}

static int (*const steps[])(struct th_tls_context *, const struct th_context_config *) = {
    create, set_lowest_version, set_suites, set_groups, set_forward_secrecy, set_rsa_minimum,
    set_ecc_minimum, set_tickets, set_grouping, set_verification, set_psk,
    set_io,
};

static int set_policy(struct th_tls_context *context, const struct th_context_config *config,
                      struct th_fault *fault)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct th_tls_mark mark = th_tls_mark();
        int code = steps[i](context, config);
        if (code != WOLFSSL_SUCCESS)
            return th_tls_setup_error(code, mark, "create the TLS context", fault);
    }
    return 0;
}

/* ---- identity -------------------------------------------------------------------------------- */

struct loading {
    struct th_tls_context *context;
    struct th_fault first_skipped; /* why the first root that cannot be used was left out */
    unsigned usable_roots;
    enum th_key_kind key_kind;     /* of our certificate; what tells its pair */
    size_t public_key_bytes;
    uint8_t public_key[PUBLIC_KEY_MAX_BYTES];
};

static int skip_root(struct loading *loading, const struct th_fault *reason)
{
    th_log(&loading->context->log, TH_LOG_WARNING, "%s; it is left out", reason->text);
    if (loading->first_skipped.code == 0)
        loading->first_skipped = *reason;
    return 0;
}

/* wolfSSL would trust whatever the user gives, a server's certificate included. */
int th_tls_context_trust(struct th_tls_context *context, struct th_slice der)
{
    enum th_policy verdict = th_policy_check_issuer(der);
    if (verdict != TH_POLICY_OK)
        return th_tls_policy_code(verdict);
    if (!th_tls_anchors_keep(&context->anchors, der))
        return MEMORY_E;
    th_tls_pins_note_root(context, der);
    uint32_t flags = th_tls_dates_defer(&context->dates, der) ? WOLFSSL_LOAD_FLAG_DATE_ERR_OKAY : 0;
    return wolfSSL_CTX_load_verify_buffer_ex(context->ctx, der.data, (long)der.len_bytes,
                                             WOLFSSL_FILETYPE_ASN1, 0, flags);
}

/* A bundle may hold a root that has expired or that we cannot use; the others still count. */
static int add_root(void *arg, struct th_slice der, const struct th_pem_place *place,
                    struct th_fault *fault)
{
    struct loading *loading = arg;
    struct th_fault reason = {0};
    struct th_tls_mark mark = th_tls_mark();
    int code = WOLFSSL_SUCCESS;
    th_tls_image_bind_der(loading->context, der);
    if (!th_tls_bundle_defers(loading->context))
        code = th_tls_context_trust(loading->context, der);
    loading->usable_roots += code == WOLFSSL_SUCCESS;
    if (code == WOLFSSL_SUCCESS)
        return 0;
    if (th_tls_refused_since(mark))
        return th_tls_setup_error(code, mark, "load a CA certificate", fault);
    th_tls_file_error(code, "CA certificates", place, &reason);
    return skip_root(loading, &reason);
}

static bool remember_public_key(struct loading *loading, struct th_slice leaf)
{
    struct th_slice value;
    loading->key_kind = th_policy_public_key(leaf, &value);
    if (loading->key_kind == TH_KEY_UNKNOWN || value.len_bytes > sizeof loading->public_key)
        return false;
    memcpy(loading->public_key, value.data, value.len_bytes);
    loading->public_key_bytes = value.len_bytes;
    return true;
}

static int use_chain(void *arg, struct th_slice ders, const struct th_pem_place *place,
                     struct th_fault *fault)
{
    struct loading *loading = arg;
    struct th_tls_mark mark = th_tls_mark();
    th_tls_image_bind_chain(loading->context, ders);
    int code = wolfSSL_CTX_use_certificate_chain_buffer_format(
        loading->context->ctx, ders.data, (long)ders.len_bytes, WOLFSSL_FILETYPE_ASN1);
    if (code == WOLFSSL_SUCCESS && remember_public_key(loading, ders))
        return 0;
    if (th_tls_refused_since(mark))
        return th_tls_setup_error(code, mark, "load the certificate", fault);
    return th_tls_file_error(code, "certificate", place, fault);
}

static bool is_same(const struct loading *loading, const void *value, size_t bytes)
{
    return bytes == loading->public_key_bytes && memcmp(value, loading->public_key, bytes) == 0;
}

static int check_ec_pair(const struct loading *loading, struct th_slice key)
{
    uint8_t point[TH_CRYPT_POINT_MAX_BYTES];
    size_t bytes = sizeof point;
    int result = th_crypt_ec_point(key, point, &bytes);
    if (result == 0 && !is_same(loading, point, bytes))
        result = TH_E_FILE;
    return result;
}

static int check_rsa_pair(const struct loading *loading, struct th_slice key)
{
    struct th_slice modulus;
    bool same = th_policy_rsa_modulus(key, &modulus) &&
                is_same(loading, modulus.data, modulus.len_bytes);
    return same ? 0 : TH_E_FILE;
}

/* Not wolfSSL's own check: that one needs 30 KB of stack. */
static int check_pair(const struct loading *loading, struct th_slice key,
                      const struct th_pem_place *place, struct th_fault *fault)
{
    struct th_tls_mark mark = th_tls_mark();
    int result = loading->key_kind == TH_KEY_EC ? check_ec_pair(loading, key)
                                                : check_rsa_pair(loading, key);
    if (result == TH_E_MEMORY)
        return th_tls_setup_error(MEMORY_E, mark, "check the private key", fault);
    if (result == 0)
        return 0;
    th_fault_set(fault, TH_E_FILE, "private key: %s, line %u: the key does not belong to the "
                 "certificate; name the pair that was issued together", place->name, place->line);
    return th_fault_because(fault, TH_KEY_MISMATCH, TH_E_FILE);
}

static int use_key(void *arg, struct th_slice der, const struct th_pem_place *place,
                   struct th_fault *fault)
{
    struct loading *loading = arg;
    struct th_tls_mark mark = th_tls_mark();
    int code = wolfSSL_CTX_use_PrivateKey_buffer(loading->context->ctx, der.data,
                                                 (long)der.len_bytes, WOLFSSL_FILETYPE_ASN1);
    if (code == WOLFSSL_SUCCESS)
        return check_pair(loading, der, place, fault);
    if (th_tls_refused_since(mark))
        return th_tls_setup_error(code, mark, "load the private key", fault);
    return th_tls_file_error(code, "private key", place, fault);
}

static int require_root(const struct loading *loading, const struct th_context_config *config,
                        struct th_fault *fault)
{
    if (loading->usable_roots > 0 || !gives_roots(config))
        return 0;
    const struct th_fault *reason = &loading->first_skipped;
    th_fault_set(fault, reason->code, "%s", reason->text);
    if (fault) {
        fault->tls_code = reason->tls_code;
        fault->reason = reason->reason;
    }
    return reason->code;
}

static int load_identity(struct th_tls_context *context, const struct th_context_config *config,
                         struct th_fault *fault)
{
    struct loading loading = {.context = context};
    struct th_identity_sink sink = {add_root, use_chain, use_key, &loading};
    int result = th_identity_load(config, &sink, &context->identity, fault);
    if (result == 0)
        result = th_tls_bundle_read(context, config, &sink, fault);
    if (result == 0)
        result = th_tls_revoked_open(&config->crl, fault);
    return result < 0 ? result : require_root(&loading, config, fault);
}

/* ---------------------------------------------------------------------------------------------- */

static int acquire(struct th_tls_context *context, const struct th_context_config *config,
                   struct th_fault *fault)
{
    int result = th_crypt_random_check(fault);
    if (result == 0)
        result = th_crypt_hardware_open(config->hwrng_path, fault);
    if (result < 0)
        return result;
    context->hardware = config->hwrng_path != NULL;
    struct th_tls_mark mark = th_tls_mark();
    int code = open_library();
    context->library = code == WOLFSSL_SUCCESS;
    return context->library ? 0 : th_tls_setup_error(code, mark, "start the TLS library", fault);
}

static int build(struct th_tls_context *context, const struct th_context_config *config,
                 struct th_fault *fault)
{
    int result = acquire(context, config, fault);
    if (result == 0)
        result = set_policy(context, config, fault);
    return result < 0 ? result : load_identity(context, config, fault);
}

static uint32_t live_bytes(void)
{
    const struct th_payer *payer = th_payer_current();
    return payer ? payer->ledger.live_bytes : 0;
}

/* What was paid for is resident; the peak beyond it was transient. Success implies a payer. */
static void note_cost(struct th_tls_context *context, uint32_t live_before)
{
    const struct th_ledger *ledger = &th_payer_current()->ledger;
    context->resident_bytes = ledger->live_bytes - live_before;
    context->transient_peak_bytes = ledger->peak_bytes - ledger->live_bytes;
    th_log(&context->log, TH_LOG_INFO, "identity: resident %zu B, transient peak %zu B",
           context->resident_bytes, context->transient_peak_bytes);
}

int th_tls_context_open(struct th_tls_context *context, const struct th_context_config *config,
                        struct th_fault *fault)
{
    memset(context, 0, sizeof *context);
    int result = check_config(context, config, fault);
    if (result < 0)
        return result;
    result = take_suites(context, config, fault);
    if (result < 0)
        return result;
    result = th_tls_pins_take(context, config, fault);
    if (result == 0)
        result = th_tls_staple_take(context, config, fault);
    if (result < 0)
        return result;
    uint32_t live_before = live_bytes();
    take_config(context, config);
    th_tls_image_bind(context, config);
    pthread_mutex_init(&context->turn, NULL);
    context->open = true;
    result = build(context, config, fault);
    if (result < 0)
        th_tls_context_close(context);
    else
        note_cost(context, live_before);
    return result;
}

void th_tls_context_close(struct th_tls_context *context)
{
    if (!context->open)
        return;
    th_tls_anchors_forget(&context->anchors);
    wolfSSL_CTX_free(context->ctx);
    if (context->library)
        close_library();
    if (context->hardware)
        th_crypt_hardware_close();
    pthread_mutex_destroy(&context->turn);
    memset(context, 0, sizeof *context);
}

#include "identity/identity.h"

#include "base/err.h"
#include "base/slice.h"
#include "identity/encrypted.h"

#define CHAIN_MAX_CERTIFICATES 9 /* wolfSSL's MAX_CHAIN_DEPTH */

struct loading {
    const struct th_identity_sink *sink;
    struct th_identity_count *count;
    const struct th_passphrase *passphrase;
    struct th_pem_place first; /* of our chain */
    unsigned keys;
};

bool th_source_given(const struct th_source *source)
{
    return source->path || source->bytes.len_bytes > 0;
}

static bool is_certificate(enum th_pem_kind kind)
{
    return kind == TH_PEM_CERTIFICATE || kind == TH_PEM_DER;
}

static const char *name_of(const struct th_source *source)
{
    return source->path ? source->path : "(memory)";
}

typedef int block_taker(void *arg, enum th_pem_kind kind, struct th_slice der,
                        const struct th_pem_place *place, struct th_fault *fault);

/* ---- roots ----------------------------------------------------------------------------------- */

static int take_root(void *arg, enum th_pem_kind kind, struct th_slice der,
                     const struct th_pem_place *place, struct th_fault *fault)
{
    struct loading *loading = arg;
    if (!is_certificate(kind))
        return TH_PEM_DROP;
    loading->count->roots++;
    int result = loading->sink->root(loading->sink->arg, der, place, fault);
    return result < 0 ? result : TH_PEM_DROP;
}

static int read_with(struct loading *loading, const struct th_source *source, const char *what,
                     block_taker *taker, struct th_der *der, struct th_fault *fault)
{
    struct th_pem_sink sink = {.block = taker, .arg = loading};
    return th_pem_read(source, what, &sink, der, fault);
}

int th_identity_read_roots(const struct th_source *source, const struct th_identity_sink *sink,
                           struct th_identity_count *count, struct th_fault *fault)
{
    struct th_der der = {0};
    struct loading loading = {.sink = sink, .count = count};
    unsigned before = count->roots;
    int result = read_with(&loading, source, "CA certificates", take_root, &der, fault);
    th_der_close(&der);
    if (result < 0)
        return result;
    if (count->roots == before)
        return th_fault_set(fault, TH_E_FILE,
                            "CA certificates: %s holds no certificate; name the file with the "
                            "root that signed the broker's certificate", name_of(source));
    return 0;
}

/* ---- our chain ------------------------------------------------------------------------------- */

static int take_certificate(void *arg, enum th_pem_kind kind, struct th_slice der,
                            const struct th_pem_place *place, struct th_fault *fault)
{
    struct loading *loading = arg;
    (void)der;
    if (!is_certificate(kind))
        return TH_PEM_DROP;
    if (loading->count->chain_certificates == 0)
        loading->first = *place;
    if (++loading->count->chain_certificates > CHAIN_MAX_CERTIFICATES)
        return th_fault_set(fault, TH_E_FILE,
                            "certificate: %s, line %u: more than 9 certificates; keep the leaf "
                            "and its issuers", place->name, place->line);
    return TH_PEM_KEEP;
}

static int hand_over_chain(struct loading *loading, const struct th_source *source,
                           const struct th_der *der, struct th_fault *fault)
{
    if (loading->count->chain_certificates == 0)
        return th_fault_set(fault, TH_E_FILE,
                            "certificate: %s holds no certificate; name the file with the "
                            "client's certificate, its issuers behind it", name_of(source));
    return loading->sink->chain(loading->sink->arg, th_slice_of(der->data, der->used_bytes),
                                &loading->first, fault);
}

static int load_chain(struct loading *loading, const struct th_source *source,
                      struct th_fault *fault)
{
    struct th_der der = {0};
    int result = read_with(loading, source, "certificate", take_certificate, &der, fault);
    if (result >= 0)
        result = hand_over_chain(loading, source, &der, fault);
    th_der_close(&der);
    return result;
}

/* ---- our key --------------------------------------------------------------------------------- */

static bool is_key(enum th_pem_kind kind)
{
    return kind == TH_PEM_PKCS8_KEY || kind == TH_PEM_SEC1_KEY || kind == TH_PEM_PKCS1_KEY ||
           kind == TH_PEM_SEALED_KEY || kind == TH_PEM_ENCRYPTED_KEY || kind == TH_PEM_DER;
}

static int take_key(void *arg, enum th_pem_kind kind, struct th_slice der,
                    const struct th_pem_place *place, struct th_fault *fault)
{
    struct loading *loading = arg;
    int result = is_key(kind) ? th_encrypted_open(kind, &der, loading->passphrase, place, fault)
                              : TH_PEM_DROP;
    if (result < 0 || !is_key(kind))
        return result;
    if (++loading->keys > 1)
        return th_fault_set(fault, TH_E_FILE,
                            "private key: %s, line %u: a second private key; keep the one that "
                            "belongs to the certificate", place->name, place->line);
    result = loading->sink->key(loading->sink->arg, der, place, fault);
    return result < 0 ? result : TH_PEM_DROP;
}

static int load_key(struct loading *loading, const struct th_source *source,
                    struct th_fault *fault)
{
    struct th_der der = {0};
    int result = read_with(loading, source, "private key", take_key, &der, fault);
    th_der_close(&der);
    if (result < 0)
        return result;
    if (loading->keys == 0)
        return th_fault_set(fault, TH_E_FILE,
                            "private key: %s holds no private key; name the file with the key of "
                            "the client's certificate", name_of(source));
    return 0;
}

/* ---------------------------------------------------------------------------------------------- */

static int check_pair(const struct th_context_config *config, struct th_fault *fault)
{
    bool certificate = th_source_given(&config->certificate);
    bool key = th_source_given(&config->key);
    if (certificate == key)
        return 0;
    return th_fault_set(fault, TH_E_ARGUMENT,
                        "%s without %s: a client certificate needs both, its file and its key's",
                        certificate ? "a certificate" : "a private key",
                        certificate ? "a private key" : "a certificate");
}

int th_identity_load(const struct th_context_config *config, const struct th_identity_sink *sink,
                     struct th_identity_count *count, struct th_fault *fault)
{
    *count = (struct th_identity_count){0};
    struct loading loading = {
        .sink = sink, .count = count, .passphrase = &config->passphrase,
    };
    int result = check_pair(config, fault);
    if (result == 0 && th_source_given(&config->roots))
        result = th_identity_read_roots(&config->roots, sink, count, fault);
    if (result < 0 || !th_source_given(&config->certificate))
        return result;
    result = load_chain(&loading, &config->certificate, fault);
    return result < 0 ? result : load_key(&loading, &config->key, fault);
}

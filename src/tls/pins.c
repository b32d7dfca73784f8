#include "tls/pins.h"

#include "base/err.h"
#include "base/slice.h"
#include "base/text.h"
#include "crypt/base64.h"
#include "crypt/hash.h"
#include "tls/errors.h"
#include "tls/policy.h"
#include "tls/stream.h"

#include <thimble/identity.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

#define SCHEME "sha256//"
#define SCHEME_BYTES 8
#define DIGEST_TEXT_BYTES TH_CRYPT_BASE64_TEXT_BYTES(TH_CRYPT_HASH_BYTES)
#define PIN_BYTES (SCHEME_BYTES + DIGEST_TEXT_BYTES)

/* ---- lists, "sha256//...;sha256//..." -------------------------------------------------------- */

static bool begins_with_pin(const char *list)
{
    uint8_t digest[TH_CRYPT_HASH_BYTES + 1];
    size_t bytes = sizeof digest;
    return strncmp(list, SCHEME, SCHEME_BYTES) == 0 && strlen(list) >= PIN_BYTES &&
           th_crypt_base64_decode((const uint8_t *)list + SCHEME_BYTES, DIGEST_TEXT_BYTES, digest,
                                  &bytes) == 0 && bytes == TH_CRYPT_HASH_BYTES;
}

static int check_list(const char *list, struct th_fault *fault)
{
    const char *at = list;
    while (at && begins_with_pin(at)) {
        at += PIN_BYTES;
        if (*at == '\0')
            return 0;
        if (*at++ != ';')
            break;
    }
    return !list ? 0 : th_fault_set(fault, TH_E_ARGUMENT,
                                    "\"%.60s\" is no pin: give sha256// and 44 characters of "
                                    "base64, several with ; between", at);
}

int th_tls_pins_take(struct th_tls_context *context, const struct th_context_config *config,
                     struct th_fault *fault)
{
    bool given = config->pins || config->ca_pins;
    context->pins.own = config->pins;
    context->pins.above = config->ca_pins;
    if (given && config->psk_identity)
        return th_fault_set(fault, TH_E_ARGUMENT, "with a pre-shared key there is no certificate "
                            "that a pin could be held against; leave one out");
    if (config->ca_pins && config->insecure_no_verify)
        return th_fault_set(fault, TH_E_ARGUMENT, "where nothing is verified there is no path that "
                            "a CA's pin could be in; pin the server's own key");
    int result = check_list(config->pins, fault);
    return result < 0 ? result : check_list(config->ca_pins, fault);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static bool digest_of(struct th_slice bytes, uint8_t digest[TH_CRYPT_HASH_BYTES])
{
    struct th_crypt_hash hash;
    th_crypt_hash_begin(&hash);
    th_crypt_hash_add(&hash, bytes.data, bytes.len_bytes);
    return th_crypt_hash_value(&hash, digest);
}

/* Writes the key's pin, and says whether it is in the list. What is checked as check_list() does
 * holds a whole pin nowhere but at the beginning of one. */
static bool is_listed(const char *list, struct th_slice key_info, char pin[PIN_BYTES + 1])
{
    uint8_t digest[TH_CRYPT_HASH_BYTES];
    if (!digest_of(key_info, digest))
        return false;
    memcpy(pin, SCHEME, SCHEME_BYTES);
    th_crypt_base64_encode(digest, sizeof digest, pin + SCHEME_BYTES);
    return th_text_find(list, pin) != NULL;
}

static uint64_t hash_of_name(struct th_slice name)
{
    uint8_t digest[TH_CRYPT_HASH_BYTES] = {0};
    uint64_t hash;
    digest_of(name, digest);
    memcpy(&hash, digest, sizeof hash);
    return hash;
}

void th_tls_pins_note_root(struct th_tls_context *context, struct th_slice root)
{
    struct th_tls_pins *pins = &context->pins;
    struct th_policy_facts facts;
    char pin[PIN_BYTES + 1];
    if (pins->above && pins->roots_count < TH_TLS_PINNED_ROOTS && th_policy_facts(root, &facts) &&
        is_listed(pins->above, facts.key_info, pin))
        pins->roots[pins->roots_count++] = hash_of_name(facts.subject);
}

static bool is_pinned_root(const struct th_tls_pins *pins, struct th_slice name)
{
    uint64_t hash = hash_of_name(name);
    for (uint32_t i = 0; i < pins->roots_count; i++)
        if (pins->roots[i] == hash)
            return true;
    return false;
}

/* ---- the path -------------------------------------------------------------------------------- */

static bool read_sent(const WOLFSSL_X509_STORE_CTX *store, int index, struct th_policy_facts *facts)
{
    return th_policy_facts(th_slice_of(store->certs[index].buffer, store->certs[index].length),
                           facts);
}

/* Whoever knows a certificate can send another one of that name and key, with an issuer of his own
 * liking: only what an authority we trust has signed is a step. Costs a verification for each. */
static bool is_genuine(const struct th_tls_stream *stream, const WOLFSSL_X509_STORE_CTX *store,
                       int index)
{
    WOLFSSL_CERT_MANAGER *manager = wolfSSL_CTX_GetCertManager(stream->context->ctx);
    return wolfSSL_CertManagerVerifyBuffer(manager, store->certs[index].buffer,
                                           (long)store->certs[index].length,
                                           WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS;
}

enum step { AT_A_ROOT, ONE_UP, UNCLEAR };

/* Steps from certificate `*at` to the one that issued it. AT_A_ROOT: that is not there. UNCLEAR:
 * two of that name have different keys, of which only one has signed. */
static enum step step_up(const struct th_tls_stream *stream, const WOLFSSL_X509_STORE_CTX *store,
                         int *at, struct th_policy_facts *facts)
{
    struct th_policy_facts other, found;
    int from = *at;
    for (int i = from + 1; i < store->totalCerts; i++) {
        if (!read_sent(store, i, &other) || !th_slice_equal(other.subject, facts->issuer) ||
            !is_genuine(stream, store, i))
            continue;
        if (*at != from && !th_slice_equal(other.key_info, found.key_info))
            return UNCLEAR;
        if (*at == from)
            found = other, *at = i;
    }
    if (*at == from)
        return AT_A_ROOT;
    *facts = found;
    return ONE_UP;
}

static bool is_above(const struct th_tls_stream *stream, const WOLFSSL_X509_STORE_CTX *store,
                     char pin[PIN_BYTES + 1])
{
    const struct th_tls_pins *pins = &stream->context->pins;
    struct th_policy_facts facts;
    enum step step;
    int at = 0;
    if (!read_sent(store, 0, &facts))
        return false;
    while ((step = step_up(stream, store, &at, &facts)) == ONE_UP)
        if (is_listed(pins->above, facts.key_info, pin))
            return true;
    return step == AT_A_ROOT && is_pinned_root(pins, facts.issuer);
}

static bool is_own(const struct th_tls_pins *pins, const WOLFSSL_X509_STORE_CTX *store,
                   char pin[PIN_BYTES + 1])
{
    struct th_policy_facts facts;
    return read_sent(store, 0, &facts) && is_listed(pins->own, facts.key_info, pin);
}

static bool refuse(struct th_tls_stream *stream, const char *what, const char *pin)
{
    stream->refusal = th_fault_set(stream->fault, TH_E_CERTIFICATE,
                                   "no pin that was given is that of %s %s (seen: %s); if its key "
                                   "was changed on purpose, give its pin too",
                                   what, stream->host.name, *pin ? pin : "none");
    th_fault_because(stream->fault, TH_PIN_MISMATCH, stream->refusal);
    return false;
}

bool th_tls_pins_hold(struct th_tls_stream *stream, const WOLFSSL_X509_STORE_CTX *store)
{
    const struct th_tls_pins *pins = &stream->context->pins;
    struct th_tls_mark mark = th_tls_mark();
    char pin[PIN_BYTES + 1] = "";
    if (pins->own && !is_own(pins, store, pin))
        return refuse(stream, "the certificate of", pin);
    bool holds = !pins->above || is_above(stream, store, pin);
    if (th_tls_refused_since(mark))
        return th_tls_refuse_for_memory(stream, mark);
    return holds || refuse(stream, "an authority above", pin);
}

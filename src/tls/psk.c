#include "tls/psk.h"

#include "base/err.h"
#include "base/log.h"

#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/internal.h> /* nothing public tells whether a TLS 1.3 server took the key */
#include <wolfssl/ssl.h>

#define WEAK_BYTES 16
#define ECDHE_PSK_CHACHA20_POLY1305 0xCCAC

static bool names_certificates(const struct th_context_config *config)
{
    return th_source_given(&config->roots) || th_source_given(&config->certificate) ||
           th_source_given(&config->key);
}

static bool has_length(size_t bytes, size_t most)
{
    return bytes > 0 && bytes <= most;
}

static const char *problem_of(const struct th_context_config *config)
{
    if (!config->psk_identity || !config->psk.data)
        return "a pre-shared key and its identity belong together: give both";
    if (!has_length(config->psk.len_bytes, TH_TLS_PSK_MAX_BYTES))
        return "a pre-shared key has 1 to 64 bytes";
    if (!has_length(strlen(config->psk_identity), TH_TLS_PSK_IDENTITY_MAX_BYTES))
        return "the identity of a pre-shared key has 1 to 128 bytes";
    if (names_certificates(config))
        return "a pre-shared key takes the place of certificates: give one or the other";
    return NULL;
}

static void warn_if_weak(const struct th_context_config *config)
{
    if (config->psk.len_bytes < WEAK_BYTES)
        th_log(&config->log, TH_LOG_WARNING,
               "the pre-shared key has %zu bytes; fewer than %d can be guessed",
               config->psk.len_bytes, WEAK_BYTES);
}

int th_tls_psk_check(const struct th_context_config *config, struct th_fault *fault)
{
    if (!config->psk_identity && !config->psk.data)
        return 0;
    const char *problem = problem_of(config);
    if (problem)
        return th_fault_set(fault, TH_E_ARGUMENT, "%s", problem);
    warn_if_weak(config);
    return 0;
}

/* wolfSSL wipes its copy when the handshake is over. */
static unsigned give(WOLFSSL *ssl, const char *hint, char *identity, unsigned identity_max_bytes,
                     unsigned char *key, unsigned key_max_bytes)
{
    const struct th_tls_stream *stream = wolfSSL_GetIOReadCtx(ssl);
    const struct th_tls_context *context = stream->context;
    size_t bytes = strlen(context->psk_identity);
    (void)hint;
    if (bytes > identity_max_bytes || context->psk.len_bytes > key_max_bytes)
        return 0;
    memcpy(identity, context->psk_identity, bytes + 1);
    memcpy(key, context->psk.data, context->psk.len_bytes);
    return (unsigned)context->psk.len_bytes;
}

/* TLS 1.3: wolfSSL asks for each suite; one offer stands for all with the same hash. */
static unsigned give_once(WOLFSSL *ssl, const char *hint, char *identity,
                          unsigned identity_max_bytes, unsigned char *key, unsigned key_max_bytes,
                          const char *suite)
{
    const struct th_tls_stream *stream = wolfSSL_GetIOReadCtx(ssl);
    const uint8_t *first = stream->context->suites.bytes;
    if (strcmp(suite, wolfSSL_get_cipher_name_from_suite(first[0], first[1])) != 0)
        return 0;
    return give(ssl, hint, identity, identity_max_bytes, key, key_max_bytes);
}

void th_tls_psk_offer(struct th_tls_context *context)
{
    wolfSSL_CTX_set_psk_client_callback(context->ctx, give);
    wolfSSL_CTX_set_psk_client_cs_callback(context->ctx, give_once);
}

bool th_tls_psk_was_used(const struct th_tls_stream *stream)
{
    int suite = wolfSSL_get_current_cipher_suite(stream->ssl);
    return suite == ECDHE_PSK_CHACHA20_POLY1305 || stream->ssl->options.pskNegotiated;
}

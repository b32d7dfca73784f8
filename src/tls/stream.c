#include "tls/stream.h"

#include "base/calendar.h"
#include "base/err.h"
#include "base/log.h"
#include "crypt/random.h"
#include "tls/alpn.h"
#include "tls/errors.h"
#include "tls/keylog.h"
#include "tls/psk.h"
#include "tls/session.h"
#include "tls/staple.h"

#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

static void take_turn(struct th_tls_stream *stream)
{
    pthread_mutex_lock(&stream->context->turn);
}

static void end_turn(struct th_tls_stream *stream)
{
    pthread_mutex_unlock(&stream->context->turn);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int create(struct th_tls_stream *stream)
{
    stream->ssl = wolfSSL_new(stream->context->ctx);
    if (!stream->ssl)
        return RNG_FAILURE_E;
    wolfSSL_SetIOReadCtx(stream->ssl, stream);
    wolfSSL_SetIOWriteCtx(stream->ssl, stream);
    wolfSSL_SetCertCbCtx(stream->ssl, stream);
    return WOLFSSL_SUCCESS;
}

/* RFC 6066 section 3: never an address. */
static int announce_name(struct th_tls_stream *stream)
{
    const struct th_host *host = &stream->host;
    if (host->kind != TH_HOST_NAME)
        return WOLFSSL_SUCCESS;
    return wolfSSL_UseSNI(stream->ssl, WOLFSSL_SNI_HOST_NAME, host->name,
                          (unsigned short)strlen(host->name));
}

static int (*const steps[])(struct th_tls_stream *) = {
    create, announce_name, th_tls_alpn_announce, th_tls_session_watch, th_tls_keylog_begin,
    th_tls_staple_ask,
};

static int set_up(struct th_tls_stream *stream)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct th_tls_mark mark = th_tls_mark();
        int code = steps[i](stream);
        if (code != WOLFSSL_SUCCESS)
            return th_tls_setup_error(code, mark, "begin a TLS connection", stream->fault);
    }
    return 0;
}

static void warn_if_insecure(const struct th_tls_stream *stream)
{
    const struct th_tls_context *context = stream->context;
    if (context->insecure_no_verify)
        th_log(&context->log, TH_LOG_WARNING,
               "nothing%s about %s is verified", context->pins.own ? " but the pin" : "",
               stream->host.name);
    else if (context->insecure_no_name_check)
        th_log(&context->log, TH_LOG_WARNING,
               "the name %s is not verified", stream->host.name);
}

static bool judges_dates(const struct th_tls_context *context)
{
    return !context->psk_identity && !context->insecure_no_verify;
}

static int check_surroundings(const struct th_tls_stream *stream)
{
    int result = th_crypt_random_check(stream->fault);
    if (result < 0 || !judges_dates(stream->context) || th_calendar_is_believable())
        return result;
    return th_calendar_fault(stream->fault);
}

int th_tls_stream_open(struct th_tls_stream *stream, struct th_tls_context *context,
                       const char *host, const struct th_tls_io *io, struct th_fault *fault)
{
    memset(stream, 0, sizeof *stream);
    stream->context = context;
    stream->io = *io;
    stream->fault = fault;
    int result = th_host_parse(&stream->host, host, fault);
    if (result == 0)
        result = check_surroundings(stream);
    if (result < 0)
        return result;
    warn_if_insecure(stream);
    take_turn(stream);
    stream->roots_turn = context->bundle.turn;
    result = set_up(stream);
    end_turn(stream);
    if (result < 0)
        th_tls_stream_close(stream);
    return result;
}

/* ---- handshake ------------------------------------------------------------------------------- */

/* wolfSSL puts the intermediates a server sends into the context's certificate manager. This
 * connection paid for them: they must not stay there after its step, nor vouch for others. */
static void forget_intermediates(struct th_tls_stream *stream)
{
    WOLFSSL_CERT_MANAGER *manager = wolfSSL_CTX_GetCertManager(stream->context->ctx);
    wolfSSL_CertManagerUnloadIntermediateCerts(manager);
}

/* Then the server has proved to know a secret that only the one we verified back then can know. */
static bool was_resumed(const struct th_tls_stream *stream)
{
    return stream->offered && wolfSSL_session_reused(stream->ssl) == 1;
}

static bool may_speak(struct th_tls_stream *stream)
{
    if (stream->context->psk_identity)
        return th_tls_psk_was_used(stream);
    return stream->verified && th_tls_staple_came(stream);
}

/* Cannot happen: wolfSSL calls the verify callback, or uses the pre-shared key, before it completes
 * a handshake. */
static int refuse_unverified(struct th_tls_stream *stream)
{
    return th_fault_set(stream->fault, TH_E_CERTIFICATE, "%s was not verified", stream->host.name);
}

static int shake(struct th_tls_stream *stream)
{
    struct th_tls_mark mark = th_tls_mark();
    stream->refused = mark.refused;
    int result = wolfSSL_connect(stream->ssl);
    forget_intermediates(stream);
    if (result != WOLFSSL_SUCCESS)
        return th_tls_error(stream, result, mark);
    stream->verified |= was_resumed(stream);
    if (!may_speak(stream))
        return refuse_unverified(stream);
    stream->shaken = true;
    return 0;
}

/* An old session also fixes the version and the suite: the server may have others now. And its
 * ticket, which is as long as the server likes, stands in our hello. */
static bool may_be_of_session(int error)
{
    return error == TH_E_HANDSHAKE || error == TH_E_TLS || error == TH_E_CIPHER_SUITE ||
           error == TH_E_MEMORY;
}

/* NULL: another handshake at once would end the same way. */
static const char *reason_for_another(struct th_tls_stream *stream, int error)
{
    if (error == TH_E_CIPHER_SUITE && th_tls_shares_nothing(stream) &&
        th_tls_context_offer_all(stream->context))
        return "offering AES-256 as well";
    if (stream->offered && may_be_of_session(error))
        return "beginning anew, with nothing resumed";
    return NULL;
}

/* With the root it names, if that is among those that were not loaded. */
static int look_for_root(struct th_tls_stream *stream, int error)
{
    struct th_fault fault = {0};
    int result = th_tls_bundle_choose(stream, &fault);
    if (result > 0)
        stream->again = "shaking hands again with the root it names";
    if (result < 0 && stream->fault)
        *stream->fault = fault;
    return result < 0 ? result : error;
}

int th_tls_stream_shake(struct th_tls_stream *stream)
{
    take_turn(stream);
    int result = shake(stream);
    if (result < 0)
        stream->again = reason_for_another(stream, result);
    if (result < 0 && stream->lacks_root)
        result = look_for_root(stream, result);
    end_turn(stream);
    return result;
}

/* ---- data ------------------------------------------------------------------------------------ */

int th_tls_stream_read(struct th_tls_stream *stream, uint8_t *buffer, size_t bytes)
{
    struct th_tls_mark mark = th_tls_mark();
    int got = wolfSSL_read(stream->ssl, buffer, bytes < INT32_MAX ? (int)bytes : INT32_MAX);
    if (got <= 0)
        return th_tls_error(stream, got, mark);
    stream->heard = true;
    return got;
}

int th_tls_stream_ask_why(struct th_tls_stream *stream)
{
    uint8_t probe;
    wolfSSL_read(stream->ssl, &probe, sizeof probe);
    int error = th_tls_alert_error(stream);
    return error < 0 ? error : th_tls_transport_error(stream);
}

static int write_piece(struct th_tls_stream *stream, const uint8_t *data, size_t bytes)
{
    struct th_tls_mark mark = th_tls_mark();
    size_t piece = bytes < TH_TLS_PIECE_BYTES ? bytes : TH_TLS_PIECE_BYTES;
    int result = wolfSSL_write(stream->ssl, data, (int)piece);
    if (result <= 0 && stream->io_error)
        return th_tls_stream_ask_why(stream);
    return result > 0 ? result : th_tls_error(stream, result, mark);
}

int th_tls_stream_write(struct th_tls_stream *stream, const uint8_t *data, size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        int result = write_piece(stream, data + done, bytes - done);
        if (result < 0)
            return done > 0 && result >= TH_WANT_WRITE ? (int)done : result;
        done += (size_t)result;
    }
    return (int)done;
}

/* ---- the end --------------------------------------------------------------------------------- */

int th_tls_stream_finish(struct th_tls_stream *stream)
{
    if (stream->finished || !stream->shaken)
        return 0;
    struct th_tls_mark mark = th_tls_mark();
    int result = wolfSSL_shutdown(stream->ssl);
    if (result < 0)
        return th_tls_error(stream, result, mark);
    stream->finished = true;
    return 0;
}

void th_tls_stream_close(struct th_tls_stream *stream)
{
    if (stream->ssl) {
        take_turn(stream);
        wolfSSL_free(stream->ssl);
        th_tls_staple_forget(stream);
        end_turn(stream);
    }
    memset(stream, 0, sizeof *stream);
}

/* ---- facts ----------------------------------------------------------------------------------- */

static const char *group_name(const char *curve)
{
    if (!curve)
        return "unknown";
    if (strcmp(curve, "SECP256R1") == 0)
        return "P-256";
    if (strcmp(curve, "SECP384R1") == 0)
        return "P-384";
    return curve;
}

void th_tls_stream_facts(const struct th_tls_stream *stream, struct th_tls_facts *facts)
{
    *facts = (struct th_tls_facts){.version = "", .suite = "", .group = ""};
    if (!stream->shaken)
        return;
    facts->version = wolfSSL_get_version(stream->ssl);
    facts->suite = th_tls_suite_name(wolfSSL_get_current_cipher_suite(stream->ssl));
    facts->group = group_name(wolfSSL_get_curve_name(stream->ssl));
    facts->resumed = was_resumed(stream);
    th_tls_alpn_chosen(stream, facts);
}

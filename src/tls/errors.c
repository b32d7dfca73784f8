#include "tls/errors.h"

#include "base/calendar.h"
#include "base/date.h"
#include "base/err.h"
#include "base/format.h"
#include "base/words.h"
#include "mem/payer.h"
#include "tls/policy.h"

#include <thimble/identity.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#define RECORD_MAX_BYTES (16384 + 256) /* RFC 8446 section 5.2, without the header */
#define RECORD_TYPE_LEAST 20           /* change_cipher_spec */
#define RECORD_TYPE_MOST 23            /* application_data */

/* ---- memory ---------------------------------------------------------------------------------- */

struct th_tls_mark th_tls_mark(void)
{
    const struct th_payer *payer = th_payer_current();
    return (struct th_tls_mark){payer ? payer->ledger.refused : 0};
}

bool th_tls_refused_since(struct th_tls_mark mark)
{
    const struct th_payer *payer = th_payer_current();
    return !payer || payer->ledger.refused != mark.refused;
}

static int refused_memory(struct th_fault *fault)
{
    const struct th_payer *payer = th_payer_current();
    if (!payer)
        return th_fault_set(fault, TH_E_MEMORY, "nobody pays for the memory of this call");
    const struct th_refusal *refusal = &payer->ledger.refusal;
    return th_fault_set(fault, TH_E_MEMORY,
                        "the %s pool is too small while %s: %u bytes for %s were refused with %u "
                        "of %u in use; enlarge it (profile or budget)", refusal->pool,
                        th_phase_name(refusal->phase), (unsigned)refusal->needed_bytes,
                        th_purpose_name(refusal->purpose), (unsigned)refusal->live_bytes,
                        (unsigned)refusal->budget_bytes);
}

/* ---- certificates ---------------------------------------------------------------------------- */

#define CERTIFICATE_PROBLEMS(WORD) \
    WORD(ASN_BEFORE_DATE_E, "is not yet valid") \
    WORD(ASN_AFTER_DATE_E, "has expired") \
    WORD(ASN_NO_SIGNER_E, "was not issued by any of the CA certificates given" \
         TH_EXPLAINED("; give its root, and let the server send all below it")) \
    WORD(ASN_SELF_SIGNED_E, "is self-signed and not one of the CA certificates given") \
    WORD(ASN_SIG_CONFIRM_E, "bears a signature that is not its issuer's") \
    WORD(ASN_SIG_OID_E, "names two different signature algorithms") \
    WORD(ASN_SIG_HASH_E, "is signed with a hash that is not accepted" \
         TH_EXPLAINED(" (SHA-1 or older)")) \
    WORD(ASN_SIG_KEY_E, "is signed with a key type that is not supported") \
    WORD(HASH_TYPE_E, "is signed with a hash that is not accepted" \
         TH_EXPLAINED(" (SHA-1 or older)")) \
    WORD(SIG_TYPE_E, "is signed with an algorithm that is not supported") \
    WORD(ASN_UNKNOWN_OID_E, "uses an algorithm that is not supported") \
    WORD(ECC_CURVE_OID_E, "has a key on a curve other than P-256 and P-384") \
    WORD(RSA_KEY_SIZE_E, "has a weak key: RSA needs 2,048 to 4,096 bits, e > 1, EC P-256 or " \
         "P-384") \
    WORD(ECC_KEY_SIZE_E, "has a key on a curve other than P-256 and P-384") \
    WORD(WC_KEY_SIZE_E, "has a key of a size that is not supported") \
    WORD(ASN_CRIT_EXT_E, "has a critical extension nobody here understands") \
    WORD(ASN_NAME_INVALID_E, "may not certify a name that stands in the chain below it (name " \
         "constraints)") \
    WORD(ASN_PATHLEN_SIZE_E, "has an invalid path length") \
    WORD(ASN_PATHLEN_INV_E, "belongs to a chain longer than its issuer allows") \
    WORD(MAX_CHAIN_ERROR, "comes with a chain of more than 9 certificates") \
    WORD(NOT_CA_ERROR, "is no CA certificate") \
    WORD(KEYUSAGE_E, "lacks the key usage for signing certificates") \
    WORD(KEYUSE_SIGNATURE_E, "is not allowed to sign (key usage)") \
    WORD(KEYUSE_ENCIPHER_E, "is not allowed to encipher keys (key usage)") \
    WORD(EXTKEYUSE_AUTH_E, "is not made for servers (extended key usage)") \
    WORD(DOMAIN_NAME_MISMATCH, "is not for this name: none of its alternative names matches; " \
         "connect by a name it carries") \
    WORD(ALT_NAME_E, "has no subject alternative name; the common name does not count: issue one " \
         "with it") \
    WORD(NO_PEER_CERT, "is missing") \
    WORD(PEER_KEY_ERROR, "has a public key that cannot be read") \
    WORD(ASN_PARSE_E, "is damaged" TH_EXPLAINED(": it is no X.509")) \
    WORD(ASN_VERSION_E, "has an unknown version") \
    WORD(ASN_GETINT_E, "is damaged" TH_EXPLAINED(": a number cannot be read")) \
    WORD(ASN_RSA_KEY_E, "has a damaged RSA key") \
    WORD(ASN_ECC_KEY_E, "has a damaged EC key") \
    WORD(ASN_OBJECT_ID_E, "is damaged" TH_EXPLAINED(": an identifier cannot be read")) \
    WORD(ASN_BITSTR_E, "is damaged" TH_EXPLAINED(": a bit string cannot be read")) \
    WORD(ASN_DATE_SZ_E, "has a damaged date") \
    WORD(ASN_TIME_E, "has a date of unknown form") \
    WORD(ASN_INPUT_E, "is cut off") \
    WORD(ASN_ALT_NAME_E, "has a damaged name" TH_EXPLAINED(", perhaps with a NUL in it")) \
    WORD(DATE_E, "has a damaged date") \
    WORD(BUFFER_E, "is cut off") \
    WORD(CERTPOLICIES_E, "has damaged policies") \
    WORD(UNSUPPORTED_CERTIFICATE, "is of a type that is not supported")

TH_WORDS(certificate_problems, CERTIFICATE_PROBLEMS);

static const char *certificate_problem(int code)
{
    return th_words_find(&certificate_problems, code);
}

static bool is_date(int code)
{
    return code == ASN_BEFORE_DATE_E || code == ASN_AFTER_DATE_E;
}

/* " (this clock says 1970-01-01: set it)" when the code is about dates, else "". */
static const char *clock_hint(int code, char *text, size_t bytes)
{
    char today[TH_DATE_DAY_BYTES];
    text[0] = '\0';
    if (!is_date(code))
        return text;
    th_date_day(th_calendar_s(), today);
    th_format(text, bytes, " (the clock here says %s: if that is wrong, set it)", today);
    return text;
}

/* What the program exits with, where it is not TH_WEAK. */
static const struct {
    int16_t code;
    uint8_t reason; /* enum th_validity */
} reasons[] = {
    {ASN_BEFORE_DATE_E, TH_NOT_YET_VALID}, {ASN_AFTER_DATE_E, TH_EXPIRED},
    {ASN_NO_SIGNER_E, TH_UNKNOWN_CA},      {ASN_SELF_SIGNED_E, TH_UNKNOWN_CA},
    {EXTKEYUSE_AUTH_E, TH_WRONG_USAGE},    {KEYUSE_SIGNATURE_E, TH_WRONG_USAGE},
    {KEYUSE_ENCIPHER_E, TH_WRONG_USAGE},   {NOT_CA_ERROR, TH_WRONG_USAGE},
    {KEYUSAGE_E, TH_WRONG_USAGE},          {ASN_PATHLEN_INV_E, TH_WRONG_USAGE},
    {ASN_NAME_INVALID_E, TH_WRONG_USAGE},
};

static int reason_for(int code)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].code == code)
            return reasons[i].reason;
    return TH_WEAK;
}

static int note_code(struct th_fault *fault, int code, int result)
{
    if (fault && fault->code == result && fault->tls_code == 0) {
        fault->tls_code = code;
        if (result == TH_E_CERTIFICATE)
            th_fault_because(fault, reason_for(code), result);
    }
    return result;
}

int th_tls_chain_error(int error, int code, const char *what, const struct th_pem_place *place,
                       struct th_fault *fault)
{
    char hint[80];
    const char *problem = certificate_problem(code);
    th_fault_set(fault, error, "%s: %s, line %u: %s%s", what, place->name, place->line,
                 problem ? problem : "cannot be used: damaged, or of a kind that is not supported",
                 clock_hint(code, hint, sizeof hint));
    return note_code(fault, code, error);
}

int th_tls_file_error(int code, const char *what, const struct th_pem_place *place,
                      struct th_fault *fault)
{
    return th_tls_chain_error(is_date(code) ? TH_E_CERTIFICATE : TH_E_FILE, code, what, place,
                              fault);
}

int th_tls_policy_code(int policy)
{
    static const int16_t codes[] = {
        [TH_POLICY_MALFORMED] = ASN_PARSE_E,        [TH_POLICY_ALGORITHMS] = ASN_SIG_OID_E,
        [TH_POLICY_SIGNATURE] = ASN_SIG_HASH_E,     [TH_POLICY_KEY] = RSA_KEY_SIZE_E,
        [TH_POLICY_CRITICAL] = ASN_CRIT_EXT_E,      [TH_POLICY_NUL] = ASN_ALT_NAME_E,
        [TH_POLICY_USAGE] = EXTKEYUSE_AUTH_E,       [TH_POLICY_NO_SIGNING] = KEYUSE_SIGNATURE_E,
        [TH_POLICY_NOT_CA] = NOT_CA_ERROR,          [TH_POLICY_NO_ISSUING] = KEYUSAGE_E,
        [TH_POLICY_NO_NAME] = ALT_NAME_E,           [TH_POLICY_WRONG_NAME] = DOMAIN_NAME_MISMATCH,
        [TH_POLICY_CONSTRAINED] = ASN_NAME_INVALID_E,
    };
    return codes[policy];
}

static void copy_printable(struct th_slice from, char *to, size_t room)
{
    size_t at = 0;
    for (; at < from.len_bytes && at + 1 < room; at++)
        to[at] = from.data[at] > ' ' && from.data[at] < 0x7F ? (char)from.data[at] : ' ';
    to[at] = '\0';
}

/* "the certificate", "intermediate 2 (Example Issuing CA)" */
static const char *which(int at, struct th_slice certificate, char *text, size_t bytes)
{
    char name[48];
    if (at <= 0)
        return at == TH_TLS_ROOT ? "the CA certificate above that" : "the certificate";
    copy_printable(th_policy_common_name(certificate), name, sizeof name);
    th_format(text, bytes, *name ? "intermediate %d (%s)" : "intermediate %d", at, name);
    return text;
}

static const char *remedy(int code, char *text, size_t bytes)
{
    int reason = reason_for(code);
    bool is_final = reason == TH_WEAK || reason == TH_WRONG_USAGE;
    return is_final ? TH_EXPLAINED("; have it issued anew") "" : clock_hint(code, text, bytes);
}

static int complain(struct th_tls_stream *stream, const char *what, int code, const char *problem)
{
    char hint[80];
    bool is_name = code == DOMAIN_NAME_MISMATCH || code == ALT_NAME_E;
    int error = is_name ? TH_E_SERVER_NAME : TH_E_CERTIFICATE;
    th_fault_set(stream->fault, error, "%s of %s %s%s", what, stream->host.name, problem,
                 is_name ? "" : remedy(code, hint, sizeof hint));
    return note_code(stream->fault, code, error);
}

void th_tls_refuse_certificate(struct th_tls_stream *stream, int code, int at,
                               struct th_slice certificate)
{
    char text[80];
    const char *problem = certificate_problem(code);
    const char *what = which(at, certificate, text, sizeof text);
    if (problem && !th_tls_refused_since((struct th_tls_mark){stream->refused}))
        stream->refusal = complain(stream, what, code, problem);
}

/* ---- pre-shared keys ------------------------------------------------------------------------- */

/* One sentence for all: a server does not say whether it was the identity or the key. */
static int refused_key(struct th_tls_stream *stream)
{
    return th_fault_set(stream->fault, TH_E_AUTHENTICATION,
                        "%s did not use the pre-shared key of \"%s\": identity and key must be its "
                        "own, in TLS 1.3 or with ECDHE-PSK-CHACHA20-POLY1305", stream->host.name,
                        stream->context->psk_identity);
}

static bool awaits_key(const struct th_tls_stream *stream)
{
    return stream->context->psk_identity && !stream->shaken;
}

/* ---- alerts (RFC 8446 section 6, RFC 5246 section 7.2) --------------------------------------- */

#define ALERT_NAMES(WORD) \
    WORD(10, "unexpected_message") \
    WORD(20, "bad_record_mac") \
    WORD(22, "record_overflow") \
    WORD(40, "handshake_failure") \
    WORD(42, "bad_certificate") \
    WORD(43, "unsupported_certificate") \
    WORD(44, "certificate_revoked") \
    WORD(45, "certificate_expired") \
    WORD(46, "certificate_unknown") \
    WORD(47, "illegal_parameter") \
    WORD(48, "unknown_ca") \
    WORD(49, "access_denied") \
    WORD(50, "decode_error") \
    WORD(51, "decrypt_error") \
    WORD(70, "protocol_version") \
    WORD(71, "insufficient_security") \
    WORD(80, "internal_error") \
    WORD(86, "inappropriate_fallback") \
    WORD(90, "user_canceled") \
    WORD(109, "missing_extension") \
    WORD(110, "unsupported_extension") \
    WORD(112, "unrecognized_name") \
    WORD(113, "bad_certificate_status_response") \
    WORD(115, "unknown_psk_identity") \
    WORD(116, "certificate_required") \
    WORD(120, "no_application_protocol")

#define ALERT_ADVICE(WORD) \
    WORD(10, "is it a TLS server of today?") \
    WORD(20, "the bytes were changed on the way") \
    WORD(22, "the bytes were changed on the way") \
    WORD(40, "no cipher suite, group or signature in common") \
    WORD(42, "check the client certificate") \
    WORD(43, "the server does not take this kind") \
    WORD(44, "have a new one issued") \
    WORD(45, "renew it, or set the server's clock") \
    WORD(48, "the server does not trust its issuer; send the whole chain, or have it issued by " \
             "its CA") \
    WORD(51, "does the key belong to the certificate?") \
    WORD(70, "it speaks none of the TLS versions allowed here") \
    WORD(71, "it wants stronger suites or keys") \
    WORD(86, "allow a newer TLS version") \
    WORD(109, "no group in common") \
    WORD(112, "the server does not serve this name") \
    WORD(116, "give a certificate and its key") \
    WORD(120, "no ALPN protocol in common")

TH_WORDS(alert_names, ALERT_NAMES);
TH_WORDS(alert_advice, ALERT_ADVICE);

/* "handshake_failure" for 40 (RFC 8446 section 6.2); "unknown" for what is not in the list. */
static const char *alert_name(int alert)
{
    const char *name = th_words_find(&alert_names, alert);
    return name ? name : "unknown";
}

static const char *advice_for(int alert)
{
    const char *advice = th_words_find(&alert_advice, alert);
    return advice ? advice : "see the server's log";
}

/* Its ServerHello is here: only then can there be a certificate to complain of. */
static bool server_has_answered(const struct th_tls_stream *stream)
{
    return wolfSSL_get_current_cipher_suite(stream->ssl) != 0;
}

/* Servers of TLS 1.2 say "handshake failure" too when a client certificate is missing. */
static bool means_missing_certificate(const struct th_tls_stream *stream, int alert)
{
    return alert == 40 && server_has_answered(stream) &&
           stream->context->identity.chain_certificates == 0;
}

static int alert_error(const struct th_tls_stream *stream, int alert)
{
    switch (alert) {
    case 40: case 70: case 71: case 86: case 109:
        return TH_E_CIPHER_SUITE;
    case 42: case 43: case 44: case 45: case 46: case 48: case 49: case 116:
        return TH_E_CLIENT_CERTIFICATE;
    case 112:
        return TH_E_SERVER_NAME;
    case 120:
        return TH_E_HANDSHAKE;
    default:
        return stream->shaken ? TH_E_TLS : TH_E_HANDSHAKE;
    }
}

static int refused_client_certificate(struct th_tls_stream *stream, int alert)
{
    bool given = stream->context->identity.chain_certificates > 0;
    return th_fault_set(stream->fault, TH_E_CLIENT_CERTIFICATE,
                        "%s refused the client certificate with the alert %s: %s",
                        stream->host.name, alert_name(alert),
                        given ? advice_for(alert) : "none was given; give a certificate and key");
}

/* What servers say when the key or its identity is not theirs. */
static bool means_other_key(int alert)
{
    return alert == 20 || alert == 40 || alert == 47 || alert == 51 || alert == 115;
}

static int explain_alert(struct th_tls_stream *stream, int alert)
{
    if (awaits_key(stream) && means_other_key(alert))
        return refused_key(stream);
    int error = alert_error(stream, alert);
    if (error == TH_E_CLIENT_CERTIFICATE || means_missing_certificate(stream, alert))
        return refused_client_certificate(stream, alert);
    return th_fault_set(stream->fault, error, "%s ended the connection with the alert %s (%d): %s",
                        stream->host.name, alert_name(alert), alert,
                        advice_for(alert));
}

/* -1: none. */
static int fatal_alert(struct th_tls_stream *stream)
{
    WOLFSSL_ALERT_HISTORY history = {{-1, -1}, {-1, -1}};
    wolfSSL_get_alert_history(stream->ssl, &history);
    return history.last_rx.level == alert_fatal ? history.last_rx.code : -1;
}

int th_tls_alert_error(struct th_tls_stream *stream)
{
    int alert = fatal_alert(stream);
    if (alert < 0)
        return 0;
    if (stream->fault)
        th_fault_clear(stream->fault);
    return explain_alert(stream, alert);
}

bool th_tls_shares_nothing(struct th_tls_stream *stream)
{
    int alert = fatal_alert(stream);
    return (alert == 40 || alert == 71) && !server_has_answered(stream);
}

/* ---- connections ----------------------------------------------------------------------------- */

static bool is_cut(int code)
{
    return code == SOCKET_ERROR_E || code == SOCKET_PEER_CLOSED_E;
}

/* What the transport said is less than what the end of the bytes means for TLS. */
static int cut(struct th_tls_stream *stream)
{
    if (stream->fault)
        th_fault_clear(stream->fault);
    if (!stream->shaken)
        return th_fault_set(stream->fault, TH_E_CLOSED,
                            "%s ended the connection in the TLS handshake; is it a TLS port?",
                            stream->host.name);
    return th_fault_set(stream->fault, TH_E_RECEIVE,
                        "the connection to %s was cut without TLS close_notify; what was on its "
                        "way may be lost", stream->host.name);
}

static bool bytes_ended(const struct th_tls_stream *stream)
{
    bool closed = stream->io_error == 0 || stream->io_error == TH_E_CLOSED;
    bool reset = stream->io_error == TH_E_RECEIVE && !stream->shaken;
    return (closed || reset) && (!stream->fault || th_fault_is_of_peer(stream->fault));
}

/* The transport's own error stays, unless it only says that the bytes ended. */
int th_tls_transport_error(struct th_tls_stream *stream)
{
    if (bytes_ended(stream))
        return cut(stream);
    return th_fault_set(stream->fault, stream->io_error, "the connection to %s failed",
                        stream->host.name);
}

static const struct failure {
    int code;
    int error; /* TH_E_TLS: depends on the moment */
    const char *text;
} failures[] = {
    {WOLFSSL_ERROR_ZERO_RETURN, TH_E_CLOSED, "closed the connection"},
    {VERSION_ERROR, TH_E_CIPHER_SUITE, "speaks none of the TLS versions allowed here"},
    {UNSUPPORTED_PROTO_VERSION, TH_E_CIPHER_SUITE, "speaks none of the TLS versions allowed here"},
    {UNSUPPORTED_SUITE, TH_E_CIPHER_SUITE, "chose a cipher suite that was not offered"},
    {MATCH_SUITE_ERROR, TH_E_CIPHER_SUITE, "chose a cipher suite that was not offered"},
    {ECC_CURVE_ERROR, TH_E_CIPHER_SUITE, "chose a group that was not offered"},
    {ECC_CURVETYPE_ERROR, TH_E_CIPHER_SUITE, "chose a group that was not offered"},
    {BAD_KEY_SHARE_DATA, TH_E_CIPHER_SUITE, "chose a group that was not offered"},
    {KEY_SHARE_ERROR, TH_E_CIPHER_SUITE, "chose a group that was not offered"},
    {UNKNOWN_RECORD_TYPE, TH_E_HANDSHAKE,
     "does not speak TLS on this port; 8883 usually does, 1883 does not"},
    {HTTP_PROTO_ERR, TH_E_HANDSHAKE, "speaks HTTP on this port, not TLS"},
    {HTTP_VERSION_ERR, TH_E_HANDSHAKE, "speaks HTTP on this port, not TLS"},
    {LENGTH_ERROR, TH_E_TLS, "sent no TLS, or a record larger than TLS allows; is it a TLS port?"},
    {HANDSHAKE_SIZE_ERROR, TH_E_TLS,
     "sent a handshake message that is too large; shorten its certificate chain"},
    {DECRYPT_ERROR, TH_E_TLS, "sent a record that was changed on its way"},
    {VERIFY_MAC_ERROR, TH_E_TLS, "sent a record that was changed on its way"},
    {VERIFY_FINISHED_ERROR, TH_E_TLS, "saw another handshake than we did: bytes were changed"},
    {VERIFY_SIGN_ERROR, TH_E_TLS, "could not prove that it holds the certificate's key"},
    {SIG_VERIFY_E, TH_E_TLS, "could not prove that it holds the certificate's key"},
    {UNKNOWN_ALPN_PROTOCOL_NAME_E, TH_E_HANDSHAKE, "chose an ALPN protocol that was not offered"},
    {WOLFSSL_ALPN_NOT_FOUND, TH_E_HANDSHAKE, "chose an ALPN protocol that was not offered"},
    {RNG_FAILURE_E, TH_E_ENTROPY, "was left: the random generator failed"},
};

static const struct failure *find_failure(int code)
{
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (failures[i].code == code)
            return &failures[i];
    return NULL;
}

/* After the handshake versions, suites and protocols are agreed upon. What reads like a lack of
 * them is rubbish, which may pass: it must not keep us from connecting again. */
static bool is_of_handshake(const struct failure *failure)
{
    return failure->error == TH_E_CIPHER_SUITE || failure->error == TH_E_HANDSHAKE;
}

/* Where one version only is allowed wolfSSL looks at that before the type of the record. */
static bool is_no_record(const struct th_tls_stream *stream, int code)
{
    return code == VERSION_ERROR && (stream->first_byte < RECORD_TYPE_LEAST ||
                                     stream->first_byte > RECORD_TYPE_MOST);
}

static int other_failure(struct th_tls_stream *stream, int code)
{
    int by_moment = stream->shaken ? TH_E_TLS : TH_E_HANDSHAKE;
    const struct failure *failure =
        find_failure(is_no_record(stream, code) ? UNKNOWN_RECORD_TYPE : code);
    if (!failure)
        return th_fault_set(stream->fault, by_moment,
                            "%s with %s failed (wolfSSL %d); see the server's log",
                            stream->shaken ? "TLS" : "the TLS handshake", stream->host.name, code);
    if (stream->shaken && is_of_handshake(failure))
        return th_fault_set(stream->fault, TH_E_TLS, "%s sent something that is no TLS record",
                            stream->host.name);
    return th_fault_set(stream->fault, failure->error == TH_E_TLS ? by_moment : failure->error,
                        "%s %s", stream->host.name, failure->text);
}

/* A record beyond the standard that only the record cell refused (wolfSSL 5.7.2 does not look). */
static bool is_overlong_record(void)
{
    const struct th_payer *payer = th_payer_current();
    return payer && payer->ledger.refusal.purpose == TH_PURPOSE_RECORD_IN &&
           payer->ledger.refusal.needed_bytes > RECORD_MAX_BYTES;
}

static int refused(struct th_tls_stream *stream)
{
    return is_overlong_record() ? other_failure(stream, LENGTH_ERROR)
                                : refused_memory(stream->fault);
}

static int explain(struct th_tls_stream *stream, int code, struct th_tls_mark mark)
{
    int result;
    const char *problem = certificate_problem(code);
    if (stream->refusal)
        return stream->refusal;
    if (th_tls_refused_since(mark))
        return refused(stream);
    if (code == FATAL_ERROR && (result = th_tls_alert_error(stream)) < 0)
        return result;
    if (is_cut(code))
        return th_tls_transport_error(stream);
    if (awaits_key(stream) && (problem || code == VERIFY_CERT_ERROR))
        return refused_key(stream);
    if (problem && !stream->shaken && server_has_answered(stream))
        return complain(stream, "the certificate or an intermediate", code, problem);
    return other_failure(stream, code);
}

int th_tls_error(struct th_tls_stream *stream, int result, struct th_tls_mark mark)
{
    int code = wolfSSL_get_error(stream->ssl, result);
    if (code == WOLFSSL_ERROR_WANT_READ)
        return TH_WANT_READ;
    if (code == WOLFSSL_ERROR_WANT_WRITE)
        return TH_WANT_WRITE;
    return note_code(stream->fault, code, explain(stream, code, mark));
}

int th_tls_setup_error(int code, struct th_tls_mark mark, const char *doing,
                       struct th_fault *fault)
{
    if (th_tls_refused_since(mark))
        return note_code(fault, code, refused_memory(fault));
    if (code == RNG_FAILURE_E)
        return note_code(fault, code,
                         th_fault_set(fault, TH_E_ENTROPY,
                                      "cannot %s: no random numbers; nothing was sent", doing));
    return note_code(fault, code, th_fault_set(fault, TH_E_TLS, "cannot %s (wolfSSL %d)", doing,
                                               code));
}

bool th_tls_refuse_for_memory(struct th_tls_stream *stream, struct th_tls_mark mark)
{
    stream->refusal = th_tls_setup_error(MEMORY_E, mark, "check the certificates", stream->fault);
    return false;
}

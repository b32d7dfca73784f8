#include "tls/staple.h"

#include "base/calendar.h"
#include "base/der.h"
#include "base/err.h"
#include "mem/payer.h"
#include "tls/errors.h"
#include "tls/ocsp.h"

#include <string.h>
#include <thimble/certificate.h>
#include <thimble/identity.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/internal.h> /* nothing public adds an extension, or gives the key of a CA */

#define STATUS_REQUEST 5 /* the extension's number, and its name in the TLS feature extension */
#define OF_TYPE_OCSP 1   /* CertificateStatusType */
#define HEADER_BYTES 4   /* of an extension, of a CertificateStatus */

/* ---- asking ---------------------------------------------------------------------------------- */

int th_tls_staple_take(struct th_tls_context *context, const struct th_context_config *config,
                       struct th_fault *fault)
{
    (void)fault;
    if (!config->psk_identity && !config->insecure_no_verify)
        context->stapling = config->stapling;
    return 0;
}

int th_tls_staple_ask(struct th_tls_stream *stream)
{
    if (!stream->context->stapling)
        return WOLFSSL_SUCCESS;
    TLSX *extension = XMALLOC(sizeof *extension, stream->ssl->heap, DYNAMIC_TYPE_TLSX);
    if (!extension)
        return MEMORY_E;
    *extension = (TLSX){.type = TLSX_STATUS_REQUEST, .next = stream->ssl->extensions};
    stream->ssl->extensions = extension;
    return WOLFSSL_SUCCESS;
}

/* Any responder will do, and nothing is asked of it. */
int th_tls_staple_write(uint8_t *out)
{
    static const uint8_t request[] = {OF_TYPE_OCSP, 0, 0, 0, 0};
    memcpy(out, request, sizeof request);
    return sizeof request;
}

/* ---- whom it must be about ------------------------------------------------------------------- */

/* wolfSSL knows an authority by the hash of its name and of its key identifier. Two of one name may
 * have different keys, and a certificate tells which it is of. */
static bool find_key(const struct th_tls_stream *stream, const struct th_certificate *leaf,
                     const uint8_t *name_hash, struct th_slice *key)
{
    WOLFSSL_CERT_MANAGER *manager = wolfSSL_CTX_GetCertManager(stream->context->ctx);
    uint8_t key_id[TH_DIGEST_BYTES];
    key->data = NULL;
    if (!th_digest(leaf->authority_key_id, key_id))
        return false;
    for (int row = 0; row < CA_TABLE_SIZE; row++)
        for (const Signer *ca = manager->caTable[row]; ca; ca = ca->next) {
            bool is_named = memcmp(ca->subjectNameHash, name_hash, TH_DIGEST_BYTES) == 0;
            bool is_it = memcmp(ca->subjectKeyIdHash, key_id, sizeof key_id) == 0;
            if (is_named && (is_it || !key->data))
                *key = th_slice_of(ca->publicKey, ca->pubKeySize);
        }
    return key->data != NULL;
}

static bool read_subject(const struct th_tls_stream *stream, const struct th_certificate *leaf,
                         struct th_ocsp_subject *subject)
{
    uint8_t name_hash[TH_DIGEST_BYTES];
    subject->serial = leaf->serial;
    subject->issuer = leaf->issuer;
    return th_digest(th_ocsp_name(leaf->issuer), name_hash) &&
           find_key(stream, leaf, name_hash, &subject->key);
}

/* Serial number and issuer's name stand side by side in a certificate; its key is another's. */
static struct th_ocsp_subject *keep(const struct th_ocsp_subject *subject)
{
    const uint8_t *from = subject->serial.data;
    size_t to_name = (size_t)(subject->issuer.data - from);
    size_t span = to_name + subject->issuer.len_bytes, key_bytes = subject->key.len_bytes;
    struct th_ocsp_subject *kept = th_payer_take(th_payer_current(), TH_PURPOSE_CERTIFICATE,
                                                 sizeof *kept + span + key_bytes);
    if (!kept)
        return NULL;
    uint8_t *bytes = (uint8_t *)(kept + 1);
    memcpy(bytes, from, span);
    memcpy(bytes + span, subject->key.data, key_bytes);
    kept->serial = th_slice_of(bytes, subject->serial.len_bytes);
    kept->issuer = th_slice_of(bytes + to_name, subject->issuer.len_bytes);
    kept->key = th_slice_of(bytes + span, key_bytes);
    return kept;
}

/* RFC 7633, among the extensions of a certificate. What looks like one elsewhere is a reason to be
 * stricter, not less. */
static bool must_staple(struct th_slice leaf)
{
    static const uint8_t feature[] = {TH_DER_OID, 8, 0x2B, 6, 1, 5, 5, 7, 1, 24};
    struct th_slice value, list, number;
    for (; leaf.len_bytes > sizeof feature; leaf = th_slice_after(leaf, 1)) {
        if (memcmp(leaf.data, feature, sizeof feature) != 0)
            continue;
        struct th_slice in = th_slice_after(leaf, sizeof feature);
        if (!th_der_take(&in, TH_DER_OCTET_STRING, &value) ||
            !th_der_take(&value, TH_DER_SEQUENCE, &list))
            continue;
        while (th_der_take_number(&list, &number))
            if (number.len_bytes == 1 && number.data[0] == STATUS_REQUEST)
                return true;
    }
    return false;
}

/* ---- what came ------------------------------------------------------------------------------- */

#define MISSING (TH_OCSP_LATE + 1)

static const struct {
    int reason;
    const char *problem;
} problems[] = {
    [TH_OCSP_REVOKED] = {TH_REVOKED, "says that it was revoked; have a new one issued"},
    [TH_OCSP_UNKNOWN] = {TH_INVALID_CONTENT, "says that its issuer does not know it"},
    [TH_OCSP_OTHERS] = {TH_INVALID_CONTENT, "is about other certificates"},
    [TH_OCSP_MALFORMED] = {TH_WEAK, "is damaged, or none at all"},
    [TH_OCSP_FORGED] = {TH_WEAK, "is not signed by its issuer, nor by whom that one let answer"},
    [TH_OCSP_EARLY] = {TH_NOT_YET_VALID, "is not in force yet; set the clock"},
    [TH_OCSP_LATE] = {TH_EXPIRED, "has expired, or does not say when; the server must fetch the "
                      "next one"},
    [MISSING] = {TH_INVALID_CONTENT, "is missing; have the server staple it"},
};

static bool refuse(struct th_tls_stream *stream, int verdict)
{
    stream->refusal = th_fault_set(stream->fault, TH_E_CERTIFICATE,
                                   "the OCSP response for the certificate of %s %s",
                                   stream->host.name, problems[verdict].problem);
    th_fault_because(stream->fault, problems[verdict].reason, stream->refusal);
    return false;
}

/* CertificateStatus: RFC 6066 section 8. */
static bool open_status(struct th_slice status, struct th_slice *response)
{
    const uint8_t *at = status.data;
    if (status.len_bytes < HEADER_BYTES || at[0] != OF_TYPE_OCSP)
        return false;
    *response = th_slice_after(status, HEADER_BYTES);
    return response->len_bytes == ((size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3]);
}

static bool judge(struct th_tls_stream *stream, const struct th_ocsp_subject *subject,
                  struct th_slice status)
{
    struct th_tls_mark mark = th_tls_mark();
    struct th_slice response;
    int64_t until_s = 0;
    enum th_ocsp_verdict verdict = TH_OCSP_MALFORMED;
    if (open_status(status, &response))
        verdict = th_ocsp_judge(response, subject, th_calendar_s(), &until_s);
    if (verdict == TH_OCSP_FORGED && th_tls_refused_since(mark))
        return th_tls_refuse_for_memory(stream, mark);
    if (verdict != TH_OCSP_GOOD)
        return refuse(stream, verdict);
    if (until_s < stream->end_s)
        stream->end_s = until_s;
    return true;
}

static unsigned number_at(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* Behind the certificate in its entry (RFC 8446 section 4.4.2) are extensions, which wolfSSL has
 * read before. */
static bool find_status(const WOLFSSL_BUFFER_INFO *leaf, struct th_slice *status)
{
    const uint8_t *at = leaf->buffer + leaf->length;
    struct th_slice list = th_slice_of(at + 2, number_at(at));
    while (list.len_bytes >= HEADER_BYTES) {
        size_t bytes = number_at(list.data + 2);
        if (bytes > list.len_bytes - HEADER_BYTES)
            return false;
        *status = th_slice_of(list.data + HEADER_BYTES, bytes);
        if (number_at(list.data) == STATUS_REQUEST)
            return true;
        list = th_slice_after(list, HEADER_BYTES + bytes);
    }
    return false;
}

/* ---- TLS 1.3 --------------------------------------------------------------------------------- */

static bool holds_now(struct th_tls_stream *stream, const struct th_ocsp_subject *subject,
                      const WOLFSSL_BUFFER_INFO *leaf)
{
    struct th_slice status;
    if (find_status(leaf, &status))
        return judge(stream, subject, status);
    return stream->must_staple ? refuse(stream, MISSING) : true;
}

/* ---- TLS 1.2 --------------------------------------------------------------------------------- */

static bool holds_later(struct th_tls_stream *stream, const struct th_ocsp_subject *subject)
{
    struct th_tls_mark mark = th_tls_mark();
    th_tls_staple_forget(stream);
    stream->awaited = keep(subject);
    return stream->awaited ? true : th_tls_refuse_for_memory(stream, mark);
}

int th_tls_staple_read(WOLFSSL *ssl, const uint8_t *input, uint32_t *at, uint32_t bytes)
{
    struct th_tls_stream *stream = ssl->verifyCbCtx;
    struct th_slice status = th_slice_of(input + *at, bytes);
    bool is_good = stream->awaited && judge(stream, stream->awaited, status);
    *at += bytes;
    th_tls_staple_forget(stream);
    if (is_good)
        return 0;
    SendAlert(ssl, alert_fatal, bad_certificate_status_response);
    return BAD_CERTIFICATE_STATUS_ERROR;
}

bool th_tls_staple_came(struct th_tls_stream *stream)
{
    bool is_missing = stream->awaited && stream->must_staple;
    th_tls_staple_forget(stream);
    return is_missing ? refuse(stream, MISSING) : true;
}

void th_tls_staple_forget(struct th_tls_stream *stream)
{
    th_payer_give(th_payer_current(), stream->awaited);
    stream->awaited = NULL;
}

/* ---------------------------------------------------------------------------------------------- */

bool th_tls_staple_holds(struct th_tls_stream *stream, const WOLFSSL_X509_STORE_CTX *store)
{
    struct th_certificate leaf;
    struct th_ocsp_subject subject;
    struct th_slice der = th_slice_of(store->certs[0].buffer, store->certs[0].length);
    if (!stream->context->stapling)
        return true;
    if (th_certificate_read(&leaf, der) < 0 || !read_subject(stream, &leaf, &subject))
        return refuse(stream, TH_OCSP_OTHERS);
    stream->must_staple = stream->context->stapling == TH_STAPLING_MUST || must_staple(der);
    if (wolfSSL_version(stream->ssl) == TLS1_3_VERSION)
        return holds_now(stream, &subject, &store->certs[0]);
    return holds_later(stream, &subject);
}

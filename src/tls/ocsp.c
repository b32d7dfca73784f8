#include "tls/ocsp.h"

#include "base/der.h"
#include "crypt/sha1.h"
#include "crypt/signed.h"
#include "identity/time.h"

#include <thimble/certificate.h>

#define CLOCK_SKEW_S 300 /* a responder's clock may be ahead of ours */

enum {
    ENUMERATED = 0x0A,
    GOOD = TH_DER_CONTEXT | 0, /* CertStatus */
    REVOKED = TH_DER_CONSTRUCTED | 1,
};

#define BASIC "\x09\x2B\x06\x01\x05\x05\x07\x30\x01\x01"   /* id-pkix-ocsp-basic */
#define OCSP_SIGNING "\x08\x2B\x06\x01\x05\x05\x07\x03\x09" /* id-kp-OCSPSigning */

/* Names and keys are told by these, which is no matter of trust. */
static const char hashes[] = "\x05\x2B\x0E\x03\x02\x1A"                  /* SHA-1 */
                             "\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"; /* SHA-256 */

/* ---- what is signed: certificates, and responses --------------------------------------------- */

struct signed_part {
    struct th_slice whole; /* what was signed, its header included */
    struct th_slice algorithm, signature;
    struct th_slice rest;
};

static bool take_whole(struct th_slice *in, struct th_slice *whole)
{
    size_t bytes = th_der_sequence_bytes(*in);
    *whole = th_slice_of(in->data, bytes);
    *in = th_slice_after(*in, bytes);
    return bytes > 0;
}

static bool open_signed(struct th_slice in, struct signed_part *part)
{
    struct th_slice algorithm;
    return th_der_take(&in, TH_DER_SEQUENCE, &part->rest) && in.len_bytes == 0 &&
           take_whole(&part->rest, &part->whole) &&
           th_der_take(&part->rest, TH_DER_SEQUENCE, &algorithm) &&
           th_der_take(&algorithm, TH_DER_OID, &part->algorithm) &&
           th_der_take_bits(&part->rest, &part->signature);
}

static bool is_signed_with(const struct signed_part *part, struct th_slice key)
{
    struct th_crypt_signed seen;
    if (!th_crypt_signed_begin(&seen, part->algorithm))
        return false;
    th_crypt_signed_add(&seen, part->whole.data, part->whole.len_bytes);
    return th_crypt_signed_check(&seen, key, part->signature) == 0;
}

/* ---- who may answer (RFC 6960 section 4.2.2.2) ----------------------------------------------- */

static bool is_for_answers(struct th_slice purposes)
{
    struct th_slice purpose;
    while (th_der_take(&purposes, TH_DER_OID, &purpose))
        if (th_der_is_oid(purpose, OCSP_SIGNING))
            return true;
    return false;
}

static bool is_delegate(const struct th_certificate *certificate,
                        const struct th_ocsp_subject *subject, int64_t now_s)
{
    struct signed_part part;
    return now_s >= certificate->not_before_s && now_s <= certificate->not_after_s &&
           th_slice_equal(certificate->issuer, subject->issuer) &&
           is_for_answers(certificate->purposes) && open_signed(certificate->der, &part) &&
           is_signed_with(&part, subject->key);
}

static bool is_signed_by_delegate(const struct signed_part *basic,
                                  const struct th_ocsp_subject *subject, int64_t now_s)
{
    struct th_slice in = basic->rest, explicit, list, one;
    struct th_certificate delegate;
    if (!th_der_take(&in, TH_DER_CONSTRUCTED, &explicit) ||
        !th_der_take(&explicit, TH_DER_SEQUENCE, &list))
        return false;
    while (take_whole(&list, &one))
        if (th_certificate_read(&delegate, one) == 0 && is_delegate(&delegate, subject, now_s) &&
            is_signed_with(basic, delegate.public_key))
            return true;
    return false;
}

/* ---- whom it is about ------------------------------------------------------------------------ */

/* Its header is the shortest: th_der_take() takes no other. */
struct th_slice th_ocsp_name(struct th_slice name)
{
    size_t header = 2u + (name.len_bytes > 0x7F) + (name.len_bytes > 0xFF);
    return th_slice_of(name.data - header, name.len_bytes + header);
}

static struct th_slice bits_of(struct th_slice key)
{
    struct th_slice in = key, info, bits;
    bool is_info = th_der_take(&in, TH_DER_SEQUENCE, &info) &&
                   th_der_skip(&info, TH_DER_SEQUENCE) && th_der_take_bits(&info, &bits);
    return is_info ? bits : key;
}

static bool takes_hash(struct th_slice *in, int kind, struct th_slice of)
{
    uint8_t made[TH_DIGEST_BYTES];
    struct th_slice hash;
    bool is_made = kind == 0 ? th_crypt_sha1(of.data, of.len_bytes, made) == 0
                             : th_digest(of, made);
    return is_made && th_der_take(in, TH_DER_OCTET_STRING, &hash) &&
           th_slice_equal(hash, th_slice_of(made, kind == 0 ? TH_CRYPT_SHA1_BYTES : sizeof made));
}

static bool is_about(struct th_slice id, const struct th_ocsp_subject *subject)
{
    struct th_slice algorithm, oid, serial;
    if (!th_der_take(&id, TH_DER_SEQUENCE, &algorithm) ||
        !th_der_take(&algorithm, TH_DER_OID, &oid))
        return false;
    int kind = th_der_oid_in(oid, hashes);
    return kind >= 0 && takes_hash(&id, kind, th_ocsp_name(subject->issuer)) &&
           takes_hash(&id, kind, bits_of(subject->key)) && th_der_take_number(&id, &serial) &&
           th_slice_equal(serial, subject->serial);
}

/* ---- what it says ---------------------------------------------------------------------------- */

struct answer {
    uint8_t status;
    int64_t since_s, until_s;
};

/* Without a next update it would be good for ever, in the hands of whoever kept it. */
static bool read_answer(struct th_slice single, struct answer *answer)
{
    struct th_slice nothing, next;
    answer->until_s = INT64_MIN;
    if (!th_der_take_any(&single, &answer->status, &nothing) ||
        !th_identity_take_time(&single, &answer->since_s))
        return false;
    if (th_der_next_is(single, TH_DER_CONSTRUCTED) &&
        (!th_der_take(&single, TH_DER_CONSTRUCTED, &next) ||
         !th_identity_take_time(&next, &answer->until_s)))
        return false;
    return !th_der_has_critical(single, TH_DER_CONSTRUCTED | 1);
}

static enum th_ocsp_verdict verdict_of(const struct answer *answer, int64_t now_s)
{
    if (answer->status == REVOKED)
        return TH_OCSP_REVOKED;
    if (now_s + CLOCK_SKEW_S < answer->since_s)
        return TH_OCSP_EARLY;
    if (now_s > answer->until_s)
        return TH_OCSP_LATE;
    return answer->status == GOOD ? TH_OCSP_GOOD : TH_OCSP_UNKNOWN;
}

static enum th_ocsp_verdict search(struct th_slice list, const struct th_ocsp_subject *subject,
                                   int64_t now_s, int64_t *until_s)
{
    struct th_slice single, id;
    struct answer answer;
    while (th_der_take(&list, TH_DER_SEQUENCE, &single)) {
        if (!th_der_take(&single, TH_DER_SEQUENCE, &id))
            return TH_OCSP_MALFORMED;
        if (!is_about(id, subject))
            continue;
        if (!read_answer(single, &answer))
            return TH_OCSP_MALFORMED;
        *until_s = answer.until_s;
        return verdict_of(&answer, now_s);
    }
    return list.len_bytes ? TH_OCSP_MALFORMED : TH_OCSP_OTHERS;
}

/* ---- the response (RFC 6960 section 4.2.1) --------------------------------------------------- */

static bool open_response(struct th_slice in, struct th_slice *basic)
{
    struct th_slice response, status, explicit, bytes, type;
    return th_der_take(&in, TH_DER_SEQUENCE, &response) && in.len_bytes == 0 &&
           th_der_take(&response, ENUMERATED, &status) && status.len_bytes == 1 &&
           status.data[0] == 0 && th_der_take(&response, TH_DER_CONSTRUCTED, &explicit) &&
           th_der_take(&explicit, TH_DER_SEQUENCE, &bytes) &&
           th_der_take(&bytes, TH_DER_OID, &type) && th_der_is_oid(type, BASIC) &&
           th_der_take(&bytes, TH_DER_OCTET_STRING, basic);
}

/* Who the responder says it is does not matter: its signature tells. */
static bool open_data(struct th_slice whole, struct th_slice *singles)
{
    struct th_slice data, responder;
    uint8_t tag;
    return th_der_take(&whole, TH_DER_SEQUENCE, &data) &&
           th_der_skip_optional(&data, TH_DER_CONSTRUCTED) && /* version */
           th_der_take_any(&data, &tag, &responder) &&
           th_der_skip(&data, TH_DER_GENERALIZED_TIME) && /* when it was produced */
           th_der_take(&data, TH_DER_SEQUENCE, singles) &&
           !th_der_has_critical(data, TH_DER_CONSTRUCTED | 1);
}

enum th_ocsp_verdict th_ocsp_judge(struct th_slice response, const struct th_ocsp_subject *subject,
                                   int64_t now_s, int64_t *until_s)
{
    struct th_slice basic, singles;
    struct signed_part part;
    enum th_ocsp_verdict verdict = TH_OCSP_MALFORMED;
    if (!open_response(response, &basic) || !open_signed(basic, &part) ||
        !open_data(part.whole, &singles))
        return verdict;
    verdict = search(singles, subject, now_s, until_s);
    if (verdict == TH_OCSP_MALFORMED || is_signed_with(&part, subject->key) ||
        is_signed_by_delegate(&part, subject, now_s))
        return verdict;
    return TH_OCSP_FORGED;
}

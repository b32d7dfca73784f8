#include "tls/revoked.h"

#include "base/calendar.h"
#include "base/der.h"
#include "base/err.h"
#include "crypt/hash.h"
#include "crypt/signed.h"
#include "identity/identity.h"
#include "identity/time.h"
#include "mem/payer.h"
#include "tls/errors.h"
#include "tls/stream.h"

#include <thimble/certificate.h>
#include <thimble/identity.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/internal.h> /* nothing public gives the key of a CA that was verified */

#define CHAIN_MAX 10
#define WINDOW_MAX_BYTES 4096 /* more than a list's head, its longest entry or its end needs */

enum stage { HEAD, ENTRIES, TAIL, SIGNATURE };

struct reading {
    const struct th_tls_stream *stream; /* NULL: only to see whether it can be read */
    const struct WOLFSSL_X509_STORE_CTX *store;
    struct th_fault *fault;
    unsigned chain; /* certificates */
    unsigned lists;
    struct th_slice issuers[CHAIN_MAX];
    struct th_slice serials[CHAIN_MAX];
    unsigned covered, revoked; /* a bit for each certificate */

    /* The list at hand. */
    enum stage stage;
    uint32_t left_bytes;    /* of what is signed */
    uint32_t entries_bytes; /* of these, of entries */
    unsigned concerned, named;
    int64_t since_s, until_s;
    bool critical;          /* it has an extension that limits it: it is not whole */
    uint8_t issuer[TH_CRYPT_HASH_BYTES];
    struct th_crypt_signed seen;
};

/* ---- certificates ---------------------------------------------------------------------------- */

static bool note_certificate(struct reading *reading, struct th_slice der)
{
    struct th_certificate certificate;
    if (reading->chain == CHAIN_MAX || th_certificate_read(&certificate, der) < 0)
        return false;
    reading->issuers[reading->chain] = certificate.issuer;
    reading->serials[reading->chain++] = certificate.serial;
    return true;
}

static unsigned all_issued_by(const struct reading *reading, struct th_slice issuer)
{
    unsigned found = 0;
    for (unsigned i = 0; i < reading->chain; i++)
        found |= (unsigned)th_slice_equal(reading->issuers[i], issuer) << i;
    return found;
}

static unsigned all_numbered(const struct reading *reading, struct th_slice serial)
{
    unsigned found = 0;
    for (unsigned i = 0; i < reading->chain; i++)
        found |= (unsigned)th_slice_equal(reading->serials[i], serial) << i;
    return found;
}

/* ---- the bytes of a list --------------------------------------------------------------------- */

/* What is opened here may be longer than th_der_take() likes. False: more bytes are needed. */
static bool open_sequence(struct th_slice *in, uint32_t *content_bytes)
{
    if (in->len_bytes < 2 || in->data[0] != TH_DER_SEQUENCE)
        return false;
    size_t octets = in->data[1] < 0x80 ? 0 : in->data[1] & 0x7F;
    if (octets > 3 || in->len_bytes < 2 + octets)
        return false;
    *content_bytes = octets ? 0 : in->data[1];
    for (size_t i = 0; i < octets; i++)
        *content_bytes = *content_bytes << 8 | in->data[2 + i];
    *in = th_slice_after(*in, 2 + octets);
    return true;
}

static void drop(struct th_der *window, size_t bytes)
{
    memmove(window->data, window->data + bytes, window->used_bytes - bytes);
    th_der_cut(window, window->used_bytes - bytes);
}

/* The first `bytes` were read; those behind `unsigned_bytes` are of what is signed. */
static bool pass(struct reading *reading, struct th_der *window, size_t bytes,
                 size_t unsigned_bytes)
{
    th_crypt_signed_add(&reading->seen, window->data + unsigned_bytes, bytes - unsigned_bytes);
    drop(window, bytes);
    return true;
}

struct head {
    struct th_slice algorithm, issuer;
    size_t before_bytes; /* what is signed begins behind these ... */
    size_t header_bytes; /* ... with a header that ends here */
    size_t bytes;        /* all that was read */
    uint32_t signed_bytes;
};

static bool take_name(struct th_slice *in, struct th_slice *issuer, uint8_t hash[])
{
    struct th_slice whole = *in;
    struct th_crypt_hash seen;
    if (!th_der_take(in, TH_DER_SEQUENCE, issuer))
        return false;
    th_crypt_hash_begin(&seen);
    th_crypt_hash_add(&seen, whole.data, whole.len_bytes - in->len_bytes);
    return th_crypt_hash_value(&seen, hash);
}

static bool open_both(struct th_slice *in, struct head *head)
{
    size_t bytes = in->len_bytes;
    uint32_t all_bytes;
    if (!open_sequence(in, &all_bytes))
        return false;
    head->before_bytes = bytes - in->len_bytes;
    if (!open_sequence(in, &head->signed_bytes))
        return false;
    head->header_bytes = bytes - in->len_bytes;
    return true;
}

static bool take_fields(struct reading *reading, struct th_slice *in, struct head *head)
{
    struct th_slice algorithm;
    return th_der_skip_optional(in, TH_DER_INTEGER) && /* version */
           th_der_take(in, TH_DER_SEQUENCE, &algorithm) &&
           th_der_take(&algorithm, TH_DER_OID, &head->algorithm) &&
           take_name(in, &head->issuer, reading->issuer) &&
           th_identity_take_time(in, &reading->since_s) &&
           th_identity_take_time(in, &reading->until_s) && in->len_bytes > 0;
}

/* There may be none, and nothing else behind the dates. */
static bool open_entries(struct reading *reading, struct th_slice *in, struct head *head,
                         size_t all)
{
    reading->entries_bytes = 0;
    bool has_more = all - in->len_bytes - head->header_bytes < head->signed_bytes;
    if (has_more && th_der_next_is(*in, TH_DER_SEQUENCE) &&
        !open_sequence(in, &reading->entries_bytes))
        return false;
    head->bytes = all - in->len_bytes;
    return head->signed_bytes >= head->bytes - head->header_bytes + reading->entries_bytes;
}

/* To the header of the entries: all of it, or nothing is done. */
static bool read_head(struct reading *reading, struct th_der *window)
{
    struct head head;
    struct th_slice in = th_der_from(window, 0);
    if (!open_both(&in, &head) || !take_fields(reading, &in, &head) ||
        !open_entries(reading, &in, &head, window->used_bytes) ||
        !th_crypt_signed_begin(&reading->seen, head.algorithm))
        return false;
    reading->left_bytes = head.signed_bytes - (uint32_t)(head.bytes - head.header_bytes);
    reading->concerned = all_issued_by(reading, head.issuer);
    reading->stage = ENTRIES;
    return pass(reading, window, head.bytes, head.before_bytes);
}

static bool read_entry(struct reading *reading, struct th_der *window)
{
    struct th_slice in = th_der_from(window, 0), entry, serial;
    if (reading->entries_bytes == 0) {
        reading->stage = TAIL;
        return true;
    }
    if (!th_der_take(&in, TH_DER_SEQUENCE, &entry) || !th_der_take_number(&entry, &serial))
        return false;
    uint32_t bytes = (uint32_t)(window->used_bytes - in.len_bytes);
    if (bytes > reading->entries_bytes)
        return false;
    reading->named |= all_numbered(reading, serial);
    reading->entries_bytes -= bytes;
    reading->left_bytes -= bytes;
    return pass(reading, window, bytes, 0);
}

static bool read_tail(struct reading *reading, struct th_der *window)
{
    if (window->used_bytes < reading->left_bytes)
        return false;
    /* RFC 5280 section 5.2: what is critical makes it a list of some certificates only. */
    reading->critical = th_der_has_critical(th_slice_of(window->data, reading->left_bytes),
                                            TH_DER_CONSTRUCTED);
    reading->stage = SIGNATURE;
    pass(reading, window, reading->left_bytes, 0);
    return false;
}

static bool read_some(struct reading *reading, struct th_der *window)
{
    switch (reading->stage) {
    case HEAD:
        return read_head(reading, window);
    case ENTRIES:
        return read_entry(reading, window);
    case TAIL:
        return read_tail(reading, window);
    default:
        return false;
    }
}

static int read_what_is_there(void *arg, struct th_der *window, struct th_fault *fault)
{
    (void)fault;
    while (window->used_bytes > 0 && read_some(arg, window))
        continue;
    return window->used_bytes > WINDOW_MAX_BYTES ? TH_E_TOO_LARGE : 0;
}

/* ---- what a list is worth -------------------------------------------------------------------- */

/* Both its issuers and those of a name that was given anew, with another key. */
static bool is_signed_by_issuer(const struct reading *reading, struct th_slice signature)
{
    WOLFSSL_CERT_MANAGER *manager = wolfSSL_CTX_GetCertManager(reading->stream->context->ctx);
    for (int row = 0; row < CA_TABLE_SIZE; row++)
        for (const Signer *ca = manager->caTable[row]; ca; ca = ca->next)
            if (memcmp(ca->subjectNameHash, reading->issuer, sizeof reading->issuer) == 0 &&
                (ca->keyUsage & KEYUSE_CRL_SIGN) &&
                th_crypt_signed_check(&reading->seen, th_slice_of(ca->publicKey, ca->pubKeySize),
                                      signature) == 0)
                return true;
    return false;
}

static int refuse(const struct reading *reading, int why, const struct th_pem_place *place,
                  const char *problem)
{
    return th_fault_because(reading->fault, why,
                            th_fault_set(reading->fault, TH_E_CERTIFICATE, "CRL: %s, line %u: %s",
                                         place->name, place->line, problem));
}

static int judge(struct reading *reading, struct th_slice signature,
                 const struct th_pem_place *place)
{
    int64_t now_s = th_calendar_s();
    struct th_tls_mark mark = th_tls_mark();
    bool is_signed = is_signed_by_issuer(reading, signature);
    if (!is_signed && th_tls_refused_since(mark))
        return th_tls_setup_error(MEMORY_E, mark, "check the CRL", reading->fault);
    if (!is_signed)
        return refuse(reading, TH_CORRUPTED, place,
                      "not signed by its issuer, or that may not; fetch it again");
    if (reading->critical)
        return refuse(reading, TH_INVALID_CONTENT, place,
                      "a list of some certificates only; give the whole one");
    if (now_s < reading->since_s)
        return refuse(reading, TH_NOT_YET_VALID, place, "not in force yet; set the clock");
    if (now_s > reading->until_s)
        return refuse(reading, TH_EXPIRED, place, "expired; fetch the next one");
    reading->covered |= reading->concerned;
    reading->revoked |= reading->concerned & reading->named;
    return 0;
}

/* For a certificate or a key among the lists, which are passed over, nothing was read. */
static int end_list(void *arg, enum th_pem_kind kind, struct th_slice rest,
                    const struct th_pem_place *place, struct th_fault *fault)
{
    struct reading *reading = arg;
    struct th_slice signature;
    if (kind != TH_PEM_CRL && kind != TH_PEM_DER)
        return TH_PEM_DROP;
    if (reading->stage != SIGNATURE || !th_der_skip(&rest, TH_DER_SEQUENCE) ||
        !th_der_take_bits(&rest, &signature))
        return th_fault_set(fault, TH_E_FILE, "CRL: %s, line %u: damaged, or signed in a way that "
                            "is not supported", place->name, place->line);
    int result = reading->concerned ? judge(reading, signature, place) : 0;
    reading->lists++;
    reading->stage = HEAD;
    reading->named = 0;
    return result < 0 ? result : TH_PEM_DROP;
}

static const char *name_of(const struct th_source *lists)
{
    return lists->path ? lists->path : "(memory)";
}

static int read_lists(struct reading *reading, const struct th_source *lists)
{
    struct th_der window = {0};
    struct th_pem_sink sink = {.block = end_list, .arg = reading, .drain = read_what_is_there};
    int result = th_pem_read(lists, "CRL", &sink, &window, reading->fault);
    th_der_close(&window);
    if (result < 0)
        return th_fault_set(reading->fault, result == TH_E_TOO_LARGE ? TH_E_FILE : result,
                            "CRL: %s: no list that can be read", name_of(lists));
    if (reading->lists == 0)
        return th_fault_set(reading->fault, TH_E_FILE, "CRL: %s holds none", name_of(lists));
    return 0;
}

/* ---------------------------------------------------------------------------------------------- */

static struct reading *begin(struct th_fault *fault)
{
    struct reading *reading = th_payer_take(th_payer_current(), TH_PURPOSE_CERTIFICATE,
                                            sizeof *reading);
    if (reading)
        *reading = (struct reading){.fault = fault};
    else
        th_fault_set(fault, TH_E_MEMORY, "no memory to read the CRL; enlarge the heap");
    return reading;
}

static int end(struct reading *reading, int result)
{
    th_payer_give(th_payer_current(), reading);
    return result;
}

int th_tls_revoked_open(const struct th_source *lists, struct th_fault *fault)
{
    if (!th_source_given(lists))
        return 0;
    struct reading *reading = begin(fault);
    return reading ? end(reading, read_lists(reading, lists)) : TH_E_MEMORY;
}

static int conclude(const struct reading *reading)
{
    const char *host = reading->stream->host.name;
    if (reading->revoked)
        th_fault_set(reading->fault, TH_E_CERTIFICATE, "the certificate of %s%s was revoked by its "
                     "issuer; have a new one issued", host,
                     reading->revoked & 1 ? "" : ", or rather one above it,");
    else if (!(reading->covered & 1))
        th_fault_set(reading->fault, TH_E_CERTIFICATE, "no CRL is of the issuer of the certificate "
                     "of %s; add it to the file", host);
    else
        return 0;
    return th_fault_because(reading->fault, reading->revoked ? TH_REVOKED : TH_INVALID_CONTENT,
                            TH_E_CERTIFICATE);
}

static int check(struct reading *reading, const struct WOLFSSL_X509_STORE_CTX *store)
{
    for (int i = 0; i < store->totalCerts; i++)
        if (!note_certificate(reading, th_slice_of(store->certs[i].buffer, store->certs[i].length)))
            return th_fault_set(reading->fault, TH_E_CERTIFICATE,
                                "a certificate of the chain cannot be read");
    int result = read_lists(reading, &reading->stream->context->crl);
    return result < 0 ? result : conclude(reading);
}

bool th_tls_revoked_none(struct th_tls_stream *stream, const struct WOLFSSL_X509_STORE_CTX *store)
{
    if (!th_source_given(&stream->context->crl))
        return true;
    struct reading *reading = begin(stream->fault);
    stream->refusal = TH_E_MEMORY;
    if (!reading)
        return false;
    reading->stream = stream;
    stream->refusal = end(reading, check(reading, store));
    return stream->refusal == 0;
}

/* The handshake is replayed allocation by allocation. What does not depend on the server is
 * measured: a stream is opened and says hello to nobody. What its certificates take is measured by
 * decoding them. The rest is wolfSSL's structs and, below, its constants. */
#include "tls/plan.h"

#include "base/err.h"
#include "identity/pem.h"
#include "mem/payer.h"
#include "tls/errors.h"
#include "tls/stream.h"
#include "tls/version.h"

#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/internal.h>
#include <wolfssl/wolfcrypt/asn.h>

#define RECORD_HEADER 5
#define MESSAGE_HEADER 4
#define TAG 16
#define OUT_HEADER (RECORD_HEADER + WOLFSSL_GENERAL_ALIGNMENT) /* of what is sent */
#define ECDSA_256 71        /* a signature, mostly */
#define ECDSA_384 103
#define ECDSA_FIELDS 7      /* of it, beside two numbers */
#define P384_KEY 100        /* public keys of that curve are larger, of P-256 smaller */
#define RSA_LEAST_BYTES 256 /* no signature of ECDSA is so long */
#define RSA_MOST_BYTES 512
#define RSA_KEY_FIELDS 14   /* of a public key, beside the modulus */
#define SIGNATURE_FIELDS 4  /* algorithm and length */
#define PSS_HEADER 33       /* of the encoded message, less than the modulus */
#define DIGEST 64
#define SUITE_NONCE 12
#define SERVER_NAME_BUFFER 256
#define TLS13_SIGNED 162    /* RFC 8446 section 4.4.3: 64 blanks, the label, a digest */
#define TLS12_SIGNED 512
#define TLS12_ARGUMENTS 104 /* wolfSSL keeps those of its key exchange */
#define KEY_EXCHANGE 42     /* ClientKeyExchange with X25519 */
#define VERIFY_ROOM 785     /* wolfSSL makes room for the largest CertificateVerify */
#define CHANGE_CIPHER_SPEC 6

/* One certificate. Modulus and rsa_signature: 0 with elliptic curves. */
struct piece {
    uint32_t der_bytes;
    uint32_t decoded_bytes; /* beside the struct: key and alternative names */
    uint32_t signer_bytes;  /* what stays of an intermediate */
    uint32_t modulus_bytes;
    uint32_t rsa_signature_bytes; /* by its issuer */
    uint32_t signs_bytes;         /* what its key makes, of any kind */
    bool is_root;
};

struct chain {
    struct piece pieces[MAX_CHAIN_DEPTH];
    size_t count;
    uint32_t ders_bytes;
};

struct own {
    uint32_t ders_bytes; /* of the whole chain */
    uint32_t leaf_bytes;
    uint32_t count;
    uint32_t modulus_bytes;
    uint32_t signs_bytes;
};

struct tally {
    uint32_t live_bytes, peak_bytes;
};

static void take(struct tally *tally, size_t bytes)
{
    tally->live_bytes += (uint32_t)bytes;
    if (tally->live_bytes > tally->peak_bytes)
        tally->peak_bytes = tally->live_bytes;
}

static void give(struct tally *tally, size_t bytes)
{
    tally->live_bytes -= (uint32_t)bytes;
}

static void touch(struct tally *tally, size_t bytes)
{
    take(tally, bytes);
    give(tally, bytes);
}

static uint32_t live_bytes(void)
{
    return th_payer_current()->ledger.live_bytes;
}

static size_t key_bytes(uint32_t modulus_bytes)
{
    return modulus_bytes ? sizeof(RsaKey) : sizeof(ecc_key);
}

/* ---- the server's chain ---------------------------------------------------------------------- */

/* What its key makes. */
static uint32_t signature_of(const DecodedCert *cert)
{
    if (cert->keyOID == RSAk)
        return cert->pubKeySize - RSA_KEY_FIELDS;
    return cert->pubKeySize > P384_KEY ? ECDSA_384 : ECDSA_256;
}

/* wolfSSL finds out when it is to verify with it. */
static int check_key(const DecodedCert *cert)
{
    uint32_t bytes = signature_of(cert);
    if (cert->keyOID == RSAk)
        return bytes < RSA_LEAST_BYTES || bytes > RSA_MOST_BYTES ? RSA_KEY_SIZE_E : 0;
    bool is_known = cert->pkCurveOID == ECC_SECP256R1_OID || cert->pkCurveOID == ECC_SECP384R1_OID;
    return is_known ? 0 : ECC_CURVE_OID_E;
}

static void fill_piece(struct piece *piece, const DecodedCert *cert, uint32_t decoded_bytes)
{
    piece->der_bytes = cert->maxIdx;
    piece->decoded_bytes = decoded_bytes;
    piece->signer_bytes = (uint32_t)sizeof(Signer) + cert->pubKeySize +
                          (uint32_t)cert->subjectCNLen + 1;
    piece->signs_bytes = signature_of(cert);
    piece->modulus_bytes = cert->keyOID == RSAk ? piece->signs_bytes : 0;
    piece->rsa_signature_bytes = cert->sigLength >= RSA_LEAST_BYTES ? cert->sigLength : 0;
    piece->is_root = cert->selfSigned;
}

static int decode(struct piece *piece, struct th_slice der)
{
    DecodedCert *cert = XMALLOC(sizeof *cert, NULL, DYNAMIC_TYPE_DCERT);
    if (!cert)
        return MEMORY_E;
    uint32_t before = live_bytes();
    InitDecodedCert(cert, der.data, (word32)der.len_bytes, NULL);
    int code = ParseCertRelative(cert, CERT_TYPE, NO_VERIFY, NULL, NULL);
    if (code == 0)
        code = check_key(cert);
    if (code == 0)
        fill_piece(piece, cert, live_bytes() - before);
    FreeDecodedCert(cert);
    XFREE(cert, NULL, DYNAMIC_TYPE_DCERT);
    return code;
}

static int add_certificate(void *arg, enum th_pem_kind kind, struct th_slice der,
                           const struct th_pem_place *place, struct th_fault *fault)
{
    struct chain *chain = arg;
    if (kind != TH_PEM_CERTIFICATE && kind != TH_PEM_DER)
        return TH_PEM_DROP;
    if (chain->count == MAX_CHAIN_DEPTH)
        return th_fault_set(fault, TH_E_CERTIFICATE, "%s: more than %d certificates", place->name,
                            MAX_CHAIN_DEPTH);
    struct th_tls_mark mark = th_tls_mark();
    int code = decode(&chain->pieces[chain->count], der);
    if (code != 0 && th_tls_refused_since(mark))
        return th_tls_setup_error(code, mark, "decode the server's chain", fault);
    if (code != 0)
        return th_tls_file_error(code, "the server's chain", place, fault);
    chain->ders_bytes += chain->pieces[chain->count++].der_bytes;
    return TH_PEM_DROP;
}

static int read_chain(struct chain *chain, const struct th_source *source, struct th_fault *fault)
{
    const struct th_pem_sink sink = {.block = add_certificate, .arg = chain};
    struct th_der der = {0};
    int blocks = th_pem_read(source, "the server's chain", &sink, &der, fault);
    th_der_close(&der);
    if (blocks >= 0 && chain->count == 0)
        return th_fault_set(fault, TH_E_CERTIFICATE, "%s holds no certificate",
                            source->path ? source->path : "the server's chain");
    return blocks < 0 ? blocks : 0;
}

static struct own own_of(const WOLFSSL_CTX *ctx)
{
    struct own own = {0};
    if (!ctx->certificate)
        return own;
    own.leaf_bytes = own.ders_bytes = ctx->certificate->length;
    own.count = 1;
    if (ctx->certChain) {
        own.count += (uint32_t)ctx->certChainCnt;
        own.ders_bytes += ctx->certChain->length - 3 * (uint32_t)ctx->certChainCnt;
    }
    own.modulus_bytes = ctx->privateKeyType == rsa_sa_algo ? (uint32_t)ctx->privateKeySz : 0;
    own.signs_bytes = own.modulus_bytes ? own.modulus_bytes
                                        : 2 * (uint32_t)ctx->privateKeySz + ECDSA_FIELDS;
    return own;
}

/* ---- the beginning, measured ----------------------------------------------------------------- */

struct hello {
    uint32_t live_bytes, peak_bytes, wire_bytes;
    bool is_13;
};

static int swallow(void *arg, const uint8_t *data, size_t bytes)
{
    (void)data;
    ((struct hello *)arg)->wire_bytes += (uint32_t)bytes;
    return (int)bytes;
}

static int say_nothing(void *arg, uint8_t *buffer, size_t bytes)
{
    (void)arg, (void)buffer, (void)bytes;
    return TH_WANT_READ;
}

static int say_hello(struct hello *hello, struct th_tls_context *context, const char *name,
                     struct th_fault *fault)
{
    const struct th_tls_io io = {say_nothing, swallow, hello};
    const struct th_ledger *ledger = &th_payer_current()->ledger;
    uint32_t before = live_bytes();
    struct th_tls_stream stream;
    int result = th_tls_stream_open(&stream, context, name, &io, fault);
    if (result < 0)
        return result;
    hello->is_13 = wolfSSL_version(stream.ssl) == TLS1_3_VERSION;
    result = th_tls_stream_shake(&stream);
    hello->live_bytes = live_bytes() - before;
    hello->peak_bytes = ledger->peak_bytes - before;
    th_tls_stream_close(&stream);
    return result == TH_WANT_READ ? 0 : result;
}

/* ---- the rest, replayed ---------------------------------------------------------------------- */

struct replay {
    struct tally heap;
    const struct chain *chain;
    struct own own;
    const struct th_tls_suites *suites;
    bool is_13;
    uint32_t record_threshold_bytes;
};

/* Records beyond the threshold lie in the cell. */
static uint32_t in_heap(const struct replay *r, uint32_t record_bytes)
{
    return record_bytes > r->record_threshold_bytes ? 0 : record_bytes;
}

static uint32_t wrap_bytes(const struct replay *r)
{
    return r->is_13 ? 1 + TAG : TAG;
}

static uint32_t certificate_message(const struct replay *r, uint32_t ders_bytes, uint32_t count)
{
    return r->is_13 ? MESSAGE_HEADER + 4 + ders_bytes + 5 * count
                    : MESSAGE_HEADER + 3 + ders_bytes + 3 * count;
}

static uint32_t chain_record(const struct replay *r)
{
    uint32_t message = certificate_message(r, r->chain->ders_bytes, (uint32_t)r->chain->count);
    return r->is_13 ? message + wrap_bytes(r) : message;
}

static void check_signature(struct tally *heap, const struct piece *piece)
{
    touch(heap, DIGEST + key_bytes(piece->rsa_signature_bytes) + piece->rsa_signature_bytes);
}

static void read_intermediate(struct tally *heap, const struct piece *piece)
{
    take(heap, piece->decoded_bytes);
    check_signature(heap, piece);
    if (!piece->is_root) {
        touch(heap, sizeof(DerBuffer) + piece->der_bytes + piece->signer_bytes);
        take(heap, piece->signer_bytes);
    }
    give(heap, piece->decoded_bytes);
}

static void read_leaf(struct tally *heap, const struct piece *leaf)
{
    take(heap, leaf->decoded_bytes);
    check_signature(heap, leaf);
    take(heap, key_bytes(leaf->modulus_bytes));
    touch(heap, sizeof(WOLFSSL_X509_STORE_CTX) + SERVER_NAME_BUFFER);
    give(heap, leaf->decoded_bytes);
}

static void read_certificates(struct replay *r)
{
    size_t lists = r->is_13 ? 2 : 1;
    size_t passing = in_heap(r, chain_record(r)) + lists * MAX_CHAIN_DEPTH * sizeof(buffer) +
                     sizeof(DecodedCert);
    take(&r->heap, passing);
    for (size_t i = r->chain->count - 1; i > 0; i--)
        read_intermediate(&r->heap, &r->chain->pieces[i]);
    read_leaf(&r->heap, &r->chain->pieces[0]);
    give(&r->heap, passing);
    give(&r->heap, key_bytes(r->chain->pieces[0].modulus_bytes));
}

static void sign_13(struct replay *r)
{
    uint32_t modulus = r->own.modulus_bytes;
    uint32_t out = OUT_HEADER + certificate_message(r, r->own.ders_bytes, r->own.count) +
                   MAX_MSG_EXTRA;
    take(&r->heap, SUITE_NONCE + out);
    touch(&r->heap, out + VERIFY_ROOM);
    take(&r->heap, VERIFY_ROOM + key_bytes(modulus));
    touch(&r->heap, modulus ? modulus + DIGEST + modulus - PSS_HEADER : TLS13_SIGNED);
}

static void sign_12(struct replay *r)
{
    uint32_t modulus = r->own.modulus_bytes;
    uint32_t out = OUT_HEADER + certificate_message(r, r->own.ders_bytes, r->own.count);
    take(&r->heap, TLS12_ARGUMENTS + out);
    touch(&r->heap, sizeof(curve25519_key) + ENCRYPT_LEN + out + KEY_EXCHANGE);
    take(&r->heap, KEY_EXCHANGE + key_bytes(modulus) + TLS12_SIGNED);
    uint32_t padded = modulus ? modulus + modulus - PSS_HEADER : 0;
    uint32_t grown = out + KEY_EXCHANGE + RECORD_HEADER + MESSAGE_HEADER + SIGNATURE_FIELDS +
                     r->own.signs_bytes;
    touch(&r->heap, padded > grown ? padded : grown);
}

/* Of the record cipher offered first, for both directions. */
static size_t cipher_bytes(const struct th_tls_suites *suites)
{
    bool is_chacha = suites->bytes[1] == TLS_CHACHA20_POLY1305_SHA256;
    return is_chacha ? sizeof(Poly1305) + 2 * sizeof(ChaCha) : 2 * sizeof(Aes);
}

/* The key share is gone by then. */
static void change_keys(struct replay *r)
{
    take(&r->heap, cipher_bytes(r->suites) + SUITE_NONCE);
    give(&r->heap, sizeof(ecc_key));
}

static void replay(struct replay *r)
{
    if (r->is_13)
        change_keys(r);
    read_certificates(r);
    if (r->own.count)
        (r->is_13 ? sign_13 : sign_12)(r);
}

/* ---- the records ----------------------------------------------------------------------------- */

/* OpenSSL's tickets hold the session with our certificate, and what protects it. */
#define TICKET_FRAME 64
#define TICKET_SESSION 130
#define TICKET_BLOCK 16

/* Beside certificates and signatures, on the wire. */
#define SERVER_FLIGHT_13 255 /* ServerHello to CertificateRequest */
#define SERVER_FLIGHT_12 131 /* likewise, and ServerHelloDone */
#define KEY_SHARE_12 44      /* ServerKeyExchange with X25519, without its signature */
#define VERIFY_BUFFER_12 768 /* wolfSSL's, of the type of a record */
#define FINISHED_13 (RECORD_HEADER + MESSAGE_HEADER + 32 + 1 + TAG)
#define FINISHED_12 (RECORD_HEADER + MESSAGE_HEADER + 12 + TAG)

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t ticket_record(const struct replay *r)
{
    uint32_t session = TICKET_SESSION + r->own.leaf_bytes;
    uint32_t ticket = TICKET_FRAME + (session / TICKET_BLOCK + 1) * TICKET_BLOCK;
    return ticket + (r->is_13 ? 25 + wrap_bytes(r) : 10);
}

static uint32_t signed_record(const struct replay *r)
{
    uint32_t signature = r->chain->pieces[0].signs_bytes;
    return r->is_13 ? MESSAGE_HEADER + SIGNATURE_FIELDS + signature + wrap_bytes(r)
                    : KEY_SHARE_12 + signature;
}

static uint32_t largest_record(const struct replay *r)
{
    uint32_t largest = larger(chain_record(r), signed_record(r));
    largest = larger(largest, ticket_record(r));
    return !r->is_13 && r->own.count ? larger(largest, VERIFY_BUFFER_12) : largest;
}

static uint32_t largest_flight(const struct replay *r)
{
    uint32_t rest = r->is_13 ? SERVER_FLIGHT_13 + FINISHED_13 : SERVER_FLIGHT_12;
    return rest + RECORD_HEADER + chain_record(r) + RECORD_HEADER + signed_record(r);
}

/* OpenSSL sends two at once. */
static uint32_t tickets(const struct replay *r)
{
    return r->is_13 ? 2 * (RECORD_HEADER + ticket_record(r)) : 0;
}

static uint32_t sealed(const struct replay *r, uint32_t message_bytes)
{
    return RECORD_HEADER + message_bytes + (r->is_13 ? wrap_bytes(r) : 0);
}

static uint32_t our_certificates(const struct replay *r)
{
    return sealed(r, certificate_message(r, r->own.ders_bytes, r->own.count)) +
           sealed(r, MESSAGE_HEADER + SIGNATURE_FIELDS + r->own.signs_bytes);
}

static uint32_t our_flight(const struct replay *r)
{
    uint32_t rest = CHANGE_CIPHER_SPEC + (r->is_13 ? FINISHED_13 : FINISHED_12 + KEY_EXCHANGE);
    return rest + (r->own.count ? our_certificates(r) : 0);
}

/* ---------------------------------------------------------------------------------------------- */

int th_tls_plan(struct th_tls_plan *plan, struct th_tls_context *context, const char *server_name,
                const struct th_source *server_chain, uint32_t record_threshold_bytes,
                struct th_fault *fault)
{
    struct hello hello = {0};
    struct chain chain = {.count = 0};
    int result = say_hello(&hello, context, server_name, fault);
    if (result == 0)
        result = read_chain(&chain, server_chain, fault);
    if (result < 0)
        return result;
    struct replay r = {
        .heap = {hello.live_bytes, hello.peak_bytes},
        .chain = &chain,
        .own = own_of(context->ctx),
        .suites = &context->suites,
        .is_13 = hello.is_13,
        .record_threshold_bytes = record_threshold_bytes,
    };
    replay(&r);
    *plan = (struct th_tls_plan){
        .heap_bytes = r.heap.peak_bytes,
        .record_bytes = largest_record(&r),
        .flight_bytes = largest_flight(&r),
        .out_bytes = larger(our_flight(&r), hello.wire_bytes),
        .tickets_bytes = tickets(&r),
        .wrap_bytes = wrap_bytes(&r),
    };
    return 0;
}

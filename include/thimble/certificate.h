/* What a certificate says (RFC 5280), read from its DER. Nothing is verified here, nothing
 * allocated, and everything points into the bytes that were handed in. All but
 * th_certificates_read() are pure. */
#ifndef THIMBLE_CERTIFICATE_H
#define THIMBLE_CERTIFICATE_H

#include <thimble.h>

#ifdef __cplusplus
extern "C" {
#endif

struct th_certificate {
    struct th_slice der;              /* all of it */
    struct th_slice serial;           /* big endian, without leading zeros */
    struct th_slice issuer;           /* Name, as th_name_text() takes it */
    struct th_slice subject;
    int64_t not_before_s;             /* since 1970, UTC; also before, and after 2038 */
    int64_t not_after_s;
    struct th_slice public_key;       /* SubjectPublicKeyInfo, its header included: what pins pin */
    const char *key;                  /* "EC", "RSA", "rsassaPss", "ED25519"; "unknown" */
    const char *curve;                /* "P-256"; "unknown"; "" unless EC */
    unsigned key_bits;                /* 256 for P-256; of an unknown kind, those of its bytes */
    const char *signature;            /* as OpenSSL calls it: "ecdsa-with-SHA256"; "unknown" */
    struct th_slice alternative_names; /* for th_certificate_next_name(); empty: none */
    struct th_slice purposes;         /* for th_certificate_next_purpose(); empty: any */
    struct th_slice subject_key_id;   /* empty: none */
    struct th_slice authority_key_id;
    uint16_t key_usage;               /* bit n of section 4.2.1.3 is bit n; 0: not said */
    bool is_authority;                /* basic constraints with cA */
    int path_length;                  /* -1: no limit */
};

/* 0, or TH_E_CERTIFICATE: these bytes are no certificate, or not exactly one. */
int th_certificate_read(struct th_certificate *certificate, struct th_slice der);

/* Room for any text below that is not deliberately long; what does not fit is cut off. Bytes that
 * are not printable ASCII are written as \C3\A4. */
#define TH_CERTIFICATE_TEXT_BYTES 512

/* "CN=device-7,O=Example,C=DE" (RFC 4514, the other end first, as `openssl -nameopt RFC2253`). */
void th_name_text(struct th_slice name, char *text, size_t text_bytes);

/* "DNS:broker.example", "IP:192.0.2.1", "IP:2001:DB8:0:0:0:0:0:1", "email:", "URI:", "other:".
 * Takes the first name off `rest`. False at the end. */
bool th_certificate_next_name(struct th_slice *rest, char *text, size_t text_bytes);

/* "serverAuth", "clientAuth", ... or "1.3.6.1.5.2.3.5". */
bool th_certificate_next_purpose(struct th_slice *rest, char *text, size_t text_bytes);

/* "digitalSignature" for bit 0 of key_usage; NULL beyond the last. */
const char *th_key_usage_name(unsigned bit);

/* SHA-256: of `der` it is the fingerprint, of `public_key` the pin. False: it failed. */
#define TH_DIGEST_BYTES 32
bool th_digest(struct th_slice bytes, uint8_t digest[TH_DIGEST_BYTES]);

/* Calls `take` for each certificate of a file, PEM or DER; what else is in it is passed over. What
 * `take` gets is there until it returns; less than zero ends the reading with it. The block,
 * aligned to 16, is used for the time of the call; TH_DESK_BYTES are enough for certificates of 8
 * KB. Returns how many there were; FILE (also if there was none), MEMORY, or what `take`
 * returned. */
#define TH_DESK_BYTES 32768
typedef int (*th_certificate_taker)(void *arg, const struct th_certificate *certificate,
                                    struct th_fault *fault);
int th_certificates_read(void *block, size_t block_bytes, const struct th_source *source,
                         th_certificate_taker take, void *arg, struct th_fault *fault);

/* The same of a file, or of the files in a directory that end in .pem, .crt, .cer or .0; those that
 * hold none are passed over. */
int th_authorities_read(void *block, size_t block_bytes, const char *path,
                        th_certificate_taker take, void *arg, struct th_fault *fault);

/* Verifies the chain of `config->certificate`, leaf first, against its roots: signatures,
 * dates, basic constraints; with a `host` (else NULL) also what is asked of a server of that name.
 * Nothing else of `config` counts. `block` is what th_context_open() wants. 0, or CERTIFICATE,
 * SERVER_NAME, FILE, MEMORY, ARGUMENT. */
int th_chain_verify(void *block, size_t block_bytes, const struct th_context_config *config,
                    const char *host, struct th_fault *fault);

#ifdef __cplusplus
}
#endif

#endif

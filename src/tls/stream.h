/* One TLS connection over somebody else's bytes.
 *
 * Memory is taken from the current payer: set the connection's payer around every call. The TLS
 * heap holds it; the record being read lies in the record cell. */
#ifndef TH_TLS_STREAM_H
#define TH_TLS_STREAM_H

#include "tls/context.h"
#include "tls/host.h"
#include <thimble.h>

struct WOLFSSL;
struct th_ocsp_subject;

/* The bytes below: > 0 moved, TH_WANT_READ, TH_WANT_WRITE, or TH_E_* (TH_E_CLOSED: orderly end of
 * the byte stream). The callbacks may set the connection's fault before they return an error. */
struct th_tls_io {
    int (*read)(void *arg, uint8_t *buffer, size_t bytes);
    int (*write)(void *arg, const uint8_t *data, size_t bytes);
    void *arg;
};

struct th_tls_stream {
    struct WOLFSSL *ssl;
    struct th_tls_context *context;
    struct th_tls_io io;
    struct th_host host;
    struct th_fault *fault;
    int io_error;       /* TH_E_* the bytes below ended with; 0: none */
    int refusal;        /* TH_E_* the server's certificates were refused with; 0: none */
    uint32_t refused;   /* th_tls_mark() before the step of the handshake that is being taken */
    bool verified;      /* the verify callback has accepted the server's leaf, now or back then */
    uint64_t verified_ms; /* when: th_clock_ms() */
    int64_t end_s;      /* th_calendar_s() when the first certificate of its chain ends */
    bool must_staple;   /* the server's certificate, or we, want an OCSP response stapled */
    struct th_ocsp_subject *awaited; /* what one that may still come must be about, or NULL */
    bool lacks_root;    /* the issuer may be among the roots that are not loaded */
    uint32_t roots_turn; /* bundle.turn when the handshake began */
    uint8_t first_byte; /* of what the server sent: in TLS the type of a record */
    bool shaken;        /* the handshake is complete */
    bool heard;         /* data has been read: the server accepted our certificate */
    bool finished;      /* close_notify was handed to the bytes below */
    bool offered;       /* a session of an earlier connection, to take it up again */
    bool ticketed;      /* the server gave a session ticket */
    const char *again;  /* the handshake failed; why another at once may not. NULL: it would */
};

/* Prepares a handshake with `host` (name or address; it must be in the certificate). SNI is sent
 * for names, never for addresses. `fault` is kept until close and takes the first failure of every
 * call below. Errors: SERVER_NAME, MEMORY, ENTROPY, CLOCK, TLS. After an error nothing is held. */
int th_tls_stream_open(struct th_tls_stream *stream, struct th_tls_context *context,
                       const char *host, const struct th_tls_io *io, struct th_fault *fault);

/* Carries the handshake on. 0 when it is complete, TH_WANT_*, or an error: CERTIFICATE,
 * SERVER_NAME, CIPHER_SUITE, HANDSHAKE, CLIENT_CERTIFICATE, MEMORY, CLOSED, RECEIVE, TLS. After an
 * error look at `again`. */
int th_tls_stream_shake(struct th_tls_stream *stream);

/* Bytes moved, TH_WANT_*, or an error. Read until TH_WANT_READ before polling: wolfSSL may hold
 * more. read: TH_E_CLOSED after the peer's close_notify, TH_E_RECEIVE when the bytes ended without
 * one, TH_E_CLIENT_CERTIFICATE when a TLS 1.3 server refuses our certificate after its handshake.
 * write may take less than given; after TH_WANT_* call again with the same data. */
int th_tls_stream_read(struct th_tls_stream *stream, uint8_t *buffer, size_t bytes);
int th_tls_stream_write(struct th_tls_stream *stream, const uint8_t *data, size_t bytes);

/* After the bytes below can no longer be written: looks whether the server said why before it left
 * (TLS 1.3 refuses a client certificate that way). The answer replaces the fault, if there is one.
 * Returns the error. th_tls_stream_write() does this itself; call it when a later flush fails. */
int th_tls_stream_ask_why(struct th_tls_stream *stream);

/* Sends close_notify. 0 when it is handed over, TH_WANT_WRITE, or an error. */
int th_tls_stream_finish(struct th_tls_stream *stream);

/* Gives every byte back at any moment; sends nothing. A stream that is all zero is fine. */
void th_tls_stream_close(struct th_tls_stream *stream);

/* What was negotiated: "TLSv1.3", the IANA name of the suite, the group ("P-256"), the protocol
 * name ("" if none). Before the handshake is complete all are "". Static or owned by the stream. */
struct th_tls_facts {
    const char *version;
    const char *suite;
    const char *group;
    char alpn[32];
    bool resumed;
};

void th_tls_stream_facts(const struct th_tls_stream *stream, struct th_tls_facts *facts);

#endif

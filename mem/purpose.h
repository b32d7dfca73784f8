/* What a block is for. wolfSSL's DYNAMIC_TYPE_* are mapped to these by one table in mem/wolf.c. */
#ifndef TH_MEM_PURPOSE_H
#define TH_MEM_PURPOSE_H

enum th_purpose {
    TH_PURPOSE_OTHER,       /* temporary buffers and whatever has no name here */
    TH_PURPOSE_SESSION,     /* one TLS connection: its state, cipher suites, secrets */
    TH_PURPOSE_CONTEXT,     /* the TLS context and its certificate manager */
    TH_PURPOSE_CERTIFICATE, /* chains, roots, decoded certificates and their names */
    TH_PURPOSE_KEY,         /* private and public keys */
    TH_PURPOSE_RECORD_IN,   /* received record */
    TH_PURPOSE_RECORD_OUT,  /* record to send */
    TH_PURPOSE_HANDSHAKE,   /* what ends with the handshake: randoms, transcripts, messages */
    TH_PURPOSE_EXTENSION,   /* TLS extensions: server name, ALPN, key shares, groups */
    TH_PURPOSE_TICKET,      /* session tickets */
    TH_PURPOSE_HASH,        /* digests and message authentication */
    TH_PURPOSE_CIPHER,      /* record protection */
    TH_PURPOSE_BIGNUM,      /* RSA and large numbers */
    TH_PURPOSE_ECC,         /* elliptic curve keys, points and signatures */
    TH_PURPOSE_RANDOM,      /* random generator and seed */
    TH_PURPOSE_FILE,        /* PEM and DER while they are read */
    TH_PURPOSE_LIBC,        /* malloc of the binary */
    TH_PURPOSES
};

/* "record-in" for TH_PURPOSE_RECORD_IN: stable, used as a key of the report. */
const char *th_purpose_name(enum th_purpose purpose);

#endif

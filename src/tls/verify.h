/* The last word on a server's certificates: what wolfSSL accepted must also pass our policy. */
#ifndef TH_TLS_VERIFY_H
#define TH_TLS_VERIFY_H

struct WOLFSSL_X509_STORE_CTX;

/* wolfSSL's verify callback, with the th_tls_stream as its argument. It is called for the leaf in
 * every case (WOLFSSL_ALWAYS_VERIFY_CB) and for any certificate that fails; what failed stays
 * failed. Accepting the leaf sets stream->verified, without which no handshake completes. */
int th_tls_verify(int preverified, struct WOLFSSL_X509_STORE_CTX *store);

/* For insecure_no_verify; pins hold even then. wolfSSL's own "none" still refuses a certificate not
 * made for servers. */
int th_tls_verify_nothing(int preverified, struct WOLFSSL_X509_STORE_CTX *store);

/* With a pre-shared key: a server that shows a certificate did not use the key, and is refused. */
int th_tls_verify_none_wanted(int preverified, struct WOLFSSL_X509_STORE_CTX *store);

#endif

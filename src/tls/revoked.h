/* Lists of revoked certificates (CRLs, RFC 5280 section 5). The file is read in one pass when a
 * server has shown its chain, entry by entry: a list may be of any length, and one that was
 * replaced counts at once. */
#ifndef TH_TLS_REVOKED_H
#define TH_TLS_REVOKED_H

#include <thimble.h>

struct WOLFSSL_X509_STORE_CTX;
struct th_tls_stream;

/* Whether the file can be read, and holds a list. */
int th_tls_revoked_open(const struct th_source *lists, struct th_fault *fault);

/* A chain that wolfSSL has verified: none of its certificates may stand in a list of its issuer,
 * and for the leaf there must be one. A list counts if its issuer signed it and it is in force.
 * False:
 * the stream's refusal and fault say why. */
bool th_tls_revoked_none(struct th_tls_stream *stream, const struct WOLFSSL_X509_STORE_CTX *store);

#endif

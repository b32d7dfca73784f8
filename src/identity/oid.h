/* Object identifiers by name. */
#ifndef TH_IDENTITY_OID_H
#define TH_IDENTITY_OID_H

#include <thimble.h>

/* The name of an identifier certificates are made of, as OpenSSL has it ("CN", "serverAuth",
 * "ecdsa-with-SHA256"); keys are "EC", "RSA", curves "P-256". NULL: not in the table. `oid` is the
 * content, without tag and length. */
const char *th_oid_name(struct th_slice oid);

/* The other way round, for attributes of names: the content for "CN". False: not in the table. */
bool th_oid_of_name(const char *name, size_t name_bytes, struct th_slice *oid);

#endif

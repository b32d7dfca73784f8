/* Name constraints (RFC 5280 section 4.2.1.10). Pure. */
#ifndef TH_TLS_CONSTRAINTS_H
#define TH_TLS_CONSTRAINTS_H

#include <stdbool.h>
#include <thimble.h>

/* Whether an authority with these constraints may certify these names. `constraints` is the value
 * of its extension, `subject` the content of a Name, `alternative` the value of a subjectAltName;
 * empty:
 * there is none. Names of host, address, mailbox, URI and directory are held against them; of other
 * kinds, and of what cannot be read, none is allowed that is constrained at all. */
bool th_constraints_allow(struct th_slice constraints, struct th_slice subject,
                          struct th_slice alternative);

#endif

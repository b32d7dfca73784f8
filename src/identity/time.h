/* The times in certificates and lists of revoked ones. */
#ifndef TH_IDENTITY_TIME_H
#define TH_IDENTITY_TIME_H

#include <thimble.h>

/* Takes a UTCTime or GeneralizedTime (RFC 5280 section 4.1.2.5): seconds since 1970, UTC. */
bool th_identity_take_time(struct th_slice *in, int64_t *when_s);

#endif

/* JSON that comes from elsewhere, as part of ours. */
#ifndef TH_JSON_COPY_H
#define TH_JSON_COPY_H

#include "json/flow.h"

/* How deep objects and arrays may lie in each other. */
#define TH_JSON_COPY_DEPTH 127

/* Writes one value (RFC 8259) without the blanks around its parts, in the manner of `to`: escapes
 * that are not needed become the characters they stand for; numbers keep their digits, but for
 * zeros at the end of a fraction. False: it is not JSON, or too deep; the beginning may be written
 * then. Into nothing (`to->write` NULL) this is a check. */
bool th_json_copy(struct th_json_flow *to, struct th_slice text);

#endif

/* Reads one JSON object (RFC 8259) of texts, numbers, true, false and null, without a tree: the
 * members lie where they stand in the text. */
#ifndef TH_JSON_FLAT_H
#define TH_JSON_FLAT_H

#include <stdbool.h>
#include <thimble.h>

struct th_json_member {
    struct th_slice name;  /* without its quotes, as it stands there */
    struct th_slice value; /* as it stands there: "\"text\"", "12", "true" */
};

/* True if it is such an object, and nothing else. */
bool th_json_flat_check(struct th_slice text);

/* Of what passed the check: takes the first member off `rest`, which is the whole text at first.
 * False at the end. */
bool th_json_flat_next(struct th_slice *rest, struct th_json_member *member);

/* Number of a value; 0 if it is none, or does not fit. */
uint64_t th_json_flat_number(struct th_slice value);

#endif

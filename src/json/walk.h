/* Reads JSON (RFC 8259) where it stands, without a tree: each value is made a text of its own in
 * place, and shown with the names that lead to it. Every mistake has its line and column. */
#ifndef TH_JSON_WALK_H
#define TH_JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>

/* How deep objects and arrays may lie in each other. */
#define TH_JSON_WALK_DEPTH 8

struct th_json_place {
    unsigned line, column; /* both from 1 on; columns are bytes */
};

/* A text, a number, true, false or null. */
struct th_json_leaf {
    const char *const *names; /* from the outside in; NULL for an array */
    const unsigned *elements; /* of the arrays: the how many-eth, from 0 on */
    unsigned depth;           /* how many names, at least 1 */
    char *text;               /* ended by NUL, unescaped; "12", "true" */
    bool is_text;             /* it stood between quotes */
    struct th_json_place name, value; /* where the innermost name stands, and the value */
};

struct th_json_walk {
    bool (*take)(void *arg, const struct th_json_leaf *leaf); /* false: no further */
    void *arg;
    bool tells_empty; /* objects and arrays without anything are leaves, too: text "", no quotes */
    struct th_json_place stopped; /* where it is no JSON, or what take() did not want */
    const char *wanted;           /* what should stand there; NULL: take() said no */
};

/* The text must be an object. It is written over; the leaves live as long as it does. False: see
 * `stopped`. */
bool th_json_walk(struct th_json_walk *walk, char *text, size_t bytes);

#endif

/* Roots with name constraints. wolfSSL keeps name and key of a root, and nothing else we could hold
 * a server's names against. */
#ifndef TH_TLS_ANCHORS_H
#define TH_TLS_ANCHORS_H

#include "tls/policy.h"

struct th_tls_anchor;

/* Keeps a root that is to be loaded, if it has constraints, at the expense of the current payer.
 * False: no memory. */
bool th_tls_anchors_keep(struct th_tls_anchor **list, struct th_slice root);

/* Gives all back to the current payer. */
void th_tls_anchors_forget(struct th_tls_anchor **list);

/* Whether all roots the path may lead to allow the names in it. */
enum th_policy th_tls_anchors_judge(const struct th_tls_anchor *list,
                                    const struct th_policy_path *path);

#endif

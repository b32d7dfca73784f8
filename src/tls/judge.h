/* Judges what we would show a server: see th_identity_judge(). Memory is taken from the current
 * payer and given back. */
#ifndef TH_TLS_JUDGE_H
#define TH_TLS_JUDGE_H

#include <thimble/identity.h>

int th_tls_judge(const struct th_context_config *config,
                 void (*on_leaf)(void *arg, const struct th_certificate *leaf), void *arg,
                 struct th_fault *fault);

#endif

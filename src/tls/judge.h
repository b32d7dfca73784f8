/* Judges what we would show a server: see th_identity_judge(). Memory is taken from the current
 * payer and given back. */
#ifndef TH_TLS_JUDGE_H
#define TH_TLS_JUDGE_H

#include <thimble/identity.h>

int th_tls_judge(const struct th_context_config *config, const struct th_judging *judging,
                 struct th_fault *fault);

#endif

/* Verifies a chain from a file: see th_chain_verify(). Memory is taken from the current payer and
 * given back. */
#ifndef TH_TLS_CHAIN_H
#define TH_TLS_CHAIN_H

#include <thimble/certificate.h>

int th_tls_chain_verify(const struct th_context_config *config, const char *host,
                        struct th_fault *fault);

#endif

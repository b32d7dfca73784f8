/* Which versions of TLS a context speaks. */
#ifndef TH_TLS_VERSION_H
#define TH_TLS_VERSION_H

#include <thimble.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

/* 0, or TH_E_ARGUMENT: not a version, or the highest below the lowest. */
int th_tls_version_check(const struct th_context_config *config, struct th_fault *fault);

enum th_tls_version th_tls_lowest(const struct th_context_config *config);
enum th_tls_version th_tls_highest(const struct th_context_config *config);

/* NULL: no memory. */
WOLFSSL_METHOD *th_tls_version_method(const struct th_context_config *config);

#endif

/* TLS 1.3 and elliptic curves only, one connection. */
#define TH_PROFILE_NAME "tiny"
#define TH_CONNECTIONS 1
#define TH_TLS_GROUPS WOLFSSL_ECC_SECP256R1
#include "default.h"

/* TLS 1.3 and elliptic curves only, one connection. */
#define TH_PROFILE_NAME "tiny"
#define TH_CONNECTIONS 1
#define TH_TLS_GROUPS WOLFSSL_ECC_SECP256R1
#define TH_TLS_SUITES {0x1301, TH_TLS_1_3, "TLS_AES_128_GCM_SHA256"}
#define TH_EXPLAINED(text) ""
#define TH_STACK_BYTES 20480
#include "default.h"

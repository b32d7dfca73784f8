/* The smallest sum of heap, stack and code that speaks TLS 1.2 and 1.3 with EC and RSA. */
#define TH_PROFILE_NAME "small"
#define TH_CONNECTIONS 1
#define TH_AGENT_BIT 0
#define TH_TLS_SUITES \
    {0x1303, TH_TLS_1_3, "TLS_CHACHA20_POLY1305_SHA256"}, \
    {0x1301, TH_TLS_1_3, "TLS_AES_128_GCM_SHA256"}, \
    {0xCCA9, TH_TLS_1_2, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"}, \
    {0xCCA8, TH_TLS_1_2, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"}, \
    {0xC02B, TH_TLS_1_2, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}, \
    {0xC02F, TH_TLS_1_2, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}
#define TH_TLS_GROUPS WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_SECP384R1
#define TH_EXPLAINED(text) ""
#define TH_STACK_BYTES 16384

/* Smaller buffers, whose pages go back to the kernel when there is nothing to do. */
#define TH_SETTLE_MS 20
#define TH_STACK_RELAXED_BYTES 1024
#define TH_TCP_READ_BYTES 2048
#define TH_TCP_WRITE_BYTES 2560
#define TH_OUTBOX_BYTES 8192
#define TH_PIECE_BYTES 2048
#define TH_ALIAS_IN_BYTES 1024
#define TH_ALIAS_OUT_BYTES 1024

#include "default.h"

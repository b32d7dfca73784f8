/* What a connection will need, before there is one: th_plan() says of every pool how much of it a
 * connection to a given server takes. TLS context, identity, the beginning of a handshake and what
 * waits to be sent are measured; the rest of the handshake follows from the server's certificates.
 *
 * Figures are exact for OpenSSL servers that choose the group and the record cipher we offer first;
 * another choice moves the TLS heap by some hundred bytes. */
#ifndef THIMBLE_PLAN_H
#define THIMBLE_PLAN_H

#include <thimble/report.h>

#ifdef __cplusplus
extern "C" {
#endif

struct th_plan_config {
    struct th_source server_chain; /* PEM, as the server sends it: its own certificate first */
    uint32_t record_bytes;         /* plaintext of the largest record it sends; 0: 16,384 */
    uint32_t packet_bytes;         /* of the largest MQTT packet it sends; 0: acknowledgements */
};

struct th_plan {
    uint32_t needed_bytes[TH_REPORT_POOLS]; /* 0: the pool is not used */
};

/* `client` is open and was never connected; what was published into it counts as waiting. `plan`
 * belongs to the caller; the files are read during the call only. The highest TLS version allowed
 * is taken for the one agreed on. Errors: ARGUMENT, FILE, CERTIFICATE, MEMORY, ENTROPY, TLS. */
int th_plan(struct th_client *client, const struct th_plan_config *config, struct th_plan *plan,
            struct th_fault *fault);

#ifdef __cplusplus
}
#endif

#endif

/* A server that says anything: the input is its challenge, a newline, and its verdict. "%" in the
 * challenge stands for our nonce, which it has to repeat. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/scram.h"
#include "base/slice.h"

#define MESSAGE_BYTES 1024
#define CALLS 18 /* enough for 4,096 iterations and a few more */

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static size_t with_nonce(const struct th_auth_scram *scram, struct th_slice text, uint8_t *to)
{
    size_t used = 0, nonce_bytes = strlen(scram->nonce);
    for (size_t i = 0; i < text.len_bytes && used + nonce_bytes < MESSAGE_BYTES; i++) {
        bool stands_for_it = text.data[i] == '%';
        memcpy(to + used, stands_for_it ? (const uint8_t *)scram->nonce : text.data + i,
               stands_for_it ? nonce_bytes : 1);
        used += stands_for_it ? nonce_bytes : 1;
    }
    return used;
}

static bool answers(struct th_auth_scram *scram, struct th_slice challenge)
{
    uint8_t out[TH_AUTH_ANSWER_MAX_BYTES];
    const char *problem;
    int result = TH_WANT_READ;
    for (int calls = 0; result == TH_WANT_READ && calls < CALLS; calls++)
        result = th_auth_scram_answer(scram, challenge, out, &problem);
    demand(result == TH_WANT_READ || result == TH_E_AUTHENTICATION || result > 0);
    demand(result != TH_E_AUTHENTICATION || problem);
    demand(result <= (int)sizeof out);
    demand(result <= 0 || !memcmp(out, "c=biws,r=", 9));
    return result > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t nonce[TH_AUTH_NONCE_BYTES] = {1};
    uint8_t challenge[MESSAGE_BYTES + 1];
    struct th_auth_scram scram;
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    size_t first = line ? (size_t)(line - data) : size;
    struct th_slice verdict = line ? th_slice_of(line + 1, size - first - 1) : th_slice_of(data, 0);

    th_auth_scram_begin(&scram, th_slice_text("user"), th_slice_text("pencil"), nonce);
    size_t bytes = with_nonce(&scram, th_slice_of(data, first), challenge);
    bool answered = answers(&scram, th_slice_of(challenge, bytes));
    demand(answered || !th_auth_scram_verify(&scram, verdict));
    th_auth_scram_verify(&scram, verdict);
    th_auth_scram_wipe(&scram);
    return 0;
}

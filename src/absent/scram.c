#include "auth/scram.h"

void th_auth_scram_begin(struct th_auth_scram *scram, struct th_slice username,
                         struct th_slice password, const uint8_t nonce[TH_AUTH_NONCE_BYTES])
{
    (void)scram, (void)username, (void)password, (void)nonce;
}

/* As if the user name were too long: nothing is proved, the connection is refused. */
size_t th_auth_scram_first(const struct th_auth_scram *scram,
                           uint8_t out[TH_AUTH_FIRST_MAX_BYTES])
{
    (void)scram, (void)out;
    return 0;
}

int th_auth_scram_answer(struct th_auth_scram *scram, struct th_slice challenge,
                         uint8_t out[TH_AUTH_ANSWER_MAX_BYTES], const char **problem)
{
    (void)scram, (void)challenge, (void)out;
    *problem = "this build has no SCRAM";
    return TH_E_AUTHENTICATION;
}

bool th_auth_scram_verify(const struct th_auth_scram *scram, struct th_slice verdict)
{
    (void)scram, (void)verdict;
    return false;
}

void th_auth_scram_wipe(struct th_auth_scram *scram)
{
    (void)scram;
}

/* SCRAM-SHA-256 (RFC 5802, RFC 7677), the client's half, without channel binding: both sides prove
 * that they know the password, and it is never sent. Pure: no I/O, no time, no memory of its own.
 *
 * User name and password are used as they are, UTF-8 without the normalisation of SASLprep
 * (RFC 4013): for ASCII that is the same.
 *
 *     first     -> n,,n=USER,r=NONCE
 *     challenge <- r=NONCE and more,s=SALT,i=ITERATIONS
 *     answer    -> c=biws,r=NONCE and more,p=PROOF
 *     verdict   <- v=SIGNATURE
 */
#ifndef TH_AUTH_SCRAM_H
#define TH_AUTH_SCRAM_H

#include "crypt/hmac.h"
#include <stdbool.h>
#include <thimble.h>

#define TH_AUTH_SCRAM_METHOD "SCRAM-SHA-256"

#define TH_AUTH_NONCE_BYTES 18 /* random ones, 24 characters */
#define TH_AUTH_FIRST_MAX_BYTES 256
#define TH_AUTH_ANSWER_MAX_BYTES 224

/* What a server may ask for (RFC 7677 section 4 wants 4,096 at least). */
#define TH_AUTH_ITERATIONS_MIN 4096
#define TH_AUTH_ITERATIONS_MAX 600000
#define TH_AUTH_SALT_MAX_BYTES 64

/* One call of th_auth_scram_answer() does so many, about half a millisecond on a large machine. */
#define TH_AUTH_ITERATIONS_PER_CALL 256

enum th_auth_stage { TH_AUTH_IDLE, TH_AUTH_BEGUN, TH_AUTH_WORKING, TH_AUTH_ANSWERED };

struct th_auth_scram {
    struct th_slice username; /* the caller's, as is the password */
    struct th_slice password;
    enum th_auth_stage stage;
    uint32_t iterations_left;
    struct th_crypt_hi hi;
    char nonce[25]; /* base64 */
    uint8_t expected[TH_CRYPT_HMAC_BYTES]; /* the server's signature */
};

/* `nonce` must be random each time. */
void th_auth_scram_begin(struct th_auth_scram *scram, struct th_slice username,
                         struct th_slice password, const uint8_t nonce[TH_AUTH_NONCE_BYTES]);

/* The first message. Returns its length; 0: the user name is too long for it. */
size_t th_auth_scram_first(const struct th_auth_scram *scram,
                           uint8_t out[TH_AUTH_FIRST_MAX_BYTES]);

/* The answer to a challenge. Returns its length; TH_WANT_READ: it is being computed, call again
 * with the same challenge; TH_E_AUTHENTICATION: the challenge is not acceptable, *problem says
 * why. */
int th_auth_scram_answer(struct th_auth_scram *scram, struct th_slice challenge,
                         uint8_t out[TH_AUTH_ANSWER_MAX_BYTES], const char **problem);

/* Whether the server knows the password too. */
bool th_auth_scram_verify(const struct th_auth_scram *scram, struct th_slice verdict);

/* Forgets everything. */
void th_auth_scram_wipe(struct th_auth_scram *scram);

#endif

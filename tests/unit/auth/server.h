/* The server's half of SCRAM-SHA-256, from what a server stores. */
#ifndef TEST_AUTH_SERVER_H
#define TEST_AUTH_SERVER_H

#include "../mqtt/wire.h"

#include "auth/scram.h"
#include "crypt/base64.h"

#define SERVER_TEXT_BYTES 300
#define VERDICT_BYTES 64

struct scram_server {
    unsigned iterations;
    char first[SERVER_TEXT_BYTES], challenge[SERVER_TEXT_BYTES];
    uint8_t stored_key[32], server_key[32];
};

static inline void server_hmac(const uint8_t key[32], const char *text, uint8_t value[32])
{
    struct th_slice part = th_slice_text(text);
    assert_true(th_crypt_hmac(th_slice_of(key, 32), &part, 1, value));
}

static inline void server_open(struct scram_server *server, const char *password,
                               unsigned iterations)
{
    static const uint8_t salt[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct th_crypt_hi hi;
    uint8_t client_key[32];
    struct th_slice secret = th_slice_text(password);
    server->iterations = iterations;
    assert_true(th_crypt_hi_begin(&hi, secret, th_slice_of(salt, sizeof salt)));
    assert_true(th_crypt_hi_work(&hi, secret, iterations - 1));
    server_hmac(hi.sum, "Client Key", client_key);
    server_hmac(hi.sum, "Server Key", server->server_key);
    assert_true(th_crypt_sha256(th_slice_of(client_key, 32), server->stored_key));
}

/* The first message; afterwards server->challenge is what to send. */
static inline void server_hears(struct scram_server *server, const uint8_t *first, size_t bytes)
{
    snprintf(server->first, sizeof server->first, "%.*s", (int)bytes, (const char *)first);
    const char *nonce = strstr(server->first, ",r=");
    assert_non_null(nonce);
    snprintf(server->challenge, sizeof server->challenge, "r=%sSERVER,s=AQIDBAUGBwgJ,i=%u,x=later",
             nonce + 3, server->iterations);
}

/* Whether the proof is one of the password; writes the verdict. */
static inline bool server_judges(const struct scram_server *server, const uint8_t *answer,
                                 size_t bytes, char verdict[VERDICT_BYTES])
{
    char message[3 * SERVER_TEXT_BYTES], *proof;
    uint8_t signature[32], sent[33], key[32], value[32];
    size_t sent_bytes = sizeof sent;
    snprintf(message, sizeof message, "%s,%s,%.*s", server->first + 3, server->challenge,
             (int)bytes, (const char *)answer);
    proof = strstr(message, ",p=");
    assert_non_null(proof);
    assert_int_equal(th_crypt_base64_decode((const uint8_t *)proof + 3, 44, sent, &sent_bytes), 0);
    assert_int_equal(sent_bytes, 32);
    *proof = '\0';
    server_hmac(server->stored_key, message, signature);
    for (int i = 0; i < 32; i++)
        key[i] = sent[i] ^ signature[i];
    assert_true(th_crypt_sha256(th_slice_of(key, 32), value));
    server_hmac(server->server_key, message, signature);
    memcpy(verdict, "v=", 2);
    th_crypt_base64_encode(signature, 32, verdict + 2);
    return !memcmp(value, server->stored_key, 32);
}

#endif

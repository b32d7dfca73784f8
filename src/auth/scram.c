#include "auth/scram.h"

#include "base/slice.h"
#include "crypt/base64.h"
#include "crypt/wipe.h"

#define HASH_BYTES TH_CRYPT_HMAC_BYTES
#define HASH_CHARACTERS TH_CRYPT_BASE64_TEXT_BYTES(HASH_BYTES)
#define NONCE_MAX_BYTES (TH_AUTH_ANSWER_MAX_BYTES - (sizeof "c=biws,r=,p=" + HASH_CHARACTERS))
#define GS2_HEADER "n,,"

static struct th_slice hash_of(const uint8_t hash[HASH_BYTES])
{
    return th_slice_of(hash, HASH_BYTES);
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Counts on when there is no room. */
struct text {
    uint8_t *to;
    size_t room;
    size_t bytes;
};

static void put(struct text *text, struct th_slice part)
{
    if (part.len_bytes && text->bytes + part.len_bytes <= text->room)
        memcpy(text->to + text->bytes, part.data, part.len_bytes);
    text->bytes += part.len_bytes;
}

static void put_text(struct text *text, const char *part)
{
    put(text, th_slice_text(part));
}

/* A comma and an equals sign have a meaning here (RFC 5802 section 5.1). */
static void put_name(struct text *text, struct th_slice name)
{
    for (size_t i = 0; i < name.len_bytes; i++)
        if (name.data[i] == ',' || name.data[i] == '=')
            put_text(text, name.data[i] == ',' ? "=2C" : "=3D");
        else
            put(text, th_slice_of(name.data + i, 1));
}

size_t th_auth_scram_first(const struct th_auth_scram *scram, uint8_t out[TH_AUTH_FIRST_MAX_BYTES])
{
    struct text text = {out, TH_AUTH_FIRST_MAX_BYTES, 0};
    put_text(&text, GS2_HEADER "n=");
    put_name(&text, scram->username);
    put_text(&text, ",r=");
    put_text(&text, scram->nonce);
    return text.bytes <= text.room ? text.bytes : 0;
}

/* ---- the challenge ------------------------------------------------------------------------ */

/* Whole groups of three: not every wolfSSL is content with less room. */
#define SALT_ROOM ((TH_AUTH_SALT_MAX_BYTES + 2) / 3 * 3)

struct challenge {
    struct th_slice nonce;
    uint8_t salt[SALT_ROOM];
    size_t salt_bytes;
    uint32_t iterations;
};

/* Takes "x=VALUE" and the comma behind it. Data NULL: it is not there. */
static struct th_slice take(struct th_slice *rest, char name)
{
    if (rest->len_bytes < 2 || rest->data[0] != (uint8_t)name || rest->data[1] != '=')
        return th_slice_of(NULL, 0);
    const uint8_t *value = rest->data + 2;
    const uint8_t *end = rest->data + rest->len_bytes;
    const uint8_t *comma = memchr(value, ',', (size_t)(end - value));
    const uint8_t *behind = comma ? comma : end;
    *rest = comma ? th_slice_of(comma + 1, (size_t)(end - comma - 1)) : th_slice_of(end, 0);
    return th_slice_of(value, (size_t)(behind - value));
}

/* What is no number, or too large, is above every limit. */
static uint32_t number_of(struct th_slice digits)
{
    uint32_t number = 0;
    if (!digits.len_bytes || digits.len_bytes > 9)
        return UINT32_MAX;
    for (size_t i = 0; i < digits.len_bytes; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return UINT32_MAX;
        number = number * 10 + (uint32_t)(digits.data[i] - '0');
    }
    return number;
}

static bool takes_up(const struct th_auth_scram *scram, struct th_slice nonce)
{
    size_t ours = strlen(scram->nonce);
    return nonce.len_bytes > ours && nonce.len_bytes <= NONCE_MAX_BYTES &&
           !memcmp(nonce.data, scram->nonce, ours);
}

static bool decode(struct th_slice text, uint8_t *out, size_t room, size_t *bytes)
{
    *bytes = room;
    return text.len_bytes && text.len_bytes % 4 == 0 &&
           text.len_bytes <= TH_CRYPT_BASE64_TEXT_BYTES(room) &&
           th_crypt_base64_decode(text.data, text.len_bytes, out, bytes) == 0;
}

/* NULL: it is acceptable. What stands behind the iterations are extensions nobody must know. */
static const char *read_challenge(const struct th_auth_scram *scram, struct th_slice message,
                                  struct challenge *out)
{
    out->nonce = take(&message, 'r');
    struct th_slice salt = take(&message, 's');
    out->iterations = number_of(take(&message, 'i'));
    if (!takes_up(scram, out->nonce))
        return "its nonce does not begin with ours, or is too long";
    if (!decode(salt, out->salt, sizeof out->salt, &out->salt_bytes) ||
        out->salt_bytes > TH_AUTH_SALT_MAX_BYTES)
        return "it has no salt of 1 to 64 bytes";
    if (out->iterations < TH_AUTH_ITERATIONS_MIN || out->iterations > TH_AUTH_ITERATIONS_MAX)
        return "it wants fewer than 4,096 or more than 600,000 iterations";
    return NULL;
}

/* ---- the answer --------------------------------------------------------------------------- */

/* HMAC of the three messages, as they were sent (RFC 5802 section 3, AuthMessage). */
static bool sign(const struct th_auth_scram *scram, const uint8_t key[HASH_BYTES],
                 struct th_slice challenge, struct th_slice answer_without_proof,
                 uint8_t out[HASH_BYTES])
{
    uint8_t first[TH_AUTH_FIRST_MAX_BYTES];
    const size_t header = sizeof GS2_HEADER - 1;
    size_t first_bytes = th_auth_scram_first(scram, first);
    const struct th_slice parts[] = {
        th_slice_of(first + header, first_bytes - header), th_slice_text(","), challenge,
        th_slice_text(","), answer_without_proof,
    };
    return th_crypt_hmac(hash_of(key), parts, sizeof parts / sizeof *parts, out);
}

static bool derive(const struct th_auth_scram *scram, const char *name, uint8_t out[HASH_BYTES])
{
    struct th_slice text = th_slice_text(name);
    return th_crypt_hmac(hash_of(scram->hi.sum), &text, 1, out);
}

struct keys {
    uint8_t client[HASH_BYTES];
    uint8_t other[HASH_BYTES]; /* StoredKey, then ServerKey */
    uint8_t signature[HASH_BYTES];
};

static bool prove(struct th_auth_scram *scram, struct keys *keys, struct th_slice challenge,
                  struct th_slice answer)
{
    bool good = derive(scram, "Client Key", keys->client) &&
                th_crypt_sha256(hash_of(keys->client), keys->other) &&
                sign(scram, keys->other, challenge, answer, keys->signature) &&
                derive(scram, "Server Key", keys->other) &&
                sign(scram, keys->other, challenge, answer, scram->expected);
    for (size_t i = 0; i < HASH_BYTES; i++)
        keys->client[i] ^= keys->signature[i];
    return good;
}

static int write_answer(struct th_auth_scram *scram, struct th_slice challenge,
                        struct th_slice nonce, uint8_t out[TH_AUTH_ANSWER_MAX_BYTES])
{
    struct keys keys;
    struct text text = {out, TH_AUTH_ANSWER_MAX_BYTES, 0};
    put_text(&text, "c=biws,r=");
    put(&text, nonce);
    bool good = prove(scram, &keys, challenge, th_slice_of(out, text.bytes));
    put_text(&text, ",p=");
    text.bytes += th_crypt_base64_encode(keys.client, HASH_BYTES, (char *)out + text.bytes);
    th_crypt_wipe(&keys, sizeof keys);
    th_crypt_wipe(&scram->hi, sizeof scram->hi);
    scram->stage = TH_AUTH_ANSWERED;
    return good ? (int)text.bytes : TH_E_AUTHENTICATION;
}

static bool start_work(struct th_auth_scram *scram, const struct challenge *challenge)
{
    scram->stage = TH_AUTH_WORKING;
    scram->iterations_left = challenge->iterations - 1;
    return th_crypt_hi_begin(&scram->hi, scram->password,
                             th_slice_of(challenge->salt, challenge->salt_bytes));
}

static bool work(struct th_auth_scram *scram)
{
    uint32_t count = scram->iterations_left;
    if (count > TH_AUTH_ITERATIONS_PER_CALL)
        count = TH_AUTH_ITERATIONS_PER_CALL;
    scram->iterations_left -= count;
    return th_crypt_hi_work(&scram->hi, scram->password, count);
}

int th_auth_scram_answer(struct th_auth_scram *scram, struct th_slice message,
                         uint8_t out[TH_AUTH_ANSWER_MAX_BYTES], const char **problem)
{
    struct challenge challenge;
    bool early = scram->stage == TH_AUTH_BEGUN || scram->stage == TH_AUTH_WORKING;
    *problem = early ? read_challenge(scram, message, &challenge) : "a challenge is not its turn";
    if (*problem)
        return TH_E_AUTHENTICATION;
    *problem = "its answer cannot be computed";
    if (scram->stage == TH_AUTH_BEGUN && !start_work(scram, &challenge))
        return TH_E_AUTHENTICATION;
    if (!work(scram))
        return TH_E_AUTHENTICATION;
    return scram->iterations_left ? TH_WANT_READ
                                  : write_answer(scram, message, challenge.nonce, out);
}

/* ---- the verdict -------------------------------------------------------------------------- */

/* Takes the same time wherever they differ. */
static bool is_same(const uint8_t a[HASH_BYTES], const uint8_t b[HASH_BYTES])
{
    unsigned difference = 0;
    for (size_t i = 0; i < HASH_BYTES; i++)
        difference |= a[i] ^ b[i];
    return difference == 0;
}

bool th_auth_scram_verify(const struct th_auth_scram *scram, struct th_slice verdict)
{
    uint8_t signature[HASH_BYTES + 1];
    size_t bytes;
    return scram->stage == TH_AUTH_ANSWERED &&
           decode(take(&verdict, 'v'), signature, sizeof signature, &bytes) &&
           bytes == HASH_BYTES && is_same(signature, scram->expected);
}

/* ---- life --------------------------------------------------------------------------------- */

void th_auth_scram_begin(struct th_auth_scram *scram, struct th_slice username,
                         struct th_slice password, const uint8_t nonce[TH_AUTH_NONCE_BYTES])
{
    *scram = (struct th_auth_scram){
        .username = username, .password = password, .stage = TH_AUTH_BEGUN};
    th_crypt_base64_encode(nonce, TH_AUTH_NONCE_BYTES, scram->nonce);
}

void th_auth_scram_wipe(struct th_auth_scram *scram)
{
    th_crypt_wipe(scram, sizeof *scram);
}

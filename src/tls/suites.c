#include "tls/suites.h"

#include "base/err.h"

#include <string.h>
#include <strings.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

#define SEPARATORS ": ,"

enum { FOR_CERTIFICATES = 1, FOR_PSK = 2 };

/* ChaCha20 first: without AES instructions it is faster, needs 1.4 KB less and no secret-dependent
 * table look-ups. Nothing that is not in this table is offered. */
static const struct suite {
    uint16_t id;
    uint8_t version;
    uint8_t use;
    const char *name; /* IANA's. OpenSSL's is the same in TLS 1.3, and known to wolfSSL in 1.2 */
} all[] = {
    {0x1303, TH_TLS_1_3, FOR_CERTIFICATES | FOR_PSK, "TLS_CHACHA20_POLY1305_SHA256"},
    {0x1301, TH_TLS_1_3, FOR_CERTIFICATES | FOR_PSK, "TLS_AES_128_GCM_SHA256"},
    {0x1302, TH_TLS_1_3, FOR_CERTIFICATES, "TLS_AES_256_GCM_SHA384"},
    {0xCCA9, TH_TLS_1_2, FOR_CERTIFICATES, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
    {0xCCA8, TH_TLS_1_2, FOR_CERTIFICATES, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
    {0xC02B, TH_TLS_1_2, FOR_CERTIFICATES, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
    {0xC02F, TH_TLS_1_2, FOR_CERTIFICATES, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
    {0xC02C, TH_TLS_1_2, FOR_CERTIFICATES, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
    {0xC030, TH_TLS_1_2, FOR_CERTIFICATES, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
    {0xCCAC, TH_TLS_1_2, FOR_PSK, "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256"},
};

#define SUITES (sizeof all / sizeof *all)

_Static_assert(SUITES == TH_TLS_SUITES_MAX, "room for each suite once");

const char *th_tls_suite_name(int suite)
{
    for (size_t i = 0; i < SUITES; i++)
        if (all[i].id == suite)
            return all[i].name;
    return "unknown";
}

struct word {
    const char *text;
    size_t bytes;
};

static bool is(struct word word, const char *text)
{
    return strlen(text) == word.bytes && strncasecmp(word.text, text, word.bytes) == 0;
}

/* In a list of words with a space behind each. */
static bool is_among(struct word word, const char *texts)
{
    size_t bytes;
    for (; *texts; texts += bytes + 1) {
        bytes = strcspn(texts, " ");
        if (bytes == word.bytes && strncasecmp(word.text, texts, bytes) == 0)
            return true;
    }
    return false;
}

static bool names(struct word word, const struct suite *suite)
{
    return is(word, suite->name) ||
           is(word, wolfSSL_get_cipher_name_from_suite((unsigned char)(suite->id >> 8),
                                                       (unsigned char)suite->id));
}

static bool has(const struct th_tls_suites *suites, uint16_t id)
{
    for (unsigned i = 0; i < suites->count; i++)
        if (suites->bytes[2 * i] == id >> 8 && suites->bytes[2 * i + 1] == (id & 255))
            return true;
    return false;
}

static void add(struct th_tls_suites *suites, uint16_t id)
{
    if (has(suites, id))
        return;
    suites->bytes[2 * suites->count] = (uint8_t)(id >> 8);
    suites->bytes[2 * suites->count + 1] = (uint8_t)id;
    suites->count++;
}

void th_tls_suites_hold_back(struct th_tls_suites *suites)
{
    struct th_tls_suites every = *suites;
    suites->count = 0;
    for (unsigned i = 0; i < every.count; i++) {
        uint16_t id = (uint16_t)(every.bytes[2 * i] << 8 | every.bytes[2 * i + 1]);
        if (!strstr(th_tls_suite_name(id), "AES_256"))
            add(suites, id);
    }
}

static bool is_of(const struct suite *suite, enum th_tls_version version, bool psk)
{
    return suite->version == version && (suite->use & (psk ? FOR_PSK : FOR_CERTIFICATES));
}

static void add_all(struct th_tls_suites *suites, enum th_tls_version version, bool psk)
{
    for (size_t i = 0; i < SUITES; i++)
        if (is_of(&all[i], version, psk))
            add(suites, all[i].id);
}

static bool add_named(struct th_tls_suites *suites, enum th_tls_version version, bool psk,
                      struct word word)
{
    for (size_t i = 0; i < SUITES; i++)
        if (is_of(&all[i], version, psk) && names(word, &all[i])) {
            add(suites, all[i].id);
            return true;
        }
    return false;
}

/* OpenSSL's "not this" and "at least so strong", true of whatever we offer. */
static bool is_true_already(struct word word)
{
    struct word thing = {word.text + 1, word.bytes - 1};
    if (*word.text == '@')
        return is_among(thing, "STRENGTH SECLEVEL=0 SECLEVEL=1 SECLEVEL=2 ");
    return (*word.text == '!' || *word.text == '-') &&
           is_among(thing, "aNULL eNULL NULL EXPORT EXP LOW MEDIUM ADH AECDH DES 3DES RC4 RC2 MD5 "
                           "SHA1 SHA DSS aDSS kRSA kDHE DHE DH EDH kEDH SRP IDEA SEED CAMELLIA "
                           "ARIA AESCCM CBC SSLv3 TLSv1 ");
}

static bool add_word(struct th_tls_suites *suites, enum th_tls_version version, bool psk,
                     struct word word)
{
    if (add_named(suites, version, psk, word))
        return true;
    if (version != TH_TLS_1_2)
        return false;
    if (is_true_already(word))
        return true;
    bool every = is_among(word, "DEFAULT HIGH ALL ");
    if (every)
        add_all(suites, version, psk);
    return every;
}

static int refuse(struct word word, enum th_tls_version version, bool psk, struct th_fault *fault)
{
    const char *there_is = "TLS_{CHACHA20_POLY1305,AES_128_GCM}_SHA256, TLS_AES_256_GCM_SHA384";
    if (version == TH_TLS_1_2)
        there_is = "ECDHE-{ECDSA,RSA}-{CHACHA20-POLY1305,AES128-GCM-SHA256,AES256-GCM-SHA384}";
    if (psk)
        there_is = version == TH_TLS_1_2 ? "ECDHE-PSK-CHACHA20-POLY1305"
                                         : "TLS_{CHACHA20_POLY1305,AES_128_GCM}_SHA256";
    int bytes = word.bytes < 60 ? (int)word.bytes : 60;
    return th_fault_set(fault, TH_E_ARGUMENT,
                        "\"%.*s\" is no cipher suite offered in TLS 1.%d%s; what is: %s",
                        bytes, word.text, version - 10, psk ? " with a pre-shared key" : "",
                        there_is);
}

static struct word next_word(const char **rest)
{
    *rest += strspn(*rest, SEPARATORS);
    struct word word = {*rest, **rest != '\0'};
    word.bytes += strcspn(*rest + word.bytes, SEPARATORS "@");
    *rest += word.bytes;
    return word;
}

int th_tls_suites_add(struct th_tls_suites *suites, enum th_tls_version version, const char *list,
                      bool psk, struct th_fault *fault)
{
    unsigned before = suites->count;
    struct word word;
    if (!list)
        add_all(suites, version, psk);
    while (list && (word = next_word(&list)).bytes > 0)
        if (!add_word(suites, version, psk, word))
            return refuse(word, version, psk, fault);
    return suites->count > before ? 0 : refuse((struct word){"", 0}, version, psk, fault);
}

#include "cli/cert.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/slice.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/passphrase.h"
#include "cli/printed.h"
#include "cli/roots.h"
#include "cli/say.h"
#include "cli/server.h"
#include <thimble/identity.h>

/* ---- facts ----------------------------------------------------------------------------------- */

const char *th_cli_pin_text(const uint8_t digest[TH_DIGEST_BYTES],
                            char text[TH_CLI_PIN_TEXT_BYTES])
{
    char *to = text + th_format(text, TH_CLI_PIN_TEXT_BYTES, "sha256//");
    for (size_t at = 0; at < TH_DIGEST_BYTES; at += 3, to += 4)
        th_base64_group(digest + at, TH_DIGEST_BYTES - at < 3 ? TH_DIGEST_BYTES - at : 3, to);
    *to = '\0';
    return text;
}

void th_cli_key_facts(const char *key, const char *curve, unsigned bits)
{
    th_cli_fact("key", key);
    if (*curve)
        th_cli_fact("curve", curve);
    th_cli_fact_number("key_bits", bits);
}

static void put_list(const char *name, struct th_slice rest,
                     bool (*next)(struct th_slice *rest, char *text, size_t text_bytes))
{
    char text[TH_CERTIFICATE_TEXT_BYTES];
    if (!rest.len_bytes)
        return;
    th_cli_facts_open(name, '[');
    while (next(&rest, text, sizeof text))
        th_cli_fact(NULL, text);
    th_cli_facts_shut(']');
}

static void put_usage(unsigned usage)
{
    if (!usage)
        return;
    th_cli_facts_open("key_usage", '[');
    for (unsigned bit = 0; th_key_usage_name(bit); bit++)
        if (usage >> bit & 1)
            th_cli_fact(NULL, th_key_usage_name(bit));
    th_cli_facts_shut(']');
}

static void put_name(const char *name, struct th_slice value)
{
    char text[TH_CERTIFICATE_TEXT_BYTES];
    th_name_text(value, text, sizeof text);
    th_cli_fact(name, text);
}

static void put_digests(const struct th_certificate *c)
{
    uint8_t digest[TH_DIGEST_BYTES];
    char text[TH_CLI_PIN_TEXT_BYTES];
    if (th_digest(c->der, digest))
        th_cli_fact_hex("sha256", th_slice_of(digest, sizeof digest));
    if (th_digest(c->public_key, digest))
        th_cli_fact("pin", th_cli_pin_text(digest, text));
}

static void put_issuing(const struct th_certificate *c)
{
    th_cli_fact_flag("ca", c->is_authority);
    if (c->path_length >= 0)
        th_cli_fact_number("path_length", c->path_length);
    if (c->subject_key_id.len_bytes)
        th_cli_fact_hex("subject_key_id", c->subject_key_id);
    if (c->authority_key_id.len_bytes)
        th_cli_fact_hex("authority_key_id", c->authority_key_id);
}

void th_cli_cert_facts(const struct th_certificate *c)
{
    put_name("subject", c->subject);
    put_name("issuer", c->issuer);
    th_cli_fact_hex("serial", c->serial);
    th_cli_fact_time("not_before", c->not_before_s);
    th_cli_fact_time("not_after", c->not_after_s);
    th_cli_key_facts(c->key, c->curve, c->key_bits);
    th_cli_fact("signature", c->signature);
    put_list("names", c->alternative_names, th_certificate_next_name);
    put_usage(c->key_usage);
    put_list("purposes", c->purposes, th_certificate_next_purpose);
    put_issuing(c);
    put_digests(c);
}

/* ---- show ------------------------------------------------------------------------------------ */

static int show_one(void *arg, const struct th_certificate *certificate, struct th_fault *fault)
{
    bool *follows = arg;
    (void)fault;
    if (*follows)
        th_cli_facts_blank();
    *follows = true;
    th_cli_facts_open(NULL, '{');
    th_cli_cert_facts(certificate);
    th_cli_facts_shut('}');
    return 0;
}

static int show(const struct th_cli_settings *settings)
{
    bool follows = false;
    th_cli_facts_begin(settings->json);
    th_cli_facts_open("certificates", '[');
    int status = th_cli_server_read(settings->words.items[0], show_one, &follows);
    th_cli_facts_shut(']');
    th_cli_facts_end();
    int printed = th_cli_printed();
    return status ? status : printed;
}

/* ---- pin ------------------------------------------------------------------------------------- */

struct pinning {
    bool issuers, as_json;
    unsigned count;
};

static int pin_one(void *arg, const struct th_certificate *certificate, struct th_fault *fault)
{
    struct pinning *pinning = arg;
    uint8_t digest[TH_DIGEST_BYTES];
    char text[TH_CLI_PIN_TEXT_BYTES];
    (void)fault;
    bool is_issuer = pinning->count++ > 0;
    if (th_cli_server_status() || is_issuer != pinning->issuers ||
        !th_digest(certificate->public_key, digest))
        return 0;
    th_cli_pin_text(digest, text);
    if (pinning->as_json)
        th_cli_fact(NULL, text);
    else
        th_cli_out_format("%s\n", text);
    return 0;
}

static int pin(const struct th_cli_settings *settings)
{
    struct pinning pinning = {settings->issuers, settings->json, 0};
    th_cli_facts_begin(settings->json);
    th_cli_facts_open("pins", '[');
    int status = th_cli_server_read(settings->words.items[0], pin_one, &pinning);
    th_cli_facts_shut(']');
    th_cli_facts_end();
    int printed = th_cli_printed();
    return status ? status : printed;
}

/* ---- verify ---------------------------------------------------------------------------------- */

static int judge(const struct th_cli_settings *settings, const char *path, struct th_fault *fault)
{
    size_t bytes;
    void *block = th_cli_desk_block(&bytes);
    const struct th_context_config config = {
        .roots = th_cli_roots(settings),
        .root_paths = th_cli_root_paths(settings),
        .certificate.path = path,
        .key.path = settings->key,
        .passphrase = th_cli_passphrase(settings),
        .log = th_cli_voice_log(),
    };
    int result = settings->key ? th_identity_judge(block, bytes, &config, NULL, NULL, fault) : 0;
    return result < 0 ? result : th_chain_verify(block, bytes, &config, settings->host, fault);
}

/* Not inlined: its fault and configuration would lie below a server's handshake. */
__attribute__((noinline)) int th_cli_cert_verify(const struct th_cli_settings *settings,
                                                 const char *path)
{
    struct th_fault fault = {0};
    return judge(settings, path, &fault) < 0 ? th_cli_say_fault(&fault) : TH_CLI_OK;
}

static int verify(const struct th_cli_settings *settings)
{
    const char *word = settings->words.items[0];
    if (!th_cli_trusts(settings))
        return th_cli_complain("--cafile is missing; give the certificates that are trusted");
    int status = th_cli_server_is_taken() ? th_cli_server_read(word, NULL, NULL)
                                          : th_cli_cert_verify(settings, word);
    if (settings->json)
        th_cli_facts_file(word, th_cli_exit_state(status));
    else if (!status)
        th_cli_out_format("%s: valid\n", word);
    int printed = th_cli_printed();
    return status ? status : printed;
}

/* ---------------------------------------------------------------------------------------------- */

int th_cli_cert(int argc, char *argv[])
{
    static const struct th_cli_verb verbs[] = {
        {"show", show, 1, 1},
        {"check", th_cli_cert_check, 1, TH_CLI_LIST_MAX},
        {"verify", verify, 1, 1},
        {"pin", pin, 1, 1},
        {"bundle", th_cli_cert_bundle, 0, TH_CLI_LIST_MAX},
    };
    return th_cli_desk(TH_CLI_CERT, verbs, sizeof verbs / sizeof *verbs, argc, argv);
}

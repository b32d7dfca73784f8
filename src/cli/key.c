/* thimble key, thimble csr */
#include "cli/cert.h"

#include "base/slice.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/facts.h"
#include "cli/output.h"
#include "cli/passphrase.h"
#include "cli/printed.h"
#include "cli/say.h"
#include <string.h>
#include <sys/stat.h>
#include <thimble/identity.h>
#include <thimble/key.h>
#include <thimble/topic.h>

static int refuse(const char *option)
{
    return th_cli_complain("%s is missing; see --help", option);
}

/* ---- key ------------------------------------------------------------------------------------- */

static int gen(const struct th_cli_settings *settings)
{
    size_t bytes;
    void *block = th_cli_desk_block(&bytes);
    struct th_fault fault = {0};
    struct th_cli_output output = {settings->out, 0600, -1, &fault, NULL,
                                   settings->json, false};
    struct th_text_sink sink = {th_cli_output_write, &output};
    unsigned bits = settings->key_type > 0 ? (unsigned)settings->key_type : 256;
    if (!settings->out)
        return refuse("--out");
    return th_cli_output_finish(&output, th_key_make(block, bytes, bits, &sink, &fault));
}

static struct th_key_file key_file(const struct th_cli_settings *settings, const char *path)
{
    return (struct th_key_file){
        .source.path = strcmp(path, "-") ? path : "/dev/stdin",
        .passphrase = th_cli_passphrase(settings),
    };
}

static int keep_pin(void *arg, const struct th_certificate *certificate, struct th_fault *fault)
{
    uint8_t **pin = arg;
    (void)fault;
    if (*pin)
        th_digest(certificate->public_key, *pin);
    *pin = NULL; /* the first counts */
    return 0;
}

static int tell_pair(const char *certificate, const struct th_key_facts *facts)
{
    uint8_t pin[TH_DIGEST_BYTES] = {0}, *place = pin;
    int status = th_cli_cert_read(certificate, keep_pin, &place);
    if (status)
        return status;
    bool fits = !memcmp(pin, facts->pin, sizeof pin);
    th_cli_fact_flag("fits_certificate", fits);
    return fits ? TH_CLI_OK : TH_KEY_MISMATCH;
}

static void tell_file(const char *path)
{
    struct stat about;
    char mode[8];
    if (stat(path, &about) < 0)
        return;
    for (int digit = 0; digit < 4; digit++)
        mode[digit] = (char)('0' + (about.st_mode >> (9 - 3 * digit) & 7));
    mode[4] = '\0';
    th_cli_fact("mode", mode);
    th_cli_fact_flag("private", !(about.st_mode & 077));
}

static int status(const struct th_cli_settings *settings)
{
    size_t bytes;
    void *block = th_cli_desk_block(&bytes);
    char pin[TH_CLI_PIN_TEXT_BYTES];
    struct th_fault fault = {0};
    struct th_key_facts facts;
    const char *path = settings->words.items[0];
    struct th_key_file file = key_file(settings, path);
    int result = th_key_read(block, bytes, &file, &facts, &fault);
    if (result < 0)
        return th_cli_say_fault(&fault);
    th_cli_facts_begin(settings->json);
    th_cli_key_facts(facts.key, facts.curve, facts.key_bits);
    th_cli_fact_flag("encrypted", facts.is_encrypted);
    tell_file(path);
    th_cli_fact("pin", th_cli_pin_text(facts.pin, pin));
    result = settings->certificate ? tell_pair(settings->certificate, &facts) : TH_CLI_OK;
    th_cli_facts_end();
    int printed = th_cli_printed();
    return result ? result : printed;
}

int th_cli_key(int argc, char *argv[])
{
    static const struct th_cli_verb verbs[] = {{"gen", gen, 0, 0}, {"status", status, 1, 1}};
    return th_cli_desk(TH_CLI_KEY, verbs, sizeof verbs / sizeof *verbs, argc, argv);
}

/* ---- csr ------------------------------------------------------------------------------------- */

static bool is_utf8(const char *text)
{
    return !text || th_mqtt_utf8_valid(th_slice_text(text));
}

static int request(const struct th_cli_settings *settings)
{
    size_t bytes;
    void *block = th_cli_desk_block(&bytes);
    struct th_fault fault = {0};
    struct th_cli_output output = {settings->out, 0644, -1, &fault, NULL,
                                   settings->json, false};
    struct th_text_sink sink = {th_cli_output_write, &output};
    if (!settings->key || !settings->subject)
        return refuse(settings->key ? "--subject" : "--key");
    if (!is_utf8(settings->subject) || !is_utf8(settings->alternative_names))
        return refuse("UTF-8 in --subject or --san");
    struct th_key_file file = key_file(settings, settings->key);
    int result = th_request_make(block, bytes, &file, settings->subject,
                                 settings->alternative_names, &sink, &fault);
    return th_cli_output_finish(&output, result);
}

int th_cli_csr(int argc, char *argv[])
{
    static const struct th_cli_verb verb = {NULL, request, 0, 0};
    return th_cli_desk(TH_CLI_CSR, &verb, 1, argc, argv);
}

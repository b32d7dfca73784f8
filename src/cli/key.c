/* thimble key, thimble csr */
#include "cli/cert.h"

#include "base/err.h"
#include "base/file.h"
#include "base/slice.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/passphrase.h"
#include "cli/printed.h"
#include "cli/say.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <thimble/identity.h>
#include <thimble/key.h>
#include <thimble/topic.h>
#include <unistd.h>

/* ---- what is written ------------------------------------------------------------------------- */

/* Opened with the first line: who fails before leaves no file behind. */
struct output {
    const char *path; /* NULL: standard output */
    unsigned mode;
    int fd;
    struct th_fault *fault;
};

static int open_output(struct output *output)
{
    output->fd = th_file_open(output->path, O_WRONLY | O_CREAT | O_EXCL, output->mode);
    if (output->fd >= 0)
        return 0;
    if (errno == EEXIST)
        return th_fault_set_errno(output->fault, TH_E_FILE, "%s is there already; name another "
                                  "file, or remove it", output->path);
    return th_fault_set_errno(output->fault, TH_E_FILE, "cannot write %s", output->path);
}

static int write_all(struct output *output, const char *text, size_t bytes)
{
    while (bytes > 0) {
        ssize_t put = write(output->fd, text, bytes);
        if (put < 0 && errno != EINTR)
            return th_fault_set_errno(output->fault, TH_E_FILE, "cannot write %s", output->path);
        text += put > 0 ? put : 0;
        bytes -= put > 0 ? (size_t)put : 0;
    }
    return 0;
}

static int write_text(void *arg, const char *text, size_t bytes)
{
    struct output *output = arg;
    if (!output->path) {
        th_cli_out(text, bytes);
        return 0;
    }
    int result = output->fd < 0 ? open_output(output) : 0;
    return result < 0 ? result : write_all(output, text, bytes);
}

static int finish(struct output *output, int result)
{
    if (output->fd < 0)
        return result;
    if (result == 0 && th_file_sync(output->fd) < 0)
        result = th_fault_set_errno(output->fault, TH_E_FILE, "cannot write %s", output->path);
    close(output->fd);
    if (result < 0)
        unlink(output->path);
    return result;
}

static int status_of(int result, const struct th_fault *fault)
{
    int printed = th_cli_printed();
    return result < 0 ? th_cli_say_fault(fault) : printed;
}

static int refuse(const char *option)
{
    th_cli_complain("%s is missing; see --help", option);
    return TH_CLI_USAGE;
}

/* ---- key ------------------------------------------------------------------------------------- */

static int gen(const struct th_cli_settings *settings)
{
    size_t bytes;
    void *block = th_cli_desk_block(&bytes);
    struct th_fault fault = {0};
    struct output output = {settings->out, 0600, -1, &fault};
    struct th_text_sink sink = {write_text, &output};
    unsigned bits = settings->key_type > 0 ? (unsigned)settings->key_type : 256;
    if (!settings->out)
        return refuse("--out");
    return status_of(finish(&output, th_key_make(block, bytes, bits, &sink, &fault)), &fault);
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
    th_cli_facts_open(NULL, '{');
    th_cli_key_facts(facts.key, facts.curve, facts.key_bits);
    th_cli_fact_flag("encrypted", facts.is_encrypted);
    tell_file(path);
    th_cli_fact("pin", th_cli_pin_text(facts.pin, pin));
    result = settings->certificate ? tell_pair(settings->certificate, &facts) : TH_CLI_OK;
    th_cli_facts_shut('}');
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
    struct output output = {settings->out, 0644, -1, &fault};
    struct th_text_sink sink = {write_text, &output};
    if (!settings->key || !settings->subject)
        return refuse(settings->key ? "--subject" : "--key");
    if (!is_utf8(settings->subject) || !is_utf8(settings->alternative_names))
        return refuse("UTF-8 in --subject or --san");
    struct th_key_file file = key_file(settings, settings->key);
    int result = th_request_make(block, bytes, &file, settings->subject,
                                 settings->alternative_names, &sink, &fault);
    return status_of(finish(&output, result), &fault);
}

int th_cli_csr(int argc, char *argv[])
{
    static const struct th_cli_verb verb = {NULL, request, 0, 0};
    return th_cli_desk(TH_CLI_CSR, &verb, 1, argc, argv);
}

/* thimble cert bundle: of many CA certificates those that are wanted, each once, in order. */
#include "cli/cert.h"

#include "base/calendar.h"
#include "base/der.h"
#include "base/err.h"
#include "base/format.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/output.h"
#include "cli/roots.h"
#include "cli/say.h"
#include "cli/server.h"
#include <string.h>
#include <unistd.h>

#define KEPT_MAX 512
#define KEY_CERT_SIGN (1 << 5) /* bit 5 of keyUsage (RFC 5280 section 4.2.1.3) */
#define NAME_BYTES 160

struct kept {
    struct th_slice subject, der;
};

static struct {
    struct kept *kept; /* in the order of subjects */
    unsigned count, repeated;
    struct th_slice room;
    struct th_slice chain; /* what it is for; data NULL: everything */
    int64_t now_s;
} own;

/* ---- which ----------------------------------------------------------------------------------- */

static bool is_issuer_in(struct th_slice chain, const struct th_certificate *authority)
{
    struct th_certificate link;
    size_t bytes;
    for (; (bytes = th_der_sequence_bytes(chain)) > 0; chain = th_slice_after(chain, bytes))
        if (th_certificate_read(&link, th_slice_of(chain.data, bytes)) == 0 &&
            th_slice_equal(link.issuer, authority->subject))
            return true;
    return false;
}

/* What connections take (tls/policy.h). */
static bool is_key_usable(const struct th_certificate *c)
{
    if (!strcmp(c->key, "RSA"))
        return c->key_bits >= 2048 && c->key_bits <= 4096;
    return !strcmp(c->curve, "P-256") || !strcmp(c->curve, "P-384");
}

static const char *reason_against(const struct th_certificate *c)
{
    if (!c->is_authority || (c->key_usage && !(c->key_usage & KEY_CERT_SIGN)))
        return "is no CA certificate";
    if (c->not_after_s < own.now_s)
        return "has expired";
    if (c->not_before_s > own.now_s)
        return "is not valid yet";
    return is_key_usable(c) ? NULL : "has a key that is not supported";
}

/* ---- keeping --------------------------------------------------------------------------------- */

static int compare(struct th_slice one, struct th_slice other)
{
    size_t least = one.len_bytes < other.len_bytes ? one.len_bytes : other.len_bytes;
    int order = memcmp(one.data, other.data, least);
    return order ? order : (one.len_bytes > other.len_bytes) - (one.len_bytes < other.len_bytes);
}

static int order_of(const struct kept *kept, const struct th_certificate *c)
{
    int order = compare(kept->subject, c->subject);
    return order ? order : compare(kept->der, c->der);
}

static const char *insert(unsigned at, const struct th_certificate *c)
{
    uint8_t *copy = (uint8_t *)(uintptr_t)own.room.data;
    if (own.count == KEPT_MAX || c->der.len_bytes > own.room.len_bytes)
        return "does not fit any more";
    memcpy(copy, c->der.data, c->der.len_bytes);
    memmove(own.kept + at + 1, own.kept + at, (own.count++ - at) * sizeof *own.kept);
    own.kept[at] = (struct kept){
        {copy + (c->subject.data - c->der.data), c->subject.len_bytes},
        {copy, c->der.len_bytes}};
    own.room = th_slice_after(own.room, c->der.len_bytes);
    return NULL;
}

static const char *keep(const struct th_certificate *c)
{
    unsigned at = 0;
    int order = -1;
    while (at < own.count && (order = order_of(&own.kept[at], c)) < 0)
        at++;
    if (at == own.count || order > 0)
        return insert(at, c);
    own.repeated++;
    return NULL;
}

static int take(void *arg, const struct th_certificate *certificate, struct th_fault *fault)
{
    char name[NAME_BYTES];
    (void)arg, (void)fault;
    if (own.chain.data && !is_issuer_in(own.chain, certificate))
        return 0;
    const char *why = reason_against(certificate);
    if (!why)
        why = keep(certificate);
    th_name_text(certificate->subject, name, sizeof name);
    if (why)
        th_cli_warn("%s: %s; it is left out", name, why);
    return 0;
}

/* ---- reading and writing --------------------------------------------------------------------- */

static int read_path(const char *path, struct th_fault *fault)
{
    size_t bytes;
    void *block = th_cli_desk_block(&bytes);
    return path ? th_authorities_read(block, bytes, path, take, NULL, fault) : 0;
}

static int read_all(const struct th_cli_settings *s, struct th_fault *fault)
{
    const char *const *path = th_cli_root_paths(s);
    int result = read_path(s->cafile, fault);
    for (; result >= 0 && path && *path; path++)
        result = read_path(*path, fault);
    for (uint32_t i = 0; result >= 0 && i < s->words.count && !th_cli_server_is_taken(); i++)
        result = read_path(s->words.items[i], fault);
    if (own.repeated)
        th_cli_say("%u were there already and are left out", own.repeated);
    if (result >= 0 && !own.count)
        result = th_fault_because(fault, TH_CLI_UNKNOWN_CA,
                                  th_fault_set(fault, TH_E_FILE, "no CA certificate is left; name "
                                               "more files, or --tls-use-os-certs"));
    return result;
}

static int write_one(const struct kept *kept, const struct th_text_sink *sink)
{
    char line[NAME_BYTES + 4] = "# ";
    th_name_text(kept->subject, line + 2, NAME_BYTES);
    size_t bytes = strlen(line);
    line[bytes] = '\n';
    int result = sink->write(sink->arg, line, bytes + 1);
    return result < 0 ? result : th_armor(sink, "CERTIFICATE", kept->der);
}

static int write_all(const struct th_cli_settings *s, int result, struct th_fault *fault)
{
    static char temporary[4096 + 16];
    struct th_cli_output output = {s->out, 0644, -1, fault, temporary, s->json, false};
    struct th_text_sink sink = {th_cli_output_write, &output};
    if (s->out)
        th_format(temporary, sizeof temporary, "%s.%d.tmp", s->out, (int)getpid());
    for (unsigned i = 0; result >= 0 && i < own.count; i++)
        result = write_one(&own.kept[i], &sink);
    return th_cli_output_finish(&output, result < 0 ? result : 0);
}

/* Not inlined: nothing of it lies below a handshake. */
__attribute__((noinline)) static int make(const struct th_cli_settings *s)
{
    struct th_fault fault = {0};
    own.room.data = th_cli_desk_room(&own.room.len_bytes);
    if (own.chain.data) /* it lies at the end */
        own.room.len_bytes = (size_t)(own.chain.data - own.room.data);
    own.kept = (struct kept *)(uintptr_t)own.room.data;
    own.room = th_slice_after(own.room, KEPT_MAX * sizeof *own.kept);
    own.now_s = th_calendar_s();
    return write_all(s, read_all(s, &fault), &fault);
}

int th_cli_cert_bundle(const struct th_cli_settings *s)
{
    bool is_for_one = th_cli_server_is_taken() || s->chain;
    int status = is_for_one ? th_cli_server_chain(s->chain, &own.chain) : TH_CLI_OK;
    return status ? status : make(s);
}

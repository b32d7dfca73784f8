#include "cli/server.h"

#include "base/der.h"
#include "base/slice.h"
#include "cli/cert.h"
#include "cli/check.h"
#include "cli/connection.h"
#include "cli/locate.h"
#include "cli/roots.h"
#include "cli/url.h"

#define HOST_BYTES 254

static struct {
    struct th_cli_settings *settings; /* NULL: the words are files */
    char host[HOST_BYTES];
    uint8_t *chain; /* certificates side by side, its own first */
    size_t room_bytes, used_bytes;
    int status;
} own;

/* ---- taking it ------------------------------------------------------------------------------- */

/* More than fits is more than any handshake takes. */
static void keep(void *arg, unsigned index, struct th_slice der)
{
    (void)arg;
    if (index == 0)
        own.used_bytes = 0;
    if (der.len_bytes > own.room_bytes - own.used_bytes)
        return;
    memcpy(own.chain + own.used_bytes, der.data, der.len_bytes);
    own.used_bytes += der.len_bytes;
}

static void take_url(struct th_cli_settings *s, const struct th_cli_url *url)
{
    memcpy(own.host, url->host.data, url->host.len_bytes);
    own.settings = s;
    if (!s->server_name)
        s->server_name = s->host;
    s->host = own.host;
    s->port = url->port;
    s->on_certificate = keep;
    s->insecure_no_verify = !th_cli_trusts(s) && !s->os_certs && !s->crl && !s->insecure;
}

bool th_cli_server_take(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    struct th_cli_url url;
    bool named = s->command == TH_CLI_CERT && s->words.count &&
                 th_cli_url_parse_server(&url, th_slice_text(s->words.items[0]));
    if (!named || url.host.len_bytes >= sizeof own.host)
        return true;
    if (s->words.count > 1)
        return th_cli_problem(problem, "%s: give one server, and no file beside it",
                              s->words.items[0]);
    take_url(s, &url);
    return th_cli_locate(s, problem) && th_cli_check(s, problem);
}

bool th_cli_server_is_taken(void)
{
    return own.settings != NULL;
}

int th_cli_server_status(void)
{
    return own.status;
}

/* ---- what it sends --------------------------------------------------------------------------- */

/* Not inlined: what a certificate says would lie below the handshake. */
__attribute__((noinline)) static void hand_over(th_certificate_taker take, void *arg)
{
    struct th_certificate certificate;
    struct th_slice rest = th_slice_of(own.chain, own.used_bytes);
    size_t bytes;
    while (take && (bytes = th_der_sequence_bytes(rest)) > 0) {
        if (th_certificate_read(&certificate, th_slice_of(rest.data, bytes)) == 0)
            take(arg, &certificate, NULL);
        rest = th_slice_after(rest, bytes);
    }
}

/* ---- the connection -------------------------------------------------------------------------- */

static void on_event(void *arg, const struct th_event *event)
{
    (void)arg, (void)event;
}

static int look_at_server(th_certificate_taker take, void *arg)
{
    static const struct th_cli_work work = {.on_event = on_event};
    own.chain = th_cli_connection_spare(0, &own.room_bytes);
    own.status = th_cli_connection_open(own.settings, &work);
    if (own.status == 0)
        own.status = th_cli_connection_run();
    hand_over(take, arg);
    return own.status = th_cli_connection_close(own.status);
}

int th_cli_server_read(const char *word, th_certificate_taker take, void *arg)
{
    return own.settings ? look_at_server(take, arg) : th_cli_cert_read(word, take, arg);
}

/* ---- a chain in a file ----------------------------------------------------------------------- */

static int keep_link(void *arg, const struct th_certificate *certificate, struct th_fault *fault)
{
    unsigned *index = arg;
    (void)fault;
    keep(NULL, (*index)++, certificate->der);
    return 0;
}

int th_cli_server_chain(const char *path, struct th_slice *chain)
{
    unsigned index = 0;
    own.chain = th_cli_connection_spare(0, &own.room_bytes);
    int status = own.settings ? look_at_server(NULL, NULL)
                              : th_cli_cert_read(path, keep_link, &index);
    *chain = th_slice_of(own.chain, own.used_bytes);
    return status;
}

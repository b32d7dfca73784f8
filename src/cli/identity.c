#include "cli/identity.h"

#include "base/err.h"
#include "base/format.h"
#include "base/slice.h"
#include "cli/configure.h"
#include "cli/exit.h"
#include "cli/expiry.h"
#include "cli/lane.h"
#include "cli/show.h"
#include "cli/url.h"
#include "json/flat.h"

#include <stdlib.h>
#include <string.h>
#include <thimble/identity.h>
#include <unistd.h>

#define DAY_S 86400
#define ENDPOINT_BYTES 320

struct lane {
    char dir[TH_STORE_PATH_BYTES];
    char paths[TH_STORE_META][TH_STORE_PATH_BYTES + TH_STORE_NAME_BYTES + 16];
    char session[TH_STORE_PATH_BYTES + TH_STORE_NAME_BYTES + 16];
    char clock[TH_STORE_PATH_BYTES + TH_STORE_NAME_BYTES + 16];
    char endpoint[ENDPOINT_BYTES];
    char host[ENDPOINT_BYTES];
    char home[TH_STORE_PATH_BYTES + TH_STORE_NAME_BYTES];
    uint8_t meta[TH_STORE_META_BYTES + 1];
};
TH_LANE_ROOMY(struct lane, texts);

TH_LANE(struct th_cli_identity, used); /* no generation: it was never open */

/* ---- where ----------------------------------------------------------------------------------- */

static const char *dir_of_user(void)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    bool has_state = state && *state == '/';
    if (geteuid() == 0)
        return "/var/lib/thimble/identities";
    th_format(texts->dir, sizeof texts->dir, "%s%s/thimble/identities",
              has_state ? state : home ? home : "", has_state ? "" : "/.local/state");
    return texts->dir;
}

const char *th_cli_identity_dir(const struct th_cli_settings *settings)
{
    const char *dir = settings->identity_dir;
    if (!dir)
        dir = getenv("THIMBLE_IDENTITY_DIR");
    return dir && *dir ? dir : dir_of_user();
}

void th_cli_identity_sources(struct th_context_config *config,
                             const struct th_cli_settings *settings, const char *name,
                             const struct th_cli_identity *identity)
{
    for (int part = 0; part < TH_STORE_META; part++)
        th_format(texts->paths[part], sizeof texts->paths[part], "%s/%s/%c/%s",
                  th_cli_identity_dir(settings), name, identity->generation,
                  th_store_part_name(part));
    *config = (struct th_context_config){
        .certificate.path = texts->paths[TH_STORE_CERTIFICATE],
        .key.path = texts->paths[TH_STORE_KEY],
    };
    if (th_store_is_there(identity->fd, th_store_part_name(TH_STORE_ROOTS)))
        config->roots.path = texts->paths[TH_STORE_ROOTS];
}

/* Roots are the identity's if it had some when we began, and no others were given. */
void th_cli_identity_configure(struct th_context_config *config, const struct th_cli_settings *s,
                               const struct th_cli_identity *identity)
{
    struct th_context_config files;
    th_cli_identity_sources(&files, s, s->identity, identity);
    th_cli_configure_context(config, s);
    if (s->cafile == texts->paths[TH_STORE_ROOTS])
        config->roots = files.roots;
}

const char *th_cli_identity_home(const struct th_cli_settings *settings)
{
    th_format(texts->home, sizeof texts->home, "%s/%s", th_cli_identity_dir(settings),
              settings->identity);
    return texts->home;
}

void th_cli_identity_watch(const struct th_cli_identity *identity)
{
    struct th_slice meta = identity->meta;
    th_cli_expiry_watch((int64_t)th_json_flat_number(th_store_meta_value(meta, "not_before")),
                        (int64_t)th_json_flat_number(th_store_meta_value(meta, "not_after")));
}

/* ---- opening --------------------------------------------------------------------------------- */

static int open_store(struct th_store *store, const struct th_cli_settings *settings,
                      const char *name, enum th_store_mode mode, struct th_fault *fault)
{
    enum th_store_base use = mode == TH_STORE_CREATE ? TH_STORE_MAKE : TH_STORE_PASS;
    int base = th_store_base(th_cli_identity_dir(settings), use, fault);
    if (base < 0)
        return base;
    int result = th_store_open(store, base, name, mode, fault);
    close(base);
    return result;
}

static int read_meta(struct th_cli_identity *identity, struct th_fault *fault)
{
    int bytes = th_store_read(identity->fd, th_store_part_name(TH_STORE_META), false, texts->meta,
                              sizeof texts->meta, fault);
    identity->meta = th_slice_of(texts->meta, bytes > 0 ? (size_t)bytes : 0);
    if (bytes < 0 || th_json_flat_check(identity->meta))
        return bytes < 0 ? bytes : 0;
    identity->meta.len_bytes = 0;
    return th_fault_because(fault, TH_CORRUPTED,
                            th_fault_set(fault, TH_E_FILE, "cert_meta is damaged; import stores "
                                         "the identity anew"));
}

static int open_generation(struct th_cli_identity *identity, char generation,
                           struct th_fault *fault)
{
    identity->generation = generation ? generation : identity->store.current;
    if (generation == TH_CLI_OTHER_GENERATION)
        identity->generation = th_store_other(&identity->store);
    identity->fd = th_store_generation(&identity->store, identity->generation, fault);
    return identity->fd < 0 ? identity->fd : read_meta(identity, fault);
}

int th_cli_identity_open(struct th_cli_identity *identity, const struct th_cli_settings *settings,
                         const char *name, char generation, enum th_store_mode mode,
                         struct th_fault *fault)
{
    *identity = (struct th_cli_identity){.store.fd = -1, .fd = -1};
    bool may_lack = mode == TH_STORE_CREATE;
    int result = open_store(&identity->store, settings, name, mode, fault);
    if (result == 0 && open_generation(identity, generation, may_lack ? NULL : fault) < 0)
        result = may_lack ? 0 : TH_E_FILE;
    if (result < 0)
        th_cli_identity_close(identity);
    return result;
}

void th_cli_identity_close(struct th_cli_identity *identity)
{
    if (identity->fd >= 0)
        close(identity->fd);
    identity->fd = -1;
    th_store_close(&identity->store);
}

/* ---- --identity ------------------------------------------------------------------------------ */

bool th_cli_identity_endpoint(const char *text, struct th_slice *host, uint16_t *port)
{
    char url[ENDPOINT_BYTES + 16];
    struct th_cli_url parsed;
    size_t bytes = strlen(text);
    if (bytes >= ENDPOINT_BYTES || strpbrk(text, "@/ \n"))
        return false;
    th_format(url, sizeof url, "mqtts://%s", text);
    if (th_cli_url_parse(&parsed, th_slice_text(url)) || !parsed.host.len_bytes)
        return false;
    *host = th_slice_of(text + (parsed.host.data - (const uint8_t *)url) - strlen("mqtts://"),
                        parsed.host.len_bytes);
    *port = parsed.port;
    return true;
}

/* Who names another host means another port, too. */
static void take_endpoint(struct th_cli_settings *s)
{
    struct th_slice host;
    uint16_t port;
    bool is_elsewhere = s->host || s->unix_path || s->srv;
    if (is_elsewhere || !th_cli_identity_endpoint(texts->endpoint, &host, &port))
        return;
    th_format(texts->host, sizeof texts->host, "%.*s", (int)host.len_bytes,
              (const char *)host.data);
    s->host = texts->host;
    if (s->port == TH_CLI_UNSET && port)
        s->port = port;
}

static int read_endpoint(const struct th_cli_identity *identity, struct th_fault *fault)
{
    int bytes = th_store_read(identity->fd, th_store_part_name(TH_STORE_ENDPOINT), false,
                              texts->endpoint, sizeof texts->endpoint, fault);
    texts->endpoint[bytes > 0 ? bytes - 1 : 0] = '\0'; /* its newline */
    return bytes;
}

static bool is_due(const struct th_cli_identity *identity, uint64_t now_s)
{
    return now_s >= th_json_flat_number(th_store_meta_value(identity->meta, "last_used")) + DAY_S;
}

/* Once a day, for flash wears out. What cannot be written is not worth a connection. */
static int note_use(struct th_cli_identity *identity, const struct th_cli_settings *s,
                    struct th_fault *fault)
{
    struct th_fault unheard = {0};
    uint64_t now_s = (uint64_t)th_calendar_s();
    if (!is_due(identity, now_s))
        return 0;
    th_cli_identity_close(identity);
    if (th_cli_identity_open(identity, s, s->identity, 0, TH_STORE_CHANGE, &unheard) < 0)
        return th_cli_identity_open(identity, s, s->identity, 0, TH_STORE_READ, fault);
    if (!is_due(identity, now_s))
        return 0;
    struct th_slice meta = th_store_meta_used(identity->meta, now_s);
    if (meta.data && th_store_write(identity->fd, th_store_part_name(TH_STORE_META), meta,
                                    &unheard) == 0)
        th_store_sync(identity->fd, &unheard);
    return 0;
}

int th_cli_identity_hold(const struct th_cli_settings *s, struct th_fault *fault)
{
    struct th_context_config files;
    if (!s->identity)
        return 0;
    int result = th_cli_identity_open(used, s, s->identity, 0, TH_STORE_READ, fault);
    if (result < 0)
        return result;
    th_cli_identity_sources(&files, s, s->identity, used);
    th_cli_identity_watch(used);
    return 0;
}

static int open_used(const struct th_cli_settings *s, struct th_fault *fault)
{
    int result = th_cli_identity_hold(s, fault);
    if (result == 0)
        result = note_use(used, s, fault);
    return result < 0 ? result : read_endpoint(used, fault);
}

/* Beside its generations; where nothing can be written nothing is kept. */
static void take_kept_files(struct th_cli_settings *s)
{
    const char *dir = th_cli_identity_dir(s);
    th_format(texts->session, sizeof texts->session, "%s/%s", dir, s->identity);
    if (access(texts->session, W_OK) < 0)
        return;
    th_format(texts->session, sizeof texts->session, "%s/%s/session", dir, s->identity);
    th_format(texts->clock, sizeof texts->clock, "%s/%s/clock", dir, s->identity);
    if (!s->session_file)
        s->session_file = texts->session;
    if (!s->clock_file)
        s->clock_file = texts->clock;
}

bool th_cli_identity_take(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    char shown[TH_CLI_SHOWN_BYTES];
    struct th_fault fault = {0};
    struct th_context_config files;
    if (!s->identity)
        return true;
    if (open_used(s, &fault) < 0) {
        problem->status = th_cli_exit_of(&fault);
        return th_cli_problem(problem, "--identity %s: %s", th_cli_show(s->identity, shown),
                              fault.text);
    }
    th_cli_identity_sources(&files, s, s->identity, used);
    s->certificate = files.certificate.path;
    s->key = files.key.path;
    if (!s->cafile && !s->capath && !s->os_certs)
        s->cafile = files.roots.path;
    take_endpoint(s);
    take_kept_files(s);
    struct th_slice stored_at = th_store_meta_value(used->meta, "stored_at");
    th_calendar_raise_floor((int64_t)th_json_flat_number(stored_at));
    th_cli_identity_done();
    return true;
}

void th_cli_identity_done(void)
{
    if (used->generation)
        th_cli_identity_close(used);
}

const struct th_cli_identity *th_cli_identity_used(void)
{
    return used;
}

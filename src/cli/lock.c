#include "cli/lock.h"

#include "base/log.h"
#include "base/roomy.h"
#include "cli/exit.h"
#include "cli/identity.h"
#include "cli/lane.h"
#include "cli/roots.h"
#include "cli/say.h"
#include "mem/libc.h"
#include "mem/watch.h"
#include "net/address.h"
#include "report/report.h"
#include "sandbox/sandbox.h"
#include <string.h>
#include <unistd.h>

#define DNS_PORT 53
#define PROXY_PORT 1080 /* RFC 1928 section 3 */

/* Defined where malloc is ours: in the program, not in its tests. */
#pragma weak th_libc_payer

static struct th_report_sandbox locked;
static TH_ROOMY struct th_sandbox_wish wished;

/* ---- what is still to be done ---------------------------------------------------------------- */

static bool is_address(const char *host)
{
    struct th_net_address address;
    return th_net_address_parse(&address, host);
}

static bool is_local(const struct th_cli_settings *s)
{
    return s->unix_path || s->agent;
}

static bool looks_names_up(const struct th_cli_settings *s)
{
    const char *host = s->proxy.host ? s->proxy.host : s->host;
    return !is_local(s) && !s->addresses.count && (s->srv || s->ports || !is_address(host));
}

/* NULL: to standard output, or nowhere. */
static const char *report_file(const struct th_cli_settings *s)
{
    const char *path = s->report && *s->report ? s->report + strlen("json:") : NULL;
    return path && strcmp(path, "-") ? path : NULL;
}

static uint16_t port_of(const struct th_cli_settings *s)
{
    if (!s->proxy.host)
        return (uint16_t)s->port;
    return s->proxy.port ? s->proxy.port : PROXY_PORT;
}

static void wish_for_port(struct th_sandbox_wish *wish, uint16_t port)
{
    uint16_t *at = wish->ports;
    while (*at)
        at++;
    *at = port;
}

static void wish_for_a_road(struct th_sandbox_wish *wish, const struct th_cli_settings *s)
{
    wish->any_port |= s->srv;
    wish->needs |= is_local(s) ? TH_SANDBOX_UNIX : TH_SANDBOX_INTERNET;
    wish->needs |= s->bind_address ? TH_SANDBOX_BIND : 0;
    if (!is_local(s))
        wish_for_port(wish, port_of(s));
    for (const uint16_t *port = s->ports; port && *port; port++)
        wish_for_port(wish, *port);
}

static void wish_to_read(struct th_sandbox_wish *wish, const char *path)
{
    const char **at = wish->reads;
    while (*at)
        at++;
    *at = path;
    wish->needs |= path ? TH_SANDBOX_READ : 0;
}

/* Over TCP as well, when an answer is long. Both files are read again at each lookup. */
static void wish_for_names(struct th_sandbox_wish *wish)
{
    wish->needs |= TH_SANDBOX_LOOKUP;
    wish_for_port(wish, DNS_PORT);
    wish_to_read(wish, "/etc/hosts");
    wish_to_read(wish, "/etc/resolv.conf");
}

/* Where Debian keeps the files that its directory of CA certificates links to. */
static void wish_for_links(struct th_sandbox_wish *wish)
{
    static const char *const places[] = {"/usr/share/ca-certificates",
                                         "/usr/local/share/ca-certificates"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], R_OK) == 0)
            wish_to_read(wish, places[i]);
}

static void wish_for_roots(struct th_sandbox_wish *wish, const struct th_cli_settings *s)
{
    const char *const *paths = th_cli_root_paths(s);
    wish_to_read(wish, s->cafile);
    for (; paths && *paths; paths++)
        wish_to_read(wish, *paths);
    wish_for_links(wish);
}

static void wish_to_write(struct th_sandbox_wish *wish, const char *path)
{
    const char **at = wish->writes;
    while (*at)
        at++;
    *at = path;
    wish->needs |= path ? TH_SANDBOX_WRITE : 0;
}

/* Another generation may be tried, and count from then on. */
static void wish_for_identity(struct th_sandbox_wish *wish, const struct th_cli_settings *s)
{
    if (!th_cli_settings_rotate(s))
        return;
    wish_to_read(wish, th_cli_identity_home(s));
    wish_to_write(wish, th_cli_identity_home(s));
}

/* What SIGHUP has read again: cli/settings.h. */
static void wish_to_reload(struct th_sandbox_wish *wish, const struct th_cli_settings *s)
{
    const char *const paths[] = {s->config_file, s->password_file, s->keypass_file,
                                 s->identity ? NULL : s->certificate, s->identity ? NULL : s->key,
                                 s->cafile};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (th_cli_settings_reload(s) && paths[i])
            wish_to_read(wish, paths[i]);
}

void th_cli_lock_writes(const char *path)
{
    wish_to_write(&wished, path);
}

static void wish_to_remove(struct th_sandbox_wish *wish, const char *path)
{
    const char **at = wish->removes;
    while (*at)
        at++;
    *at = path;
    wish->needs |= path ? TH_SANDBOX_SERVE : 0;
}

/* The report is written, the status socket removed. */
static void wish_for_reports(struct th_sandbox_wish *wish, const struct th_cli_settings *s)
{
    wish_to_write(wish, report_file(s));
    wish_to_remove(wish, s->listen ? s->listen : s->inbox);
    wish_to_remove(wish, s->status_socket);
    wish->needs |= s->command == TH_CLI_TUNNEL ? TH_SANDBOX_SERVE : 0;
}

void th_cli_lock_wish(const struct th_cli_settings *s, bool rereads_roots)
{
    struct th_sandbox_wish *wish = &wished;
    if (s->command == TH_CLI_CERT && !s->on_certificate) {
        wish_to_read(wish, "/"); /* certificates of anybody's; nothing else is left to do */
        return;
    }
    wish_for_a_road(wish, s);
    if (looks_names_up(s) || s->sntp.count)
        wish_for_names(wish);
    wish_to_read(wish, s->crl);
    if (rereads_roots || s->on_certificate)
        wish_for_roots(wish, s);
    wish_to_write(wish, s->out);
    wish_to_read(wish, s->drop);
    wish_to_write(wish, s->drop);
    wish_for_identity(wish, s);
    wish_to_reload(wish, s);
    wish_for_reports(wish, s);
    wish_to_read(wish, s->spool);
    wish_to_write(wish, s->spool);
    wish->needs |= s->clock == TH_CLI_CLOCK_SYNC || s->clock_file || s->session_file
                       ? TH_SANDBOX_KEEP : 0;
}

/* ---- what came of it ------------------------------------------------------------------------- */

static const char *reason_against(void)
{
    if (!th_libc_payer)
        return "none, for this C library takes memory from the kernel";
    return th_watch_by_valgrind() ? "none, for valgrind needs more calls" : NULL;
}

static int say_what_is_missing(void)
{
    char names[TH_REPORT_LOCK_NAMES_BYTES];
    struct th_log log = th_cli_voice_log();
    const char *what = locked.why_not ? locked.why_not : th_report_lock_names(locked.lacks, names);
    if (!*what)
        return TH_CLI_OK;
    if (locked.mode != TH_REPORT_SANDBOX_REQUIRE) {
        th_log(&log, TH_LOG_DEBUG, "sandbox incomplete: %s", what);
        return TH_CLI_OK;
    }
    th_cli_say_status(TH_CLI_UNLOCKED, "sandbox incomplete: %s", what);
    return TH_CLI_UNLOCKED;
}

/* What the report is read from is opened before. */
static void lock(const struct th_cli_settings *settings)
{
    wished.others = th_cli_lanes() - 1;
    if (settings->report || settings->status_socket)
        th_report_process_keep();
    th_sandbox_lock(&wished, &locked);
}

int th_cli_lock(const struct th_cli_settings *settings)
{
    locked = (struct th_report_sandbox){.mode = (uint8_t)settings->sandbox};
    if (locked.mode == TH_REPORT_SANDBOX_OFF)
        return TH_CLI_OK;
    locked.any_port = wished.any_port;
    locked.why_not = reason_against();
    if (!locked.why_not)
        lock(settings);
    return say_what_is_missing();
}

void th_cli_lock_report(struct th_report *report)
{
    report->sandbox = locked;
}

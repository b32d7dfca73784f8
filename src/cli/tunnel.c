/* thimble tunnel: lends our TLS connection to programs of this machine that speak plain MQTT. */
#include "cli/command.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/roomy.h"
#include "cli/cert.h"
#include "cli/clock.h"
#include "cli/configure.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/identity.h"
#include "cli/lock.h"
#include "cli/say.h"
#include "cli/signals.h"
#include "net/local.h"
#include "net/unix.h"
#include "tunnel/relay.h"
#include <string.h>
#include <unistd.h>

/* How long nobody is let in when the system has no descriptor for them: it would be asked again at
 * once, for whoever waits is always ready. */
#define DEAF_MS 500

static TH_ROOMY struct {
    struct th_cli_settings settings;
    struct th_context *context;
    struct th_tls_config config;
    struct th_relay *relays[TH_CONNECTIONS]; /* each at the beginning of its block */
    int listening;
    uint64_t deaf_until_ms; /* no descriptor was left for whoever came */
    uint64_t programs; /* that came */
} tunnel;

/* ---- opening --------------------------------------------------------------------------------- */

static size_t block_bytes(void)
{
    size_t room_bytes;
    th_cli_desk_room(&room_bytes);
    return room_bytes / TH_CONNECTIONS;
}

/* What is behind the relay is for its connection. */
static size_t relay_bytes(void)
{
    return (sizeof(struct th_relay) + 15) & ~(size_t)15;
}

static void open_relays(void)
{
    size_t room_bytes;
    uint8_t *room = th_cli_desk_room(&room_bytes);
    for (size_t i = 0; i < TH_CONNECTIONS; i++) {
        tunnel.relays[i] = (struct th_relay *)(room + i * block_bytes());
        tunnel.relays[i]->local = -1;
    }
}

static int open_context(const struct th_cli_settings *s, struct th_fault *fault)
{
    struct th_context_config config;
    size_t bytes;
    void *block = th_cli_desk_block(&bytes);
    th_cli_configure_context(&config, s);
    return th_context_open(&tunnel.context, block, bytes, &config, fault);
}

static int listen_for_programs(const struct th_cli_settings *s, struct th_fault *fault)
{
    tunnel.listening = s->listen ? th_net_unix_listen(s->listen, (unsigned)s->listen_mode, fault)
                              : th_net_local_listen((uint16_t)s->listen_port, fault);
    return tunnel.listening < 0 ? tunnel.listening : 0;
}

static int open_all(const struct th_cli_settings *s, struct th_fault *fault)
{
    int rc = th_cli_clock_open(s, fault);
    if (rc == 0)
        rc = open_context(s, fault);
    th_cli_identity_done();
    if (rc < 0)
        return rc;
    th_cli_configure_stream(&tunnel.config, s);
    open_relays();
    return listen_for_programs(s, fault);
}

/* ---- one program ----------------------------------------------------------------------------- */

static const char *why(const struct th_relay *relay)
{
    return relay->fault.code ? relay->fault.text : "in good order";
}

/* A broker that hangs up without close_notify is nothing special; any other fault is. */
static void say_end(const struct th_relay *relay)
{
    struct th_log log = th_cli_voice_log();
    int code = relay->fault.code;
    if (code && code != TH_E_RECEIVE)
        th_cli_say("a connection ended: %s", relay->fault.text);
    else
        th_log(&log, TH_LOG_DEBUG, "a connection ended: %s; %llu bytes sent, %llu received",
               why(relay), (unsigned long long)relay->up_bytes,
               (unsigned long long)relay->down_bytes);
}

static void carry(struct th_relay *relay)
{
    bool was_open = th_tls_is_open(relay->broker);
    void *block = (uint8_t *)relay + relay_bytes();
    bool over = th_relay_step(relay, block, block_bytes() - relay_bytes(), tunnel.context,
                              &tunnel.config) != 0;
    if (!was_open && th_tls_is_open(relay->broker))
        th_cli_clock_confirm();
    if (!over)
        return;
    say_end(relay);
    th_relay_close(relay);
}

static struct th_relay *free_relay(void)
{
    for (size_t i = 0; i < TH_CONNECTIONS; i++)
        if (tunnel.relays[i]->local < 0)
            return tunnel.relays[i];
    return NULL;
}

/* Who may open the socket may use it, but a socket for us alone is for us alone: its rights can be
 * changed behind our back. */
static bool is_welcome(int fd)
{
    const struct th_cli_settings *s = &tunnel.settings;
    return !s->listen || s->listen_mode != 0600 || th_net_local_is_ours(fd);
}

static void turn_away(int fd, const char *reason)
{
    th_cli_say("a program was turned away: %s", reason);
    th_net_hang_up(fd);
}

static void welcome(int fd)
{
    struct th_relay *relay = free_relay();
    if (!is_welcome(fd))
        turn_away(fd, "it is another user's; see --listen-mode");
    else if (!relay)
        turn_away(fd, "all connections are in use");
    else
        th_relay_open(relay, fd);
}

static void receive(void)
{
    int fd = th_net_unix_accept(tunnel.listening);
    if (fd >= 0)
        welcome(fd);
    else if (fd == TH_E_SYSTEM)
        tunnel.deaf_until_ms = th_clock_ms() + DEAF_MS;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void carry_all(void)
{
    for (size_t i = 0; i < TH_CONNECTIONS; i++)
        if (tunnel.relays[i]->local >= 0)
            carry(tunnel.relays[i]);
}

static bool is_deaf(void)
{
    return th_clock_ms() < tunnel.deaf_until_ms;
}

static int wait_ms(void)
{
    int wait = is_deaf() ? DEAF_MS : -1;
    for (size_t i = 0; i < TH_CONNECTIONS; i++)
        if (tunnel.relays[i]->local >= 0)
            wait = th_clock_shorter_ms(wait, th_relay_wait_ms(tunnel.relays[i]));
    return wait;
}

static void await_something(void)
{
    static struct pollfd awaited[2 + 2 * TH_CONNECTIONS];
    nfds_t count = 0;
    awaited[count++] = (struct pollfd){.fd = is_deaf() ? -1 : tunnel.listening, .events = POLLIN};
    for (size_t i = 0; i < TH_CONNECTIONS; i++)
        if (tunnel.relays[i]->local >= 0) {
            th_relay_awaited(tunnel.relays[i], awaited + count);
            count += 2;
        }
    int ready = th_cli_signals_poll(awaited, count, wait_ms());
    if (ready > 0 && awaited[0].revents)
        receive();
}

static int await_date(void)
{
    struct th_fault fault = {0};
    int rc;
    while ((rc = th_cli_clock_step(&fault)) == TH_WANT_READ && !th_cli_signals_count()) {
        struct pollfd awaited[2] = {th_cli_clock_awaited()};
        th_cli_signals_poll(awaited, 1, th_cli_clock_wait_ms());
    }
    return rc < 0 && !th_cli_signals_count() ? th_cli_say_fault(&fault) : TH_CLI_OK;
}

static void say_where(void)
{
    const struct th_cli_settings *s = &tunnel.settings;
    if (s->listen)
        th_cli_say("listening at %s", s->listen);
    else
        th_cli_say("listening on 127.0.0.1 port %d: whoever is on this machine can use our "
                   "identity", (int)s->listen_port);
}

static int serve(void)
{
    int status = await_date();
    if (status == TH_CLI_OK)
        say_where();
    while (status == TH_CLI_OK && !th_cli_signals_count()) {
        carry_all();
        await_something();
    }
    return status;
}

static int run(void)
{
    th_cli_signals_enter(false);
    int status = th_cli_lock(&tunnel.settings, th_context_rereads(tunnel.context));
    if (status == TH_CLI_OK)
        status = serve();
    th_cli_signals_leave();
    return status;
}

/* ---- closing --------------------------------------------------------------------------------- */

static void close_all(void)
{
    for (size_t i = 0; i < TH_CONNECTIONS && tunnel.relays[i]; i++)
        if (tunnel.relays[i]->local >= 0)
            th_relay_close(tunnel.relays[i]);
    th_context_close(tunnel.context);
    th_cli_clock_close();
    if (tunnel.listening < 0)
        return;
    th_net_hang_up(tunnel.listening);
    if (tunnel.settings.listen)
        unlink(tunnel.settings.listen);
}

int th_cli_tunnel(int argc, char *argv[])
{
    struct th_fault fault = {0};
    int status;
    memset(&tunnel, 0, sizeof tunnel);
    tunnel.listening = -1;
    if (!th_cli_begin(&tunnel.settings, TH_CLI_TUNNEL, argc, argv, &status))
        return status;
    status = open_all(&tunnel.settings, &fault) < 0 ? th_cli_say_fault(&fault) : run();
    close_all();
    return status;
}

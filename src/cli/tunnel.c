/* thimble tunnel: lends our TLS connection to programs of this machine that speak plain MQTT. */
#include "cli/command.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/roomy.h"
#include "cli/clock.h"
#include "cli/configure.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/say.h"
#include "cli/several.h"
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
    struct th_relay *relays[TH_CONNECTIONS]; /* each at the beginning of its block; NULL: free */
    int listening;
    uint64_t deaf_until_ms; /* no descriptor was left for whoever came */
    uint64_t programs; /* that came */
} tunnel;

/* ---- opening --------------------------------------------------------------------------------- */

/* What is behind the relay is for its connection. */
static size_t relay_bytes(void)
{
    return (sizeof(struct th_relay) + 15) & ~(size_t)15;
}

static int listen_for_programs(const struct th_cli_settings *s)
{
    struct th_fault fault = {0};
    tunnel.listening = s->listen ? th_net_unix_listen(s->listen, (unsigned)s->listen_mode, &fault)
                              : th_net_local_listen((uint16_t)s->listen_port, &fault);
    return tunnel.listening < 0 ? th_cli_say_fault(&fault) : TH_CLI_OK;
}

static int open_all(const struct th_cli_settings *s)
{
    int status = th_cli_several_open(&tunnel.context, s);
    th_cli_configure_stream(&tunnel.config, s);
    return status == TH_CLI_OK ? listen_for_programs(s) : status;
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
        th_cli_warn("a connection ended: %s", relay->fault.text);
    else
        th_log(&log, TH_LOG_DEBUG, "a connection ended: %s; %llu bytes sent, %llu received",
               why(relay), (unsigned long long)relay->up_bytes,
               (unsigned long long)relay->down_bytes);
}

static bool step(struct th_relay *relay)
{
    size_t bytes;
    th_cli_several_block(0, &bytes);
    return th_relay_step(relay, (uint8_t *)relay + relay_bytes(), bytes - relay_bytes(),
                         tunnel.context, &tunnel.config) != 0;
}

/* True: it is over. */
static bool carry(struct th_relay *relay)
{
    bool was_open = th_tls_is_open(relay->broker);
    bool over = step(relay);
    if (!was_open && th_tls_is_open(relay->broker))
        th_cli_clock_confirm();
    if (!over)
        return false;
    say_end(relay);
    th_relay_close(relay);
    return true;
}

/* TH_CONNECTIONS: none. */
static size_t free_place(void)
{
    size_t i = 0;
    while (i < TH_CONNECTIONS && tunnel.relays[i])
        i++;
    return i;
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
    th_cli_warn("a program was turned away: %s", reason);
    th_net_hang_up(fd);
}

static void let_in(size_t place, int fd)
{
    size_t bytes;
    tunnel.relays[place] = th_cli_several_block(place, &bytes);
    th_relay_open(tunnel.relays[place], fd);
}

static void welcome(int fd)
{
    size_t place = free_place();
    if (!is_welcome(fd))
        turn_away(fd, "it is another user's; see --listen-mode");
    else if (place == TH_CONNECTIONS)
        turn_away(fd, "all connections are in use");
    else
        let_in(place, fd);
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
        if (tunnel.relays[i] && carry(tunnel.relays[i]))
            tunnel.relays[i] = NULL;
}

static bool is_deaf(void)
{
    return th_clock_ms() < tunnel.deaf_until_ms;
}

static int wait_ms(void)
{
    int wait = is_deaf() ? DEAF_MS : -1;
    for (size_t i = 0; i < TH_CONNECTIONS; i++)
        if (tunnel.relays[i])
            wait = th_clock_shorter_ms(wait, th_relay_wait_ms(tunnel.relays[i]));
    return wait;
}

static void await_something(void)
{
    static struct pollfd awaited[2 + 2 * TH_CONNECTIONS];
    nfds_t count = 0;
    awaited[count++] = (struct pollfd){.fd = is_deaf() ? -1 : tunnel.listening, .events = POLLIN};
    for (size_t i = 0; i < TH_CONNECTIONS; i++)
        if (tunnel.relays[i]) {
            th_relay_awaited(tunnel.relays[i], awaited + count);
            count += 2;
        }
    int ready = th_cli_signals_poll(awaited, count, wait_ms());
    if (ready > 0 && awaited[0].revents)
        receive();
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

static void serve(void)
{
    say_where();
    while (!th_cli_signals_count()) {
        carry_all();
        await_something();
    }
}

static int run(void)
{
    int status = th_cli_several_begin(&tunnel.settings, tunnel.context);
    if (status == TH_CLI_OK && !th_cli_signals_count())
        serve();
    th_cli_signals_leave();
    return status;
}

/* ---- closing --------------------------------------------------------------------------------- */

static void close_all(void)
{
    for (size_t i = 0; i < TH_CONNECTIONS; i++)
        if (tunnel.relays[i])
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
    int status;
    memset(&tunnel, 0, sizeof tunnel);
    tunnel.listening = -1;
    if (!th_cli_begin(&tunnel.settings, TH_CLI_TUNNEL, argc, argv, &status))
        return status;
    status = open_all(&tunnel.settings);
    if (status == TH_CLI_OK)
        status = run();
    close_all();
    return status;
}

#include "agent/obey.h"

#include "agent/show.h"
#include "agent/state.h"
#include "base/clock.h"
#include "cli/connection.h"
#include "cli/lane.h"
#include "cli/rotate.h"
#include "cli/say.h"
#include "cli/signals.h"

#include <signal.h>

struct lane {
    bool is_leaving; /* to come back at once */
    unsigned reconnects, dumps; /* obeyed */
};
TH_LANE(struct lane, obeying);

static int open_signals(const struct th_cli_settings *settings)
{
    (void)settings;
    th_cli_signals_note(SIGUSR1);
    th_cli_signals_note(SIGUSR2);
    return 0;
}

/* In between somebody is at work already; an identity on trial goes on. */
static void reconnect(void)
{
    struct th_client *client = th_cli_connection_client();
    enum th_phase phase = th_phase(client);
    if (th_cli_connection_is_ending() || !th_cli_connection_is_dated() || th_cli_rotate_on_trial())
        return;
    th_cli_say("connecting again, as asked for");
    if (phase == TH_PHASE_RESTING)
        th_connect(client);
    else
        obeying->is_leaving = phase == TH_PHASE_UP && th_disconnect(client, 0, NULL) >= 0;
}

static void on_event(const struct th_event *event)
{
    if (event->kind != TH_EVENT_DISCONNECTED || !obeying->is_leaving)
        return;
    obeying->is_leaving = false;
    if (event->redial_in_ms < 0 && !th_cli_connection_is_ending())
        th_connect(th_cli_connection_client());
}

static void write_error(const void *data, size_t bytes)
{
    th_cli_say_as_is(data, bytes);
}

static void dump(void)
{
    const struct th_agent_view view = {.write = write_error};
    struct th_agent_answer answer = th_agent_state_answer();
    th_agent_show(&answer, 1, &view);
    th_cli_connection_dump();
}

/* Each connection obeys each of them, and several that came together once. */
static bool is_new(int number, unsigned *obeyed)
{
    unsigned before = *obeyed;
    *obeyed = th_cli_signals_noted(number);
    return *obeyed != before;
}

static bool turn(void)
{
    if (is_new(SIGUSR1, &obeying->reconnects))
        reconnect();
    if (is_new(SIGUSR2, &obeying->dumps))
        dump();
    return false;
}

/* One may come between two turns, while nobody polls. */
static uint64_t until_ms(void)
{
    bool is_obeyed = obeying->reconnects == th_cli_signals_noted(SIGUSR1) &&
                     obeying->dumps == th_cli_signals_noted(SIGUSR2);
    return is_obeyed ? TH_NEVER : 0;
}

const struct th_agent_part th_agent_obey = {
    .open = open_signals,
    .event = on_event,
    .turn = turn,
    .until_ms = until_ms,
};

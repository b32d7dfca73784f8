#include "agent/state.h"

#include "agent/handlers.h"
#include "agent/log.h"
#include "agent/plain.h"
#include "agent/queue.h"
#include "agent/reload.h"
#include "base/clock.h"
#include "base/slice.h"
#include "base/text.h"
#include "cli/cert.h"
#include "cli/connection.h"
#include "cli/expiry.h"
#include "cli/json.h"
#include "cli/lane.h"
#include "cli/say.h"
#include "cli/sheet.h"
#include "cli/status.h"

#include <errno.h>
#include <string.h>

#define STABLE_MS 30000 /* a connection that held so long was a good one */
#define SHORT_LIVES 3   /* so many in a row that did not: somebody ends them */
#define TAKEN_OVER 0x8e /* 5.0 section 2.4 */
#define SOON_S (7 * 86400)
#define SPOOL_BYTES 1048576 /* unless it is given */

enum alarm { CERTIFICATE, PLAINTEXT, SPOOL, CONFIGURATION, TAKEOVER, ALARMS };

struct lane {
    enum th_agent_state state;
    uint64_t since_ms;
    unsigned changes;
    uint64_t up_ms;      /* when it was connected; 0: it is not */
    uint64_t failed_ms;  /* when the connection, or an attempt, failed; 0: none did */
    struct th_fault fault;
    bool given_up;       /* nothing follows the failure */
    uint8_t short_lives; /* connections in a row that the broker ended soon */
    bool plaintext;
    uint64_t spool_bytes; /* it may have */
    bool suspected;      /* that another client has our id was said */
    uint32_t connections;
    uint32_t tls_failures[-TH_E_CLOCK + 1]; /* by cause */
};
TH_LANE(struct lane, how);

/* ---- what is wrong though we are connected --------------------------------------------------- */

static bool is_ending(int64_t not_after_s)
{
    return not_after_s && not_after_s < th_calendar_s() + SOON_S;
}

/* Damaged, failing, stuck, or full to four fifths. */
static bool is_spool_bad(void)
{
    struct th_spool_stat stat;
    return th_agent_queue_look(&stat) &&
           (stat.damages || stat.failing || th_agent_queue_is_stuck() ||
            stat.disk_bytes > how->spool_bytes / 5 * 4);
}

static bool is_alarmed(enum alarm alarm)
{
    switch (alarm) {
    case CERTIFICATE: return is_ending(th_cli_expiry_not_after_s());
    case PLAINTEXT:   return how->plaintext || th_agent_plain_is_up();
    case SPOOL:       return is_spool_bad();
    case CONFIGURATION: return th_agent_reload_refused();
    default:          return how->short_lives >= SHORT_LIVES;
    }
}

static bool is_degraded(void)
{
    bool degraded = false;
    for (enum alarm alarm = 0; alarm < ALARMS; alarm++)
        degraded |= is_alarmed(alarm);
    return degraded;
}

/* ---- the state ------------------------------------------------------------------------------- */

const char *th_agent_state_name(enum th_agent_state state)
{
    return th_text_nth("disconnected\0" "waiting-for-network\0" "waiting-for-clock\0" "connecting\0"
                       "connected\0" "degraded\0" "backoff\0" "error", state);
}

static bool lacks_network(const struct th_fault *fault)
{
    static const uint8_t errors[] = {ENETUNREACH, EHOSTUNREACH, ENETDOWN, EADDRNOTAVAIL};
    return fault->sys_errno && memchr(errors, fault->sys_errno, sizeof errors);
}

static enum th_agent_state state_at_rest(void)
{
    if (how->given_up)
        return TH_AGENT_ERROR;
    if (!th_cli_connection_is_dated() || how->fault.code == TH_E_CLOCK)
        return TH_AGENT_WAITING_FOR_CLOCK;
    if (!how->failed_ms) /* the first attempt may wait, too */
        return th_wait_ms(th_cli_connection_client()) > 0 ? TH_AGENT_BACKOFF : TH_AGENT_CONNECTING;
    return lacks_network(&how->fault) ? TH_AGENT_WAITING_FOR_NETWORK : TH_AGENT_BACKOFF;
}

static enum th_agent_state state_now(void)
{
    enum th_phase phase = th_phase(th_cli_connection_client());
    if (how->given_up)
        return TH_AGENT_ERROR;
    if (phase == TH_PHASE_CLOSING || th_cli_connection_is_ending())
        return TH_AGENT_DISCONNECTED;
    if (th_agent_plain_is_up())
        return TH_AGENT_DEGRADED;
    if (phase == TH_PHASE_UP)
        return is_degraded() ? TH_AGENT_DEGRADED : TH_AGENT_CONNECTED;
    return phase == TH_PHASE_RESTING ? state_at_rest() : TH_AGENT_CONNECTING;
}

static enum th_log_level level_of(enum th_agent_state state)
{
    bool is_good = state >= TH_AGENT_CONNECTING && state <= TH_AGENT_CONNECTED;
    if (state == TH_AGENT_ERROR)
        return TH_LOG_ERROR;
    return is_good || state == TH_AGENT_DISCONNECTED ? TH_LOG_INFO : TH_LOG_WARNING;
}

static void tell_change(void)
{
    if (!th_agent_log_begin(level_of(how->state), "state"))
        return;
    th_agent_log_text("state", th_agent_state_name(how->state));
    if (how->failed_ms && !how->up_ms) {
        th_agent_log_text("error", th_error_name(how->fault.code));
        th_agent_log_text("text", how->fault.text);
    }
    th_agent_log_end();
}

static void change_to(enum th_agent_state state)
{
    if (how->state == state)
        return;
    how->state = state;
    how->since_ms = th_clock_ms();
    how->changes++;
    tell_change();
}

unsigned th_agent_state_changes(void)
{
    return how->changes;
}

/* ---- what happens ---------------------------------------------------------------------------- */

static uint64_t age_ms(uint64_t since_ms)
{
    return since_ms ? th_clock_ms() - since_ms : 0;
}

/* Before 5.0 a broker only hangs up on the one whose id another takes; and that one comes back, and
 * takes it in turn. */
static void note_end(const struct th_fault *fault)
{
    bool by_broker = fault->code == TH_E_CLOSED || fault->code == TH_E_RECEIVE;
    if (fault->reason == TAKEN_OVER)
        how->short_lives = SHORT_LIVES;
    else if (how->up_ms)
        how->short_lives = by_broker && age_ms(how->up_ms) < STABLE_MS ? how->short_lives + 1 : 0;
    if (how->short_lives == SHORT_LIVES && !how->suspected && fault->reason != TAKEN_OVER)
        th_cli_warn("the broker ends each connection within seconds: perhaps another device has "
                    "the same client id");
    how->suspected = how->short_lives >= SHORT_LIVES;
}

static void note_failure(const struct th_event *event)
{
    const struct th_fault *fault = event->fault;
    how->given_up = event->redial_in_ms < 0;
    how->failed_ms = th_clock_ms();
    how->fault = *fault;
    if (fault->phase == TH_PHASE_SHAKING && fault->code >= TH_E_CLOCK)
        how->tls_failures[-fault->code]++;
    note_end(fault);
}

static void on_event(const struct th_event *event)
{
    if (event->kind == TH_EVENT_CONNECTED) {
        how->connections++;
        how->up_ms = th_clock_ms();
    }
    if (event->kind != TH_EVENT_DISCONNECTED)
        return;
    if (event->fault->code)
        note_failure(event);
    how->up_ms = 0;
}

static bool turn(void)
{
    how->given_up &= th_phase(th_cli_connection_client()) == TH_PHASE_RESTING;
    if (age_ms(how->up_ms) >= STABLE_MS)
        how->short_lives = 0;
    change_to(state_now());
    return false;
}

/* What turn() sees by itself. */
static uint64_t until_ms(void)
{
    return how->up_ms && how->short_lives ? how->up_ms + STABLE_MS : TH_NEVER;
}

/* ---- telling --------------------------------------------------------------------------------- */

static void put_group(struct th_json_flow *flow, const char *name)
{
    th_json_flow_member(flow, name);
    th_json_flow_open(flow, '{');
}

static void put_alarms(struct th_json_flow *flow)
{
    static const char names[] = "certificate\0" "plaintext\0" "spool\0" "config\0" "takeover";
    put_group(flow, "alarms");
    for (enum alarm alarm = 0; alarm < ALARMS; alarm++) {
        th_json_flow_member(flow, th_text_nth(names, alarm));
        th_json_flow_raw(flow, is_alarmed(alarm) ? "true" : "false");
    }
    th_json_flow_shut(flow, '}');
}

static void put_failure(struct th_json_flow *flow)
{
    th_cli_json_text(flow, "error", th_slice_text(th_error_name(how->fault.code)));
    th_cli_json_text(flow, "text", th_slice_text(how->fault.text));
    th_cli_json_number(flow, "error_ms", age_ms(how->failed_ms));
}

static void put_tls_failures(struct th_json_flow *flow)
{
    put_group(flow, "tls_failures");
    for (int code = -1; code >= TH_E_CLOCK; code--)
        if (how->tls_failures[-code])
            th_cli_json_number(flow, th_error_name(code), how->tls_failures[-code]);
    th_json_flow_shut(flow, '}');
}

static void put_unhandled(struct th_json_flow *flow)
{
    static const char names[] = "busy\0" "program\0" "sink";
    put_group(flow, "unhandled");
    for (unsigned cause = 0; cause < TH_AGENT_UNHANDLED; cause++)
        th_cli_json_number(flow, th_text_nth(names, cause), th_agent_unhandled(cause));
    th_json_flow_shut(flow, '}');
}

static void put_next_attempt(struct th_json_flow *flow)
{
    int wait_ms = th_wait_ms(th_cli_connection_client());
    bool is_planned = how->state == TH_AGENT_BACKOFF || how->state == TH_AGENT_WAITING_FOR_NETWORK;
    th_cli_json_number(flow, "next_attempt_ms", is_planned && wait_ms > 0 ? (uint64_t)wait_ms : 0);
}

static void put_spool(struct th_json_flow *flow)
{
    struct th_spool_stat stat;
    if (!th_agent_queue_look(&stat))
        return;
    th_cli_json_number(flow, "spool_messages", stat.messages);
    th_cli_json_number(flow, "spool_disk_bytes", stat.disk_bytes);
    th_cli_json_number(flow, "spool_written_today_bytes", stat.written_today_bytes);
    th_cli_json_number(flow, "spool_damages", stat.damages);
    put_group(flow, "spool_dropped");
    for (int cause = 0; cause < TH_SPOOL_CAUSES; cause++)
        th_cli_json_number(flow, th_spool_cause_name(cause), stat.dropped[cause]);
    th_json_flow_shut(flow, '}');
}

static size_t put_agent(char *text, size_t bytes)
{
    struct th_json_flow flow = {.write = th_cli_sheet_put};
    th_cli_sheet_open(text, bytes);
    th_json_flow_open(&flow, '{');
    if (th_cli_voice_connection())
        th_cli_json_text(&flow, "name", th_slice_text(th_cli_voice_connection()));
    put_group(&flow, "agent");
    th_cli_json_text(&flow, "state", th_slice_text(th_agent_state_name(how->state)));
    th_cli_json_number(&flow, "state_ms", age_ms(how->since_ms));
    put_alarms(&flow);
    if (how->failed_ms)
        put_failure(&flow);
    put_next_attempt(&flow);
    th_cli_json_number(&flow, "reconnects", how->connections ? how->connections - 1 : 0);
    put_tls_failures(&flow);
    th_cli_json_number(&flow, "certificate_not_after_s", (uint64_t)th_cli_expiry_not_after_s());
    put_unhandled(&flow);
    put_spool(&flow);
    th_json_flow_shut(&flow, '}');
    return th_cli_sheet_bytes();
}

struct th_agent_answer th_agent_state_answer(void)
{
    struct th_agent_answer answer;
    answer.text = th_cli_status_text(th_cli_connection_report(), &answer.bytes);
    return answer;
}

/* ---- beginning and ending -------------------------------------------------------------------- */

static int watch(void *arg, const struct th_certificate *certificate, struct th_fault *fault)
{
    (void)arg, (void)fault;
    th_cli_expiry_watch(certificate->not_before_s, certificate->not_after_s);
    return TH_E_FILE; /* our own stands first */
}

/* If it cannot be read, the connection says so. */
static void watch_certificate(const char *path)
{
    size_t bytes;
    void *block = th_cli_desk_block(&bytes);
    struct th_source source = {.path = path};
    th_certificates_read(block, bytes, &source, watch, NULL, NULL);
}

static int open_state(const struct th_cli_settings *settings)
{
    how->since_ms = th_clock_ms();
    how->spool_bytes = settings->spool_bytes ? (uint64_t)settings->spool_bytes : SPOOL_BYTES;
    how->plaintext = settings->no_tls && !settings->unix_path;
    if (settings->certificate)
        watch_certificate(settings->certificate);
    th_cli_status_also(put_agent);
    return 0;
}

static void close_state(void)
{
    change_to(how->given_up ? TH_AGENT_ERROR : TH_AGENT_DISCONNECTED);
}

const struct th_agent_part th_agent_state = {
    .open = open_state,
    .event = on_event,
    .turn = turn,
    .until_ms = until_ms,
    .close = close_state,
};

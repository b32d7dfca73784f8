#include "cli/settings.h"

#include "cli/options.h"
#include "cli/persona.h"
#include <string.h>
#include <thimble/report.h>

#define DEFAULT_ATTEMPTS 10
#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_FIRST_MS 1000
#define DEFAULT_FAILBACK_MS 600000
#define DEFAULT_CLOCK_MS 120000

static int64_t *number_of(struct th_cli_settings *s, const struct th_cli_option *option)
{
    return (int64_t *)((char *)s + option->offset);
}

void th_cli_settings_copy(struct th_cli_settings *to, const struct th_cli_settings *from)
{
    for (size_t at = 0; at < sizeof *to; at += sizeof at) {
        size_t old, new = 0;
        memcpy(&old, (const char *)to + at, sizeof old);
        if (from)
            memcpy(&new, (const char *)from + at, sizeof new);
        if (old != new)
            memcpy((char *)to + at, &new, sizeof new);
    }
}

void th_cli_settings_clear(struct th_cli_settings *s, int command)
{
    th_cli_settings_copy(s, NULL);
    s->command = command;
    s->persona = th_cli_persona();
    s->attempts = DEFAULT_ATTEMPTS;
    for (size_t i = 0; i < th_cli_options_count; i++)
        if (th_cli_is_number(&th_cli_options[i]))
            *number_of(s, &th_cli_options[i]) = TH_CLI_UNSET;
}

static void preset(int64_t *number, int64_t value)
{
    if (*number == TH_CLI_UNSET)
        *number = value;
}

static void preset_deadlines(struct th_cli_settings *s)
{
    preset(&s->timeout_ms, DEFAULT_TIMEOUT_MS);
    preset(&s->lookup_ms, s->timeout_ms);
    preset(&s->tcp_ms, s->timeout_ms);
    preset(&s->tls_ms, s->timeout_ms);
    preset(&s->connack_ms, s->timeout_ms);
    preset(&s->ack_ms, s->timeout_ms);
}

static int64_t default_expiry(const struct th_cli_settings *s)
{
    return s->persistent && s->version == TH_MQTT_5 ? TH_CLI_NEVER_EXPIRES : 0;
}

static int64_t default_port(const struct th_cli_settings *s)
{
    if (s->websocket && (s->url || s->persona == TH_CLI_THIMBLE))
        return s->no_tls ? 80 : 443; /* RFC 6455 section 3 */
    return s->no_tls ? 1883 : 8883;
}

static int64_t first_wait_ms(const struct th_cli_settings *s)
{
    return s->backoff_first_ms ? s->backoff_first_ms : DEFAULT_FIRST_MS;
}

/* A first connection that fails is tried again only if the user asked for it. */
static void decide_attempts(struct th_cli_settings *s)
{
    bool waits = s->wait_broker_ms != TH_CLI_UNSET;
    bool agent = s->command & TH_CLI_AGENT;
    if (waits || agent)
        s->attempts = TH_CLI_FOREVER;
    if (s->retry != TH_CLI_UNSET)
        s->attempts = s->retry;
    s->first_too = waits || agent || (s->retry != TH_CLI_UNSET && s->retry != 0);
}

/* 0 stands for what the library takes by itself, or for nothing. */
static void preset_zeros(struct th_cli_settings *s)
{
    int64_t *numbers[] = {
        &s->will_qos, &s->qos, &s->mark, &s->authentication, &s->topic_alias_maximum,
        &s->max_inflight, &s->repeat_delay_ms, &s->retain_handling, &s->backoff_first_ms,
        &s->heap_budget_bytes, &s->window_budget_bytes, &s->outbox_budget_bytes,
        &s->spool_bytes, &s->spool_messages, &s->spool_age_s, &s->spool_daily_bytes, &s->spool_full,
        &s->spool_attempts,
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        preset(numbers[i], 0);
}

void th_cli_settings_default(struct th_cli_settings *s)
{
    s->persistent |= s->command & TH_CLI_AGENT && (s->client_id || s->client_id_prefix);
    if (!s->host)
        s->host = "localhost";
    if (!s->websocket_path)
        s->websocket_path = "/mqtt";
    preset(&s->port, default_port(s));
    preset(&s->session_expiry_s, default_expiry(s));
    preset(&s->keep_alive_s, 60);
    preset(&s->tls_versions, 256 * TH_TLS_ANY + TH_TLS_ANY);
    preset(&s->repeat, 1);
    preset(&s->random_filter, 10000);
    preset(&s->status_mode, 0600);
    preset(&s->listen_mode, 0600);
    preset(&s->inbox_mode, 0600);
    preset(&s->exit_codes, s->persona);
    preset(&s->stapling, TH_STAPLING_OFF);
    preset(&s->clock, TH_CLI_CLOCK_WAIT);
    preset(&s->clock_ms, DEFAULT_CLOCK_MS);
    preset(&s->sandbox, TH_REPORT_SANDBOX_AUTO);
    preset_zeros(s);
    preset(&s->failback_ms, DEFAULT_FAILBACK_MS);
    preset(&s->first_delay_ms, s->command & TH_CLI_AGENT ? first_wait_ms(s) : 0);
    preset_deadlines(s);
    decide_attempts(s);
}

bool th_cli_settings_rotate(const struct th_cli_settings *s)
{
    return s->identity && (s->command != TH_CLI_PUB || s->lines);
}

bool th_cli_settings_reload(const struct th_cli_settings *s)
{
    return s->command & TH_CLI_AGENT;
}

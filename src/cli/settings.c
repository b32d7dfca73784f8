#include "cli/settings.h"

#include <string.h>

void th_cli_settings_clear(struct th_cli_settings *s, int command)
{
    memset(s, 0, sizeof *s);
    s->command = command;
    int64_t *numbers[] = {
        &s->port, &s->keep_alive_s, &s->version, &s->session_expiry_s, &s->tls_versions,
        &s->will_qos, &s->qos, &s->count, &s->seconds, &s->lookup_ms, &s->tcp_ms, &s->tls_ms,
        &s->connack_ms, &s->ack_ms, &s->timeout_ms, &s->retry, &s->heap_budget_bytes,
        &s->window_budget_bytes, &s->outbox_budget_bytes,
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i] = TH_CLI_UNSET;
}

static void preset(int64_t *number, int64_t value)
{
    if (*number == TH_CLI_UNSET)
        *number = value;
}

static void preset_deadlines(struct th_cli_settings *s)
{
    preset(&s->timeout_ms, 0);
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

void th_cli_settings_default(struct th_cli_settings *s)
{
    if (!s->host)
        s->host = "localhost";
    preset(&s->port, s->no_tls ? 1883 : 8883);
    preset(&s->version, TH_MQTT_3_1_1);
    preset(&s->session_expiry_s, default_expiry(s));
    preset(&s->keep_alive_s, 60);
    preset(&s->tls_versions, 256 * TH_TLS_ANY + TH_TLS_ANY);
    preset(&s->will_qos, 0);
    preset(&s->qos, 0);
    preset(&s->heap_budget_bytes, 0);
    preset(&s->window_budget_bytes, 0);
    preset(&s->outbox_budget_bytes, 0);
    preset_deadlines(s);
}

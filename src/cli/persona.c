#include "cli/persona.h"

#include "cli/names.h"
#include <string.h>

/* Messages of QoS 1 and 2 that mosquitto's clients have on their way, in each direction. */
#define THEIR_MAXIMUM 20

#define ONLY_TLS_1_2 (256 * TH_TLS_1_2 + TH_TLS_1_2)

static enum th_cli_persona persona;

enum th_cli_persona th_cli_persona(void)
{
    return persona;
}

const char *th_cli_persona_prefix(void)
{
    return persona == TH_CLI_MOSQUITTO ? "mosquitto_" : "thimble ";
}

int th_cli_persona_take(const char *called)
{
    const char *slash = strrchr(called, '/');
    const char *name = slash ? slash + 1 : called;
    size_t prefix_bytes = strlen("mosquitto_");
    persona = TH_CLI_THIMBLE;
    if (strncmp(name, "mosquitto_", prefix_bytes))
        return 0;
    int command = th_cli_command_named(name + prefix_bytes) & TH_CLI_CLIENTS;
    if (command)
        persona = TH_CLI_MOSQUITTO;
    return command;
}

static bool asks_for_tls(const struct th_cli_settings *s)
{
    return s->cafile || s->capath || s->os_certs || s->identity || s->psk_argument ||
           s->insecure_no_verify || s->port == 8883 || s->url_asks_for_tls;
}

/* Their --no-tls takes back what an options file says. */
static void drop_tls(struct th_cli_settings *s)
{
    s->certificate = s->key = s->cafile = s->capath = NULL;
    s->os_certs = false;
    s->psk_argument = NULL;
}

static void drop_mqtt_5(struct th_cli_settings *s)
{
    s->session_expiry_s = s->retain_handling = TH_CLI_UNSET;
    s->retain_as_published = false;
    s->properties.count = 0;
}

/* So that a client that ends after COUNT messages is not sent more. */
static uint16_t receive_maximum(const struct th_cli_settings *s)
{
    if (s->command == TH_CLI_RR)
        return 1;
    return s->count > 0 && s->count < THEIR_MAXIMUM ? (uint16_t)s->count : THEIR_MAXIMUM;
}

static void preset(int64_t *number, int64_t value)
{
    if (*number == TH_CLI_UNSET)
        *number = value;
}

/* Once connected, sub and pub -l connect again each second, for ever; the others never. */
static void adopt_patience(struct th_cli_settings *s)
{
    s->attempts = s->command == TH_CLI_SUB || s->lines ? TH_CLI_FOREVER : 0;
    if (s->backoff_first_ms == TH_CLI_UNSET)
        s->backoff_first_ms = s->backoff_max_ms = 1000;
}

void th_cli_persona_adopt(struct th_cli_settings *s)
{
    if (s->persona != TH_CLI_MOSQUITTO)
        return;
    if (s->no_tls)
        drop_tls(s);
    s->no_tls |= !asks_for_tls(s);
    preset(&s->version, s->command == TH_CLI_RR ? TH_MQTT_5 : TH_MQTT_3_1_1);
    if (s->version != TH_MQTT_5)
        drop_mqtt_5(s);
    preset(&s->max_inflight, THEIR_MAXIMUM);
    if (s->tls_versions == ONLY_TLS_1_2)
        s->tls_versions = 256 * TH_TLS_1_2 + TH_TLS_1_3; /* tlsv1.2 is the least they take */
    s->receive_maximum = receive_maximum(s);
    adopt_patience(s);
}

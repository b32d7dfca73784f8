#include "cli/configure.h"

#include "base/format.h"
#include "base/slice.h"
#include "cli/keylog.h"
#include "cli/lane.h"
#include "cli/passphrase.h"
#include "cli/properties.h"
#include "cli/roots.h"
#include "cli/say.h"
#include "cli/secret.h"
#include "mem/run.h"
#include <sys/random.h>
#include <unistd.h>

/* Topics sent by alias, under our own name; mosquitto's clients send none. */
#define ALIASES_MAX 16

void th_cli_configure_context(struct th_context_config *config, const struct th_cli_settings *s)
{
    *config = (struct th_context_config){
        .roots = th_cli_roots(s),
        .root_paths = th_cli_root_paths(s),
        .pins = s->pins,
        .ca_pins = s->ca_pins,
        .crl.path = s->crl,
        .stapling = (enum th_stapling)s->stapling,
        .certificate.path = s->certificate,
        .key.path = s->key,
        .passphrase = th_cli_passphrase(s),
        .tls_min = (enum th_tls_version)(s->tls_versions / 256),
        .tls_max = (enum th_tls_version)(s->tls_versions % 256),
        .alpn = s->alpn,
        .ciphers = s->ciphers,
        .ciphersuites = s->ciphersuites,
        .psk_identity = s->psk_identity,
        .psk = s->psk,
        .on_keylog = s->keylog ? th_cli_keylog_line : NULL,
        .hwrng_path = s->hwrng,
        .on_certificate = s->on_certificate,
        .insecure_no_name_check = s->insecure,
        .insecure_no_verify = s->insecure_no_verify,
        .log = th_cli_voice_log(),
    };
}

/* ---- client id ------------------------------------------------------------------------------ */

#define ID_BYTES 224

TH_LANE_ARRAY(char, made_up, ID_BYTES);

/* MQTT 3.1 has room for 23 characters, and demands one. */
static const char *made_up_id(const struct th_cli_settings *s)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint8_t random[23] = {0};
    getrandom(random, sizeof random, GRND_NONBLOCK);
    for (size_t i = 0; i < sizeof random; i++)
        made_up[i] = letters[random[i] % (sizeof letters - 1)];
    memcpy(made_up, s->persona == TH_CLI_MOSQUITTO ? "mosq-" : "thimble-",
           s->persona == TH_CLI_MOSQUITTO ? 5 : 8);
    made_up[sizeof random] = '\0';
    return made_up;
}

static const char *client_id_of(const struct th_cli_settings *s)
{
    bool named = s->client_id && *s->client_id;
    if (!s->client_id_prefix)
        return named || s->version != TH_MQTT_3_1 ? s->client_id : made_up_id(s);
    th_format(made_up, ID_BYTES, "%s%d", s->client_id_prefix, (int)getpid());
    return made_up;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static struct th_will will_of(const struct th_cli_settings *s)
{
    return (struct th_will){.message = {
        .topic = th_slice_text(s->will_topic),
        .payload = th_slice_text(s->will_payload),
        .qos = (uint8_t)s->will_qos,
        .retain = s->will_retain,
        .properties = th_cli_properties_of(&s->properties, TH_CLI_WILL),
    }};
}

static struct th_redial redial_of(const struct th_cli_settings *s)
{
    return (struct th_redial){
        .attempts = (int)s->attempts,
        .first_too = s->first_too,
        .first_ms = (uint32_t)s->backoff_first_ms,
        .max_ms = (uint32_t)s->backoff_max_ms,
        .full_jitter = s->command & TH_CLI_AGENT,
        .delay_ms = (uint32_t)s->first_delay_ms,
    };
}

static struct th_route route_of(const struct th_cli_settings *s)
{
    return (struct th_route){
        .addresses = s->addresses.items,
        .addresses_count = s->addresses.count,
        .remembers = s->command & TH_CLI_AGENT,
        .fallbacks = s->fallbacks.items,
        .fallbacks_count = s->fallbacks.count,
        .unix_path = s->unix_path,
        .srv = s->srv,
        .bind_address = s->bind_address,
        .bind_interface = s->bind_interface,
        .mark = (uint32_t)s->mark,
        .proxy = s->proxy,
    };
}

static struct th_deadlines deadlines_of(const struct th_cli_settings *s)
{
    return (struct th_deadlines){
        .lookup_ms = (uint32_t)s->lookup_ms,
        .tcp_ms = (uint32_t)s->tcp_ms,
        .tls_ms = (uint32_t)s->tls_ms,
        .connack_ms = (uint32_t)s->connack_ms,
        .ack_ms = (uint32_t)s->ack_ms,
    };
}

void th_cli_configure(struct th_config *config, const struct th_cli_settings *s)
{
    *config = (struct th_config){
        .host = s->host,
        .port = (uint16_t)s->port,
        .server_name = s->server_name,
        .route = route_of(s),
        .websocket_path = s->websocket ? s->websocket_path : NULL,
        .insecure_plaintext = s->no_tls,
        .handshake_only = s->on_certificate != NULL,
        .version = (enum th_mqtt_version)s->version,
        .client_id = client_id_of(s),
        .clean_start = !s->persistent,
        .keep_alive_s = (uint16_t)s->keep_alive_s,
        .username = s->username,
        .password = th_cli_secret(),
        .will = will_of(s),
        .properties = th_cli_properties_of(&s->properties, TH_CLI_CONNECT),
        .receive_maximum = s->receive_maximum,
        .send_maximum = (uint16_t)s->max_inflight,
        .topic_alias_maximum = (uint16_t)s->topic_alias_maximum,
        .topic_alias_send_maximum = s->persona == TH_CLI_THIMBLE ? ALIASES_MAX : 0,
        .authentication = (enum th_authentication)s->authentication,
        .deadlines = deadlines_of(s),
        .redial = redial_of(s),
        .heap_budget_bytes = (size_t)s->heap_budget_bytes,
        .window_budget_bytes = (size_t)s->window_budget_bytes,
        .outbox_budget_bytes = (size_t)s->outbox_budget_bytes,
        .stack_low = th_stack_run_low(),
        .stack_bytes = th_stack_run_bytes(),
        .log = th_cli_voice_log(),
    };
}

void th_cli_configure_stream(struct th_tls_config *config, const struct th_cli_settings *s)
{
    *config = (struct th_tls_config){
        .host = s->host,
        .port = (uint16_t)s->port,
        .server_name = s->server_name,
        .route = route_of(s),
        .deadlines = deadlines_of(s),
        .heap_budget_bytes = (size_t)s->heap_budget_bytes,
        .stack_low = th_stack_run_low(),
        .stack_bytes = th_stack_run_bytes(),
        .log = th_cli_voice_log(),
    };
}

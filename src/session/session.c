/* The life of a session: opening, greeting, losing, ending. */
#include "session/rules.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "mqtt/encode.h"
#include "mqtt/property.h"

/* ---- what the configuration says ---------------------------------------------------------- */

static const struct th_property *own_property(const struct th_config *config, uint8_t id)
{
    for (size_t i = 0; i < config->properties.count; i++)
        if (config->properties.list[i].id == id)
            return &config->properties.list[i];
    return NULL;
}

static uint32_t own_number(const struct th_config *config, uint8_t id)
{
    const struct th_property *property = own_property(config, id);
    return property ? property->number : 0;
}

bool th_session_is_5(const struct th_config *config)
{
    return config->version == TH_MQTT_5;
}

enum th_mqtt_version th_session_version(const struct th_config *config)
{
    return config->version ? config->version : TH_MQTT_3_1_1;
}

bool th_session_proves(const struct th_config *config)
{
    return config->authentication == TH_AUTHENTICATION_SCRAM_SHA_256;
}

bool th_session_authenticates(const struct th_config *config)
{
    return th_session_proves(config) ||
           own_property(config, TH_PROPERTY_AUTHENTICATION_METHOD) != NULL;
}

uint8_t *th_session_nonce(struct th_session *session)
{
    return th_session_proves(session->config) ? session->nonce : NULL;
}

int th_session_reject(struct th_fault *fault, int error, enum th_mqtt_type type,
                      const char *problem)
{
    return th_fault_set(fault, error, "%s: %s", th_mqtt_type_name(type), problem);
}

static uint16_t receive_maximum(const struct th_config *config)
{
    return config->receive_maximum ? config->receive_maximum : TH_SESSION_RECEIVE_MAXIMUM;
}

static uint16_t alias_maximum(const struct th_config *config)
{
    const struct th_property *own = own_property(config, TH_PROPERTY_TOPIC_ALIAS_MAXIMUM);
    if (!th_session_is_5(config))
        return 0;
    return own ? (uint16_t)own->number : config->topic_alias_maximum;
}

static uint32_t packet_max_bytes(const struct th_config *config)
{
    uint32_t wanted = own_number(config, TH_PROPERTY_MAXIMUM_PACKET_SIZE);
    return wanted ? wanted : UINT32_MAX;
}

/* ---- CONNECT ------------------------------------------------------------------------------ */

struct greeting {
    struct th_mqtt_connect connect;
    struct th_property announced[4];
    uint8_t first[TH_AUTH_FIRST_MAX_BYTES]; /* of the authentication */
    size_t first_bytes;
};

static struct th_slice text_or_null(const char *text)
{
    return text ? th_slice_text(text) : (struct th_slice){NULL, 0};
}

static void add(struct greeting *greeting, struct th_property property)
{
    greeting->announced[greeting->connect.more_properties.count++] = property;
}

/* What the configuration's own properties do not say. */
static void announce(struct greeting *greeting, const struct th_config *config, uint8_t id,
                     uint16_t number)
{
    if (number && th_session_is_5(config) && !own_property(config, id))
        add(greeting, (struct th_property){.id = id, .number = number});
}

/* In place of user name and password. */
static void begin_authentication(struct greeting *greeting, const struct th_auth_scram *scram)
{
    greeting->first_bytes = th_auth_scram_first(scram, greeting->first);
    greeting->connect.username = greeting->connect.password = (struct th_slice){NULL, 0};
    struct th_slice first = th_slice_of(greeting->first, greeting->first_bytes);
    add(greeting, (struct th_property){.id = TH_PROPERTY_AUTHENTICATION_METHOD,
                                       .text = th_slice_text(TH_AUTH_SCRAM_METHOD)});
    add(greeting, (struct th_property){.id = TH_PROPERTY_AUTHENTICATION_DATA, .text = first});
}

static void compose(struct greeting *greeting, const struct th_config *config,
                    const struct th_auth_scram *scram)
{
    greeting->connect = (struct th_mqtt_connect){
        .version = th_session_version(config),
        .clean_start = config->clean_start,
        .keep_alive_s = config->keep_alive_s,
        .client_id = th_slice_text(config->client_id),
        .will = config->will.message.topic.len_bytes ? &config->will.message : NULL,
        .username = text_or_null(config->username),
        .password = config->password,
        .properties = config->properties,
        .more_properties = {greeting->announced, 0},
    };
    announce(greeting, config, TH_PROPERTY_RECEIVE_MAXIMUM, receive_maximum(config));
    announce(greeting, config, TH_PROPERTY_TOPIC_ALIAS_MAXIMUM, alias_maximum(config));
    if (th_session_proves(config))
        begin_authentication(greeting, scram);
}

static int connect_bytes(const struct greeting *greeting, struct th_fault *fault)
{
    const char *problem = "";
    int bytes = th_mqtt_connect_bytes(&greeting->connect, &problem);
    return bytes < 0 ? th_session_reject(fault, bytes, TH_MQTT_CONNECT, problem) : bytes;
}

static size_t assigned_id_room(const struct greeting *greeting)
{
    bool may_be_assigned = greeting->connect.version == TH_MQTT_5 &&
                           !greeting->connect.client_id.len_bytes;
    return may_be_assigned ? TH_SESSION_ASSIGNED_ID_BYTES : 0;
}

static void begin_scram(struct th_auth_scram *scram, const struct th_config *config,
                        const uint8_t nonce[TH_AUTH_NONCE_BYTES])
{
    th_auth_scram_begin(scram, th_slice_text(config->username), config->password, nonce);
}

static const char *check_authentication(const struct th_config *config,
                                        const struct greeting *greeting)
{
    if (!th_session_is_5(config))
        return "SCRAM needs MQTT 5";
    if (!config->username || !config->password.data)
        return "SCRAM needs a user name and a password";
    return greeting->first_bytes ? NULL : "the user name is too long for SCRAM";
}

int th_session_greeting_bytes(const struct th_config *config, struct th_fault *fault)
{
    static const uint8_t any[TH_AUTH_NONCE_BYTES];
    struct th_auth_scram scram;
    struct greeting greeting;
    begin_scram(&scram, config, any);
    compose(&greeting, config, &scram);
    bool proves = th_session_proves(config);
    const char *problem = proves ? check_authentication(config, &greeting) : NULL;
    if (problem)
        return th_session_reject(fault, TH_E_ARGUMENT, TH_MQTT_CONNECT, problem);
    int bytes = connect_bytes(&greeting, fault);
    return bytes < 0 ? bytes : bytes + (int)assigned_id_room(&greeting);
}

/* ---- open --------------------------------------------------------------------------------- */

/* Before MQTT 5 there is no Receive Maximum, but brokers have one: mosquitto hangs up on a client
 * with more than 20 messages of QoS 2 under way. Who wants more must say so. */
static uint16_t receive_maximum_unless_told(const struct th_config *config)
{
    if (th_session_is_5(config))
        return UINT16_MAX;
    return config->send_maximum ? config->send_maximum : 20;
}

uint16_t th_session_send_maximum(const struct th_session *session)
{
    uint16_t ours = session->config->send_maximum, theirs = session->limits.receive_maximum;
    return ours && ours < theirs ? ours : theirs;
}

uint16_t th_session_send_aliases(const struct th_session *session)
{
    uint16_t ours = session->config->topic_alias_send_maximum;
    uint16_t theirs = session->limits.topic_alias_maximum;
    return ours < theirs ? ours : theirs;
}

/* Nothing is known of the broker: the standard's defaults. */
static void forget_limits(struct th_session *session)
{
    session->limits = (struct th_session_limits){
        .packet_max_bytes = UINT32_MAX,
        .receive_maximum = receive_maximum_unless_told(session->config),
        .keep_alive_s = session->config->keep_alive_s,
        .qos_maximum = 2,
        .retain_available = true,
        .wildcard_available = true,
        .subscription_id_available = true,
        .shared_available = true,
    };
}

static struct th_session_kept *lent_by(const struct th_config *config)
{
    return config->received ? (struct th_session_kept *)config->received->ids : NULL;
}

static struct th_session_received read_received(struct th_session_kept *kept)
{
    if (!kept->words)
        return (struct th_session_received){.ids.list = kept->list};
    return (struct th_session_received){kept->home, {kept->count, kept->pages, kept->list}};
}

void th_session_write_received(const struct th_session *session)
{
    struct th_session_kept *kept = lent_by(session->config);
    const struct th_session_received *received = &session->received;
    size_t bytes = (size_t)((uint8_t *)&kept->list[received->ids.pages] - (uint8_t *)kept);
    kept->words = (uint32_t)(bytes / sizeof(uint32_t));
    kept->home = received->home;
    kept->count = received->ids.count;
    kept->pages = received->ids.pages;
}

void th_session_open(struct th_session *session, const struct th_config *config,
                     struct th_outbox *outbox,
                     struct th_session_id_page id_pages[TH_SESSION_ID_PAGES],
                     void *alias_memory, size_t alias_bytes)
{
    *session = (struct th_session){
        .config = config,
        .outbox = outbox,
        .ping_sent_ms = TH_NEVER,
        .next_id = 1,
        .alias_maximum = alias_maximum(config),
        .packet_max_bytes = packet_max_bytes(config),
        .received.ids.list = id_pages,
        .aliases = {.memory = alias_memory, .bytes = (uint32_t)alias_bytes},
    };
    if (config->received)
        session->received = read_received(lent_by(config));
    forget_limits(session);
    outbox->holds_pubrel = config->holds_pubrel;
}

/* ---- greet and lose ----------------------------------------------------------------------- */

static void use_assigned_id(struct greeting *greeting, const struct th_session *session)
{
    if (!greeting->connect.client_id.len_bytes)
        greeting->connect.client_id = th_slice_of(session->assigned_id,
                                                  session->assigned_id_bytes);
}

static int queue_connect(struct th_session *session, const struct greeting *greeting,
                         struct th_fault *fault)
{
    int bytes = connect_bytes(greeting, fault);
    if (bytes < 0)
        return bytes;
    uint8_t *place = th_outbox_control(session->outbox, (size_t)bytes);
    if (!place)
        return th_fault_set(fault, TH_E_TOO_LARGE, "CONNECT has %d bytes, the control part of the "
                            "outbox can take %u", bytes, (unsigned)session->outbox->control_bytes);
    th_mqtt_connect_encode(place, &greeting->connect);
    return 0;
}

bool th_session_is_elsewhere(const struct th_session *session)
{
    return session->home && (session->home != session->config->host ||
                             session->home_port != session->config->port);
}

int th_session_greet(struct th_session *session, uint64_t now_ms, struct th_fault *fault)
{
    th_session_lost(session);
    struct greeting greeting;
    if (th_session_proves(session->config))
        begin_scram(&session->scram, session->config, session->nonce);
    compose(&greeting, session->config, &session->scram);
    use_assigned_id(&greeting, session);
    bool goes_on = session->established && !th_session_is_elsewhere(session);
    greeting.connect.clean_start &= !(goes_on && th_session_is_5(session->config));
    int result = queue_connect(session, &greeting, fault);
    if (result < 0)
        return result;
    session->clean_start_sent = greeting.connect.clean_start;
    session->received_ms = now_ms;
    session->state = TH_SESSION_GREETING;
    return 0;
}

void th_session_lost(struct th_session *session)
{
    session->state = TH_SESSION_RESTING;
    session->arriving.qos = 0;
    session->ping_sent_ms = TH_NEVER;
    session->aliases.used_bytes = 0;
    th_auth_scram_wipe(&session->scram);
    forget_limits(session);
    th_outbox_rewind(session->outbox);
}

/* ---- end ---------------------------------------------------------------------------------- */

int th_session_farewell(struct th_session *session, uint8_t reason,
                        const struct th_properties *properties, struct th_fault *fault)
{
    struct th_mqtt_disconnect disconnect = {
        .version = th_session_version(session->config), .reason = reason};
    if (properties)
        disconnect.properties = *properties;
    const char *problem = "";
    int bytes = th_mqtt_disconnect_bytes(&disconnect, &problem);
    if (bytes < 0)
        return th_session_reject(fault, bytes, TH_MQTT_DISCONNECT, problem);
    uint8_t *place;
    int result = th_outbox_reserve(session->outbox, TH_SLOT_DISCONNECT, (size_t)bytes, &place,
                                   fault);
    if (result < 0)
        return result;
    th_mqtt_disconnect_encode(place, &disconnect);
    th_outbox_commit(session->outbox, TH_SLOT_DISCONNECT, (size_t)bytes, 0, 0);
    session->established = false;
    return 0;
}

/* Only MQTT 5 lets a client say why it goes (3.1.1 section 3.14 is for an orderly end). */
static void queue_disconnect(struct th_session *session, uint8_t reason)
{
    struct th_mqtt_disconnect disconnect = {.version = TH_MQTT_5, .reason = reason};
    size_t bytes = th_mqtt_disconnect_encode(NULL, &disconnect);
    uint8_t *place = th_outbox_control(session->outbox, bytes);
    if (place)
        th_mqtt_disconnect_encode(place, &disconnect);
}

void th_session_abort(struct th_session *session, uint8_t reason)
{
    if (session->state == TH_SESSION_UP && th_session_is_5(session->config))
        queue_disconnect(session, reason);
    session->state = TH_SESSION_ENDED;
    th_outbox_end(session->outbox);
}

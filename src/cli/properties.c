#include "cli/properties.h"

#include "base/format.h"
#include "base/slice.h"
#include "cli/number.h"
#include "cli/persona.h"
#include <strings.h>
#include <thimble/topic.h>

enum kind { BOOLEAN, TWO_BYTES, TWO_BYTES_NOT_ZERO, FOUR_BYTES, FOUR_BYTES_NOT_ZERO, VARIABLE,
            NUMBERS, TEXT = NUMBERS, TOPIC, BINARY, PAIR };

#define OF(packet) (1u << TH_CLI_##packet)
#define OF_MESSAGES (OF(PUBLISH) | OF(WILL))
#define OF_ALL ((1u << TH_CLI_PACKETS) - 1)

#define NAME_BYTES 29

/* 5.0 section 2.2.2.2, what a client may send. */
static const struct rule {
    char name[NAME_BYTES];
    uint8_t id;
    uint8_t kind;
    uint8_t packets;
} rules[] = {
    {"authentication-data", 22, BINARY, OF(CONNECT)},
    {"authentication-method", 21, TEXT, OF(CONNECT)},
    {"content-type", 3, TEXT, OF_MESSAGES},
    {"correlation-data", 9, BINARY, OF_MESSAGES},
    {"maximum-packet-size", 39, FOUR_BYTES_NOT_ZERO, OF(CONNECT)},
    {"message-expiry-interval", 2, FOUR_BYTES, OF_MESSAGES},
    {"payload-format-indicator", 1, BOOLEAN, OF_MESSAGES},
    {"reason-string", 31, TEXT, OF(DISCONNECT)},
    {"receive-maximum", 33, TWO_BYTES_NOT_ZERO, OF(CONNECT)},
    {"request-problem-information", 23, BOOLEAN, OF(CONNECT)},
    {"request-response-information", 25, BOOLEAN, OF(CONNECT)},
    {"response-topic", 8, TOPIC, OF_MESSAGES},
    {"session-expiry-interval", 17, FOUR_BYTES, OF(CONNECT) | OF(DISCONNECT)},
    {"subscription-identifier", 11, VARIABLE, OF(SUBSCRIBE)},
    {"topic-alias", 35, TWO_BYTES_NOT_ZERO, OF(PUBLISH)},
    {"topic-alias-maximum", 34, TWO_BYTES, OF(CONNECT)},
    {"user-property", 38, PAIR, OF_ALL},
    {"will-delay-interval", 24, FOUR_BYTES, OF(WILL)},
};

#define RULES (sizeof rules / sizeof *rules)

static const char packet_names[TH_CLI_PACKETS][12] = {
    "connect", "publish", "subscribe", "unsubscribe", "disconnect", "will",
};

/* ---- what is allowed ---- */

/* mosquitto's clients put up with those of packets they never send. */
static unsigned packets_of(int command)
{
    if (th_cli_persona() == TH_CLI_MOSQUITTO)
        return OF_ALL;
    unsigned packets = OF(CONNECT) | OF(DISCONNECT) | OF(WILL);
    if (command & (TH_CLI_PUB | TH_CLI_RR))
        packets |= OF(PUBLISH);
    if (command & (TH_CLI_SUB | TH_CLI_RR))
        packets |= OF(SUBSCRIBE) | OF(UNSUBSCRIBE);
    return packets;
}

static int find_packet(const char *name, unsigned allowed)
{
    for (int i = 0; i < TH_CLI_PACKETS; i++)
        if (allowed >> i & 1 && !strcasecmp(packet_names[i], name))
            return i;
    return -1;
}

static const struct rule *find_rule(const char *name)
{
    for (size_t i = 0; i < RULES; i++)
        if (!strcasecmp(rules[i].name, name))
            return &rules[i];
    return NULL;
}

bool th_cli_property_is_pair(const char *name)
{
    const struct rule *rule = find_rule(name);
    return rule && rule->kind == PAIR;
}

const char *th_cli_property_name(uint8_t id)
{
    for (size_t i = 0; i < RULES; i++)
        if (rules[i].id == id)
            return rules[i].name;
    return NULL;
}

/* ---- what is wrong ---- */

/* The words of one -D. */
struct giving {
    const char *packet, *name, *value, *value2;
    struct th_cli_problem *problem;
};

static bool refuse(const struct giving *g, const char *remedy)
{
    char shown[TH_CLI_SHOWN_BYTES];
    return th_cli_problem(g->problem, "-D %s %s %s: %s", g->packet, g->name,
                          th_cli_show(g->value, shown), remedy);
}

static void add_name(struct th_cli_problem *problem, const char *name)
{
    size_t used = strlen(problem->text);
    th_format(problem->text + used, sizeof problem->text - used, " %s", name);
}

static bool refuse_packet(const struct giving *g, unsigned allowed)
{
    char shown[TH_CLI_SHOWN_BYTES];
    th_cli_problem(g->problem, "-D %s: no packet that takes properties here; give one of:",
                   th_cli_show(g->packet, shown));
    for (int i = 0; i < TH_CLI_PACKETS; i++)
        if (allowed >> i & 1)
            add_name(g->problem, packet_names[i]);
    return false;
}

static bool refuse_name(const struct giving *g, int packet)
{
    char shown[TH_CLI_SHOWN_BYTES];
    th_cli_problem(g->problem, "-D %s %s: no such property of this packet; give one of:",
                   packet_names[packet], th_cli_show(g->name, shown));
    for (size_t i = 0; i < RULES; i++)
        if (rules[i].packets >> packet & 1)
            add_name(g->problem, rules[i].name);
    return false;
}

/* ---- the value ---- */

static bool take_number(const struct giving *g, int kind, struct th_property *property)
{
    static const uint32_t most[NUMBERS] = {1, 65535, 65535, UINT32_MAX, UINT32_MAX, 268435455};
    bool not_zero = kind == TWO_BYTES_NOT_ZERO || kind == FOUR_BYTES_NOT_ZERO || kind == VARIABLE;
    int64_t number;
    char remedy[64];
    if (th_cli_number_parse(g->value, not_zero, most[kind], &number)) {
        property->number = (uint32_t)number;
        return true;
    }
    th_format(remedy, sizeof remedy, "give a whole number from %d to %u", not_zero, most[kind]);
    return refuse(g, remedy);
}

static bool is_text(struct th_slice text)
{
    return text.len_bytes <= 65535 && th_mqtt_utf8_clean(text);
}

static bool take_text(const struct giving *g, int kind, struct th_property *property)
{
    property->text = th_slice_text(g->value);
    property->value = th_slice_text(kind == PAIR ? g->value2 : NULL);
    if (kind == TOPIC && !(th_mqtt_topic_name_valid(property->text) && is_text(property->text)))
        return refuse(g, "not a topic to publish on; it is UTF-8 without +, # and control "
                         "characters");
    if (kind == BINARY ? property->text.len_bytes > 65535
                       : !is_text(property->text) || !is_text(property->value))
        return refuse(g, "too long, or not UTF-8 without control characters; give at most 65535 "
                         "bytes");
    return true;
}

static bool take_value(const struct giving *g, int kind, struct th_property *property)
{
    return kind < NUMBERS ? take_number(g, kind, property) : take_text(g, kind, property);
}

/* ---- all of it ---- */

bool th_cli_property_add(struct th_cli_properties *list, int command, const char *packet_name,
                         const char *name, const char *value, const char *value2,
                         struct th_cli_problem *problem)
{
    const struct giving g = {packet_name, name, value, value2, problem};
    int packet = find_packet(packet_name, packets_of(command));
    if (packet < 0)
        return refuse_packet(&g, packets_of(command));
    const struct rule *rule = find_rule(name);
    if (!rule || !(rule->packets >> packet & 1))
        return refuse_name(&g, packet);
    struct th_property property = {.id = rule->id};
    if (!take_value(&g, rule->kind, &property))
        return false;
    if (rule->kind != PAIR && th_cli_property_given(list, packet, rule->id))
        return refuse(&g, "given before; give it once");
    if (list->count >= TH_CLI_PROPERTIES_MAX)
        return refuse(&g, "one too many; give at most 32 of them");
    th_cli_properties_put(list, packet, &property);
    return true;
}

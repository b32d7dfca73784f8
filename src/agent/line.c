#include "agent/line.h"

#include "base/err.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "cli/number.h"
#include "cli/properties.h"
#include "cli/show.h"
#include "crypt/base64.h"
#include "json/walk.h"
#include <thimble/topic.h>

enum { MESSAGE_EXPIRY = 2, PAYLOAD_FORMAT = 1, TOPIC_ALIAS = 35, USER = 38 }; /* 5.0 2.2.2.2 */

/* What a line is made of, on its way. */
static TH_ROOMY struct {
    struct th_spool_message *message;
    struct th_fault *fault;
    unsigned seen; /* of enum part */
    struct th_cli_properties properties;
    struct th_cli_problem problem;
    uint8_t encoded[TH_SPOOL_FRONT_MAX_BYTES];
    size_t encoded_bytes;
} line_reader;

static bool refuse(const char *name, const char *wanted)
{
    char shown[TH_CLI_SHOWN_BYTES];
    th_fault_set(line_reader.fault, TH_E_ARGUMENT, "%s: %s", th_cli_show(name, shown), wanted);
    return false;
}

/* ---- members --------------------------------------------------------------------------------- */

enum part { TOPIC = 1, PAYLOAD = 2, QOS = 4, RETAIN = 8, ID = 16, EXPIRY = 32, CONFLATE = 64 };

static bool take_topic(const struct th_json_leaf *leaf)
{
    line_reader.message->topic = th_slice_text(leaf->text);
    return leaf->is_text && th_mqtt_topic_name_valid(line_reader.message->topic);
}

static bool take_payload(const struct th_json_leaf *leaf)
{
    line_reader.message->payload = th_slice_text(leaf->text);
    return leaf->is_text;
}

static bool take_base64(const struct th_json_leaf *leaf)
{
    uint8_t *payload = (uint8_t *)leaf->text;
    size_t text_bytes = strlen(leaf->text), bytes = text_bytes;
    bool good = leaf->is_text && text_bytes % 4 == 0 &&
                (!bytes || th_crypt_base64_decode(payload, text_bytes, payload, &bytes) == 0);
    line_reader.message->payload = th_slice_of(payload, bytes);
    return good;
}

static bool take_number(const struct th_json_leaf *leaf, int64_t most, int64_t *number)
{
    return !leaf->is_text && th_cli_number_parse(leaf->text, 0, most, number);
}

static bool take_qos(const struct th_json_leaf *leaf)
{
    int64_t qos = 0;
    bool good = take_number(leaf, 2, &qos);
    line_reader.message->qos = (uint8_t)qos;
    return good;
}

static bool take_flag(const struct th_json_leaf *leaf, bool *flag)
{
    *flag = !strcmp(leaf->text, "true");
    return !leaf->is_text && (*flag || !strcmp(leaf->text, "false"));
}

static bool take_retain(const struct th_json_leaf *leaf)
{
    return take_flag(leaf, &line_reader.message->retain);
}

static bool take_conflate(const struct th_json_leaf *leaf)
{
    return take_flag(leaf, &line_reader.message->conflate);
}

static bool take_id(const struct th_json_leaf *leaf)
{
    line_reader.message->id = th_slice_text(leaf->text);
    size_t bytes = line_reader.message->id.len_bytes;
    return leaf->is_text && bytes > 0 && bytes <= TH_SPOOL_ID_MAX_BYTES;
}

static bool take_expiry(const struct th_json_leaf *leaf)
{
    int64_t expiry_s = 0;
    line_reader.message->expires = take_number(leaf, UINT32_MAX, &expiry_s);
    line_reader.message->expiry_s = (uint32_t)expiry_s;
    return line_reader.message->expires;
}

static const struct member {
    char name[15];
    uint8_t part;
    bool (*take)(const struct th_json_leaf *leaf);
    const char *wanted;
} members[] = {
    {"topic", TOPIC, take_topic, "give a topic to publish on: UTF-8 without + and #"},
    {"payload", PAYLOAD, take_payload, "give a text"},
    {"payload_base64", PAYLOAD, take_base64, "give base64"},
    {"qos", QOS, take_qos, "give 0, 1 or 2"},
    {"retain", RETAIN, take_retain, "give true or false"},
    {"conflate", CONFLATE, take_conflate, "give true or false"},
    {"id", ID, take_id, "give a text of 1 to 64 bytes"},
    {"expiry_s", EXPIRY, take_expiry, "give seconds"},
};

#define MEMBERS (sizeof members / sizeof *members)

static const struct member *find(const char *name)
{
    for (size_t i = 0; i < MEMBERS; i++)
        if (!strcmp(members[i].name, name))
            return &members[i];
    return NULL;
}

/* ---- properties ------------------------------------------------------------------------------ */

static bool add_property(const struct th_json_leaf *leaf, bool is_pair)
{
    const char *const *names = leaf->names;
    const char *value = is_pair ? names[2] : leaf->text;
    return th_cli_property_add(&line_reader.properties, TH_CLI_PUB, "publish", names[1], value,
                               is_pair ? leaf->text : NULL, &line_reader.problem) ||
           refuse(names[1], line_reader.problem.text);
}

static bool take_property(const struct th_json_leaf *leaf)
{
    const char *name = leaf->depth > 1 ? leaf->names[1] : NULL;
    bool is_pair = name && th_cli_property_is_pair(name);
    if (!name || leaf->depth != (is_pair ? 3u : 2u) || !leaf->names[leaf->depth - 1])
        return refuse("properties", "give names and values; user-property: an object");
    return add_property(leaf, is_pair);
}

static void put_number(size_t number, unsigned bytes)
{
    while (bytes-- > 0)
        line_reader.encoded[line_reader.encoded_bytes++] = (uint8_t)(number >> 8 * bytes);
}

static void put_text(struct th_slice text)
{
    put_number(text.len_bytes, 2);
    memcpy(line_reader.encoded + line_reader.encoded_bytes, text.data, text.len_bytes);
    line_reader.encoded_bytes += text.len_bytes;
}

/* 5.0 section 2.2.2: of those a producer may give, all but one are texts. */
static void put_property(const struct th_property *property)
{
    put_number(property->id, 1);
    if (property->id == PAYLOAD_FORMAT)
        put_number(property->number, 1);
    else
        put_text(property->text);
    if (property->id == USER)
        put_text(property->value);
}

static bool fits(const struct th_property *property)
{
    return 5 + property->text.len_bytes + property->value.len_bytes <=
           sizeof line_reader.encoded - line_reader.encoded_bytes;
}

static bool encode_properties(void)
{
    struct th_properties given = th_cli_properties_of(&line_reader.properties, TH_CLI_PUBLISH);
    for (size_t i = 0; i < given.count; i++) {
        uint8_t id = given.list[i].id;
        if (id == MESSAGE_EXPIRY || id == TOPIC_ALIAS || !fits(&given.list[i]))
            return refuse(th_cli_property_name(id), id == MESSAGE_EXPIRY ? "give expiry_s"
                          : id == TOPIC_ALIAS ? "the agent chooses it" : "too long");
        put_property(&given.list[i]);
    }
    line_reader.message->properties = th_slice_of(line_reader.encoded, line_reader.encoded_bytes);
    return true;
}

/* ---- the line -------------------------------------------------------------------------------- */

static bool take(void *arg, const struct th_json_leaf *leaf)
{
    (void)arg;
    const struct member *member = find(leaf->names[0]);
    if (!strcmp(leaf->names[0], "properties"))
        return take_property(leaf);
    if (!member)
        return refuse(leaf->names[0], "no member of a message");
    if (line_reader.seen & member->part)
        return refuse(member->name, "given twice");
    line_reader.seen |= member->part;
    return (leaf->depth == 1 && member->take(leaf)) || refuse(member->name, member->wanted);
}

static void begin(struct th_spool_message *message, struct th_fault *fault)
{
    *message = (struct th_spool_message){.qos = 1};
    line_reader.message = message;
    line_reader.fault = fault;
    line_reader.seen = 0;
    line_reader.properties.count = 0;
    line_reader.encoded_bytes = 0;
}

static int no_json(const struct th_json_walk *walk)
{
    return th_fault_set(line_reader.fault, TH_E_ARGUMENT,
                        "column %u is no JSON: there should be %s", walk->stopped.column,
                        walk->wanted);
}

int th_agent_line_read(struct th_spool_message *message, char *text, size_t bytes,
                       struct th_fault *fault)
{
    struct th_json_walk walk = {.take = take};
    begin(message, fault);
    if (!th_json_walk(&walk, text, bytes))
        return walk.wanted ? no_json(&walk) : TH_E_ARGUMENT;
    for (size_t i = 0; i < 2; i++)
        if (!(line_reader.seen & members[i].part))
            return refuse(members[i].name, "missing"), TH_E_ARGUMENT;
    return encode_properties() ? 0 : TH_E_ARGUMENT;
}

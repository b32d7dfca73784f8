#include "store/meta.h"

#include "base/roomy.h"
#include "base/format.h"
#include "base/slice.h"
#include "json/flat.h"
#include "json/flow.h"

#define LAST_USED "last_used"
#define ATTEMPTS "validation_attempts"

static TH_ROOMY struct {
    uint8_t text[TH_STORE_META_BYTES];
    size_t bytes; /* more than there is room for: it does not fit */
} made;

static void put(const void *data, size_t bytes)
{
    if (made.bytes + bytes <= sizeof made.text)
        memcpy(made.text + made.bytes, data, bytes);
    made.bytes += bytes;
}

static struct th_json_flow begin(void)
{
    struct th_json_flow flow = {.write = put, .pretty = true};
    made.bytes = 0;
    th_json_flow_open(&flow, '{');
    return flow;
}

static struct th_slice end(struct th_json_flow *flow)
{
    th_json_flow_shut(flow, '}');
    put("\n", 1);
    bool fits = made.bytes <= sizeof made.text;
    return th_slice_of(fits ? made.text : NULL, fits ? made.bytes : 0);
}

static void number(struct th_json_flow *flow, const char *name, uint64_t value)
{
    th_json_flow_member(flow, name);
    th_json_flow_integer(flow, value);
}

static void text(struct th_json_flow *flow, const char *name, struct th_slice value)
{
    th_json_flow_member(flow, name);
    th_json_flow_string(flow, value);
}

static void hex(struct th_json_flow *flow, const char *name, struct th_slice bytes)
{
    char digits[3];
    th_json_flow_member(flow, name);
    put("\"", 1);
    for (size_t i = 0; i < bytes.len_bytes; i++) {
        th_format(digits, sizeof digits, "%02x", bytes.data[i]);
        put(digits, 2);
    }
    put("\"", 1);
}

static void digest(struct th_json_flow *flow, const char *name, struct th_slice bytes)
{
    uint8_t value[TH_DIGEST_BYTES];
    hex(flow, name, th_slice_of(value, th_digest(bytes, value) ? sizeof value : 0));
}

static uint64_t seconds(int64_t when_s)
{
    return when_s > 0 ? (uint64_t)when_s : 0;
}

struct th_slice th_store_meta_make(const struct th_store_facts *facts)
{
    char issuer[TH_CERTIFICATE_TEXT_BYTES];
    const struct th_certificate *leaf = facts->leaf;
    struct th_json_flow flow = begin();
    th_name_text(leaf->issuer, issuer, sizeof issuer);
    number(&flow, "stored_at", facts->stored_at_s);
    th_json_flow_member(&flow, "device_id");
    if (facts->device_id)
        th_json_flow_string(&flow, th_slice_text(facts->device_id));
    else
        put(facts->kept_id.data, facts->kept_id.len_bytes);
    digest(&flow, "certificate_fingerprint", leaf->der);
    text(&flow, "iot_endpoint", facts->endpoint);
    th_json_flow_member(&flow, "is_valid");
    th_json_flow_raw(&flow, "true");
    number(&flow, LAST_USED, 0);
    number(&flow, ATTEMPTS, 1);
    number(&flow, "not_before", seconds(leaf->not_before_s));
    number(&flow, "not_after", seconds(leaf->not_after_s));
    hex(&flow, "serial", leaf->serial);
    text(&flow, "issuer", th_slice_text(issuer));
    digest(&flow, "spki_sha256", leaf->public_key);
    number(&flow, "generation", facts->generation);
    return end(&flow);
}

static bool is(struct th_slice name, const char *wanted)
{
    return th_slice_equal(name, th_slice_text(wanted));
}

static void put_member(struct th_json_flow *flow, const struct th_json_member *member,
                       uint64_t now_s)
{
    th_json_flow_name_begin(flow);
    put(member->name.data - 1, member->name.len_bytes + 2);
    th_json_flow_name_end(flow);
    if (is(member->name, LAST_USED))
        th_json_flow_integer(flow, now_s);
    else if (is(member->name, ATTEMPTS))
        th_json_flow_integer(flow, th_json_flat_number(member->value) + 1);
    else
        put(member->value.data, member->value.len_bytes);
}

struct th_slice th_store_meta_used(struct th_slice meta, uint64_t now_s)
{
    struct th_json_member member;
    struct th_json_flow flow = begin();
    while (th_json_flat_next(&meta, &member))
        put_member(&flow, &member, now_s);
    return end(&flow);
}

struct th_slice th_store_meta_value(struct th_slice meta, const char *name)
{
    struct th_json_member member;
    if (!th_json_flat_check(meta))
        return th_slice_of(NULL, 0);
    while (th_json_flat_next(&meta, &member))
        if (is(member.name, name))
            return member.value;
    return th_slice_of(NULL, 0);
}

#include "wire.h"

#include "mqtt/cursor.h"
#include "mqtt/property.h"
#include "mqtt/property_list.h"

/* Table 2-4 of MQTT 5.0, written down a second time: one letter for each packet that may carry the
 * property. Upper case: from a client, lower case: from a server. */
/* C CONNECT, W will, P PUBLISH, R PUBACK to PUBCOMP, S SUBSCRIBE, U UNSUBSCRIBE, D DISCONNECT,
 * A AUTH; k CONNACK, s SUBACK, u UNSUBACK. */
static const struct row {
    uint8_t id;
    const char *value; /* a legal one */
    const char *packets;
} rows[] = {
    {0x01, "01", "PWp"},
    {0x02, "0000003c", "PWp"},
    {0x03, "0001'c'", "PWp"},
    {0x08, "0001'r'", "PWp"},
    {0x09, "0002 00ff", "PWp"},
    {0x0b, "8001", "Sp"},
    {0x11, "00000000", "CDk"},
    {0x12, "0001'i'", "k"},
    {0x13, "0000", "k"},
    {0x15, "0001'm'", "CAka"},
    {0x16, "0000", "CAka"},
    {0x17, "00", "C"},
    {0x18, "ffffffff", "W"},
    {0x19, "01", "C"},
    {0x1a, "0000", "k"},
    {0x1c, "0001's'", "kd"},
    {0x1f, "0001'y'", "RDAkrsuda"},
    {0x21, "0001", "Ck"},
    {0x22, "0000", "Ck"},
    {0x23, "ffff", "Pp"},
    {0x24, "01", "k"},
    {0x25, "00", "k"},
    {0x26, "0001'k'0000", "CWPRSUDAkprsuda"},
    {0x27, "00000001", "Ck"},
    {0x28, "01", "k"},
    {0x29, "00", "k"},
    {0x2a, "01", "k"},
};

static const struct place {
    char ours;
    char theirs;
    uint8_t type;
} places[] = {
    {'W', 0, TH_MQTT_WILL},        {'C', 0, TH_MQTT_CONNECT},     {0, 'k', TH_MQTT_CONNACK},
    {'P', 'p', TH_MQTT_PUBLISH},   {'R', 'r', TH_MQTT_PUBACK},    {'R', 'r', TH_MQTT_PUBREC},
    {'R', 'r', TH_MQTT_PUBREL},    {'R', 'r', TH_MQTT_PUBCOMP},   {'S', 0, TH_MQTT_SUBSCRIBE},
    {0, 's', TH_MQTT_SUBACK},      {'U', 0, TH_MQTT_UNSUBSCRIBE}, {0, 'u', TH_MQTT_UNSUBACK},
    {0, 0, TH_MQTT_PINGREQ},       {0, 0, TH_MQTT_PINGRESP},      {'D', 'd', TH_MQTT_DISCONNECT},
    {'A', 'a', TH_MQTT_AUTH},
};

static struct wire list_of(const struct row *row, int times)
{
    struct wire value = wire_of(row->value);
    struct wire list = {.len = 0};

    while (times-- > 0) {
        wire_add(&list, row->id);
        for (size_t i = 0; i < value.len; i++)
            wire_add(&list, value.bytes[i]);
    }
    return list;
}

/* AUTH and authentication data want the method with them. */
static void add_method(struct wire *list, const struct row *row, uint8_t type)
{
    struct wire method = wire_of("15 0001'm'");

    if (row->id == TH_PROPERTY_AUTHENTICATION_METHOD)
        return;
    if (type != TH_MQTT_AUTH && row->id != TH_PROPERTY_AUTHENTICATION_DATA)
        return;
    for (size_t i = 0; i < method.len; i++)
        wire_add(list, method.bytes[i]);
}

static const char *check_received(const struct wire *list, unsigned type)
{
    const uint8_t *edge = at_the_edge(list->bytes, list->len);

    return th_property_check_received(th_slice_of(edge, list->len), type);
}

static size_t parse(const struct wire *list, struct th_property *out)
{
    struct th_received_properties rest = {wire_slice(list)};
    size_t count = 0;

    while (th_property_next(&rest, &out[count]))
        count++;
    return count;
}

static const char *check_to_send(const struct wire *list, unsigned type)
{
    struct th_property parsed[8];
    struct th_properties properties = {parsed, parse(list, parsed)};

    return th_property_check_to_send(&properties, 1, type);
}

static bool listed(const struct row *row, char letter)
{
    return letter && strchr(row->packets, letter);
}

static void each_property_is_allowed_where_the_standard_says(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(rows), 27);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t j = 0; j < COUNT_OF(places); j++) {
            struct wire list = list_of(&rows[i], 1);
            add_method(&list, &rows[i], places[j].type);
            if (!check_received(&list, places[j].type) != listed(&rows[i], places[j].theirs))
                fail_msg("property %02x from a server in %u", rows[i].id, places[j].type);
            if (!check_to_send(&list, places[j].type) != listed(&rows[i], places[j].ours))
                fail_msg("property %02x from a client in %u", rows[i].id, places[j].type);
        }
}

static bool may_repeat(const struct row *row, char letter)
{
    return row->id == TH_PROPERTY_USER || (row->id == TH_PROPERTY_SUBSCRIPTION_ID && letter == 'p');
}

static void only_two_may_appear_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t j = 0; j < COUNT_OF(places); j++) {
            struct wire list = list_of(&rows[i], 2);
            add_method(&list, &rows[i], places[j].type);
            if (listed(&rows[i], places[j].theirs))
                assert_true(!check_received(&list, places[j].type) ==
                            may_repeat(&rows[i], places[j].theirs));
            if (listed(&rows[i], places[j].ours))
                assert_true(!check_to_send(&list, places[j].type) ==
                            may_repeat(&rows[i], places[j].ours));
        }
}

static void unknown_identifiers_are_refused(void **state)
{
    (void)state;
    for (unsigned id = 0; id < 256; id++) {
        struct wire list = {.len = 0};
        bool known = false;
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            known |= rows[i].id == id;
        wire_add(&list, id);
        assert_true(!th_property_rule((uint8_t)id) == !known);
        assert_non_null(check_received(&list, TH_MQTT_CONNACK));
        struct th_property property = {.id = (uint8_t)id};
        struct th_properties properties = {&property, 1};
        if (!known)
            assert_non_null(th_property_check_to_send(&properties, 1, TH_MQTT_CONNECT));
    }
}

static void every_cut_through_a_value_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t j = 0; j < COUNT_OF(places); j++) {
            struct wire list = list_of(&rows[i], 1);
            if (!listed(&rows[i], places[j].theirs))
                continue;
            for (list.len--; list.len > 0; list.len--)
                assert_non_null(check_received(&list, places[j].type));
        }
}

static const struct value {
    uint8_t type;
    const char *list;
    bool good;
} values[] = {
    {TH_MQTT_PUBLISH, "230000", false},
    {TH_MQTT_PUBLISH, "230001", true},
    {TH_MQTT_PUBLISH, "0b00", false},
    {TH_MQTT_PUBLISH, "0bffffff7f", true},
    {TH_MQTT_PUBLISH, "0bffffffff", false},
    {TH_MQTT_PUBLISH, "0b8000", false},
    {TH_MQTT_PUBLISH, "0b80808001", true},
    {TH_MQTT_PUBLISH, "0b8080808001", false},
    {TH_MQTT_PUBLISH, "030000", true},
    {TH_MQTT_PUBLISH, "030001 00", false},
    {TH_MQTT_PUBLISH, "030003eda080", false},
    {TH_MQTT_PUBLISH, "080003eda080", false},
    {TH_MQTT_PUBLISH, "090001 00", true},
    {TH_MQTT_PUBLISH, "090002 fffe", true},
    {TH_MQTT_PUBLISH, "26 0000 0000", true},
    {TH_MQTT_PUBLISH, "26 0001ff 0000", false},
    {TH_MQTT_PUBLISH, "26 0000 0001ff", false},
    {TH_MQTT_PUBLISH, "26 0000 0001 00", false},
    {TH_MQTT_CONNACK, "2400", true},
    {TH_MQTT_CONNACK, "2402", false},
    {TH_MQTT_CONNACK, "2502", false},
    {TH_MQTT_CONNACK, "2802", false},
    {TH_MQTT_CONNACK, "2902", false},
    {TH_MQTT_CONNACK, "2a02", false},
    {TH_MQTT_CONNACK, "210000", false},
    {TH_MQTT_CONNACK, "21ffff", true},
    {TH_MQTT_CONNACK, "2700000000", false},
    {TH_MQTT_CONNACK, "27ffffffff", true},
    {TH_MQTT_CONNACK, "160000", false},
    {TH_MQTT_CONNACK, "160000 150001'm'", true},
    {TH_MQTT_CONNACK, "150001'm' 160000", true},
    {TH_MQTT_CONNACK, "150001'm'", true},
    {TH_MQTT_CONNACK, "", true},
    {TH_MQTT_AUTH, "", false},
    {TH_MQTT_AUTH, "1f0001'y'", false},
    {TH_MQTT_AUTH, "150001'm'", true},
};

static void values_are_held_to_their_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        struct wire list = wire_of(values[i].list);
        if (!check_received(&list, values[i].type) != values[i].good)
            fail_msg("%s", values[i].list);
    }
}

/* Another client chose these values and the broker passed them on. */
static void forwarded_values_are_judged_only_when_sent(void **state)
{
    const char *const lists[] = {"0102", "01ff", "080001'+'", "080003'a/#'", "080000"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        struct wire list = wire_of(lists[i]);
        assert_null(check_received(&list, TH_MQTT_PUBLISH));
        assert_non_null(check_to_send(&list, TH_MQTT_PUBLISH));
        assert_non_null(check_to_send(&list, TH_MQTT_WILL));
    }
}

static void what_is_sent_is_held_to_its_width(void **state)
{
    static uint8_t text[65536];
    const struct sent {
        uint8_t type;
        struct th_property property;
        bool good;
    } sent[] = {
        {TH_MQTT_CONNECT, {.id = 0x17, .number = 1}, true},
        {TH_MQTT_CONNECT, {.id = 0x17, .number = 256}, false},
        {TH_MQTT_CONNECT, {.id = 0x21, .number = 65535}, true},
        {TH_MQTT_CONNECT, {.id = 0x21, .number = 65536}, false},
        {TH_MQTT_CONNECT, {.id = 0x22, .number = 65537}, false},
        {TH_MQTT_CONNECT, {.id = 0x11, .number = 0xffffffff}, true},
        {TH_MQTT_SUBSCRIBE, {.id = 0x0b, .number = 268435455}, true},
        {TH_MQTT_SUBSCRIBE, {.id = 0x0b, .number = 268435456}, false},
        {TH_MQTT_PUBLISH, {.id = 0x03, .text = {text, 65535}}, true},
        {TH_MQTT_PUBLISH, {.id = 0x03, .text = {text, 65536}}, false},
        {TH_MQTT_PUBLISH, {.id = 0x09, .text = {text, 65536}}, false},
        {TH_MQTT_PUBLISH, {.id = 0x26, .text = {text, 1}, .value = {text, 65535}}, true},
        {TH_MQTT_PUBLISH, {.id = 0x26, .text = {text, 1}, .value = {text, 65536}}, false},
    };

    (void)state;
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < COUNT_OF(sent); i++) {
        struct th_properties list = {&sent[i].property, 1};
        if (!th_property_check_to_send(&list, 1, sent[i].type) != sent[i].good)
            fail_msg("row %zu", i);
    }
}

static void lists_that_go_out_as_one_are_checked_as_one(void **state)
{
    const struct th_property expiry = {.id = TH_PROPERTY_SESSION_EXPIRY_S, .number = 60};
    const struct th_property maximum = {.id = TH_PROPERTY_RECEIVE_MAXIMUM, .number = 10};
    const struct th_properties different[] = {{&expiry, 1}, {&maximum, 1}};
    const struct th_properties same[] = {{&expiry, 1}, {&expiry, 1}};

    (void)state;
    assert_null(th_property_check_to_send(different, 2, TH_MQTT_CONNECT));
    assert_non_null(th_property_check_to_send(same, 2, TH_MQTT_CONNECT));
}

static void next_walks_and_find_finds(void **state)
{
    struct th_property property;
    struct wire wire = wire_of("0bc801 26 0001'k' 0002'vv' 030001'c' 0b07 020000003c 230102 0101");
    struct th_received_properties list = {wire_slice(&wire)};
    struct th_received_properties rest = list;
    const uint32_t numbers[] = {200, 0, 0, 7, 60, 0x102, 1};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        assert_int_equal(th_property_next(&rest, &property), 1);
        assert_int_equal(property.number, numbers[i]);
    }
    assert_int_equal(th_property_next(&rest, &property), 0);
    assert_int_equal(th_property_next(&rest, &property), 0);

    assert_int_equal(th_property_find(list, TH_PROPERTY_USER, &property), 1);
    assert_memory_equal(property.text.data, "k", 1);
    assert_int_equal(property.value.len_bytes, 2);
    assert_int_equal(th_property_find(list, TH_PROPERTY_SUBSCRIPTION_ID, &property), 1);
    assert_int_equal(property.number, 200);
    property.number = 4711;
    assert_int_equal(th_property_find(list, TH_PROPERTY_REASON_STRING, &property), 0);
    assert_int_equal(property.number, 4711);
}

static void walking_unchecked_bytes_ends(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 65536; first++) {
        uint8_t bytes[5] = {(uint8_t)(first >> 8), (uint8_t)first, 1, 2, 3};
        for (size_t len = 0; len <= sizeof bytes; len++) {
            struct th_received_properties rest = {
                th_slice_of(at_the_edge(bytes, len), len)};
            struct th_property property;
            size_t steps = 0;
            while (th_property_next(&rest, &property))
                assert_true(++steps <= len);
            assert_int_equal(rest.raw.len_bytes, 0);
        }
    }
}

static void what_is_read_is_written_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct wire list = list_of(&rows[i], 2);
        struct th_property parsed[8];
        struct th_properties properties = {parsed, parse(&list, parsed)};
        uint8_t bytes[64];
        struct th_mqtt_writer count = {NULL, 0}, out = {bytes, 0};
        th_property_put(&count, &properties, 1);
        th_property_put(&out, &properties, 1);
        assert_int_equal(count.bytes, list.len + 1);
        assert_int_equal(out.bytes, list.len + 1);
        assert_int_equal(bytes[0], list.len);
        assert_memory_equal(bytes + 1, list.bytes, list.len);
    }
}

static void what_is_no_property_is_passed_over(void **state)
{
    const struct th_property unknown = {.id = 4};
    const struct th_properties properties = {&unknown, 1};
    struct th_mqtt_writer count = {NULL, 0};

    (void)state;
    th_property_put(&count, &properties, 1);
    assert_int_equal(count.bytes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_property_is_allowed_where_the_standard_says),
        cmocka_unit_test(only_two_may_appear_twice),
        cmocka_unit_test(unknown_identifiers_are_refused),
        cmocka_unit_test(every_cut_through_a_value_is_refused),
        cmocka_unit_test(values_are_held_to_their_range),
        cmocka_unit_test(forwarded_values_are_judged_only_when_sent),
        cmocka_unit_test(what_is_sent_is_held_to_its_width),
        cmocka_unit_test(lists_that_go_out_as_one_are_checked_as_one),
        cmocka_unit_test(next_walks_and_find_finds),
        cmocka_unit_test(walking_unchecked_bytes_ends),
        cmocka_unit_test(what_is_read_is_written_again),
        cmocka_unit_test(what_is_no_property_is_passed_over),
    };
    return cmocka_run_group_tests_name("mqtt/property", tests, NULL, NULL);
}

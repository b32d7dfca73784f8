#include "wire.h"

#include "mqtt/topic.h"

static const char *const names[] = {
    "a", "/", "//", "a/b", "/a", "a/", " ", "$SYS/broker", "$share/x/y", "Accounts payable", "$",
};

static const char *const not_names[] = {"", "+", "#", "a/+", "a/#", "a+", "a#b", "+/a"};

static const char *const filters[] = {
    "a", "/", "#", "+", "+/+", "/+", "+/", "a/#", "a/+/b", "+/#", "//#", "$SYS/#", "/#",
    "$share/g/a", "$share/g/#", "$share/g/+/a", "$share/g//", "$share/g//a", "$share", "$shared/#",
    "$share/$g/$share/g",
};

static const char *const not_filters[] = {
    "", "a#", "#a", "#/", "#/a", "a/#/b", "a+", "+a", "a/+b", "a/b+/c", "a/#b", "##", "++", "+#",
    "$share/", "$share//", "$share//a", "$share/g", "$share/g/", "$share/+/a", "$share/#/a",
    "$share/g+/a", "$share/g#/a", "$share/#", "$share/g/a#", "$share/g/#/a",
};

static void names_follow_the_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (!th_mqtt_topic_name_valid(th_slice_text(names[i])))
            fail_msg("refused: %s", names[i]);
    for (size_t i = 0; i < COUNT_OF(not_names); i++)
        if (th_mqtt_topic_name_valid(th_slice_text(not_names[i])))
            fail_msg("accepted: %s", not_names[i]);
}

static void filters_follow_the_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(filters); i++)
        if (!th_mqtt_topic_filter_valid(th_slice_text(filters[i])))
            fail_msg("refused: %s", filters[i]);
    for (size_t i = 0; i < COUNT_OF(not_filters); i++)
        if (th_mqtt_topic_filter_valid(th_slice_text(not_filters[i])))
            fail_msg("accepted: %s", not_filters[i]);
}

static void neither_takes_what_is_not_a_string(void **state)
{
    static uint8_t long_text[65536];
    const char *const texts[] = {"'a'00", "eda080", "'a'ff", "c080"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct wire wire = wire_of(texts[i]);
        assert_false(th_mqtt_topic_name_valid(wire_slice(&wire)));
        assert_false(th_mqtt_topic_filter_valid(wire_slice(&wire)));
    }
    memset(long_text, 'a', sizeof long_text);
    assert_true(th_mqtt_topic_name_valid(th_slice_of(long_text, 65535)));
    assert_true(th_mqtt_topic_filter_valid(th_slice_of(long_text, 65535)));
    assert_false(th_mqtt_topic_name_valid(th_slice_of(long_text, 65536)));
    assert_false(th_mqtt_topic_filter_valid(th_slice_of(long_text, 65536)));
    assert_false(th_mqtt_topic_name_valid(th_slice_of(NULL, 0)));
    assert_false(th_mqtt_topic_filter_valid(th_slice_of(NULL, 0)));
}

static const struct pair {
    const char *filter;
    const char *topic;
    bool matches;
} pairs[] = {
    {"sport/tennis/player1/#", "sport/tennis/player1", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
    {"sport/tennis/player1/#", "sport/tennis/player2", false},
    {"sport/#", "sport", true},
    {"sport/#", "sports", false},
    {"#", "a", true},
    {"#", "a/b/c", true},
    {"#", "/", true},
    {"#", "$SYS/a", false},
    {"+/monitor/Clients", "$SYS/monitor/Clients", false},
    {"+", "$SYS", false},
    {"$SYS/#", "$SYS/monitor/Clients", true},
    {"$SYS/#", "$SYS", true},
    {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
    {"sport/tennis/+", "sport/tennis/player1", true},
    {"sport/tennis/+", "sport/tennis/player1/ranking", false},
    {"sport/+", "sport", false},
    {"sport/+", "sport/", true},
    {"+/+", "/finance", true},
    {"/+", "/finance", true},
    {"+", "/finance", false},
    {"a", "a", true},
    {"a", "A", false},
    {"a", "a/", false},
    {"a/", "a", false},
    {"a/b", "a/b/c", false},
    {"a/b/c", "a/b", false},
    {"a/+/c", "a/b/c", true},
    {"a/+/c", "a//c", true},
    {"a/+/c", "a/b/d", false},
    {"a/+/#", "a", false},
    {"a/+/#", "a/b", true},
    {"+/#", "a", true},
    {"//", "//", true},
    {"//", "/", false},
    {"ab", "a", false},
    {"a", "ab", false},
    {"$share/g/a/+", "a/b", true},
    {"$share/g/#", "$SYS/a", false},
    {"$share/g/a", "$share/g/a", false},
    {"$share/g//a", "/a", true},
};

static void matching_follows_the_standard(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct th_slice filter = th_slice_text(pairs[i].filter);
        struct th_slice topic = th_slice_text(pairs[i].topic);
        assert_true(th_mqtt_topic_filter_valid(filter));
        topic.data = at_the_edge(topic.data, topic.len_bytes);
        if (th_mqtt_topic_matches(filter, topic) != pairs[i].matches)
            fail_msg("%s / %s", pairs[i].filter, pairs[i].topic);
    }
}

static void nothing_matches_nothing(void **state)
{
    const struct th_slice none = {NULL, 0};

    (void)state;
    assert_false(th_mqtt_topic_matches(none, none));
    assert_false(th_mqtt_topic_matches(none, th_slice_text("a")));
    assert_false(th_mqtt_topic_matches(th_slice_text("#"), none));
    assert_false(th_mqtt_topic_matches(th_slice_text("$share/g"), th_slice_text("a")));
}

/* The same question answered in another way: recursion over characters. */
static bool slow_match(const char *filter, const char *topic)
{
    if (*filter == '#')
        return true;
    if (*filter == '+') {
        while (*topic && *topic != '/')
            topic++;
        return slow_match(filter + 1, topic);
    }
    if (!*topic)
        return !*filter || !strcmp(filter, "/#");
    return *filter == *topic && slow_match(filter + 1, topic + 1);
}

static void spell(unsigned number, char *to)
{
    static const char letters[] = "a/+#";

    for (; number; number >>= 3)
        if (number & 4)
            *to++ = letters[number & 3];
    *to = 0;
}

static void all_short_pairs_match_as_a_slow_matcher_says(void **state)
{
    char filter[8], topic[8];
    size_t compared = 0;

    (void)state;
    for (unsigned f = 0; f < 1u << 15; f++) {
        spell(f, filter);
        if (!th_mqtt_topic_filter_valid(th_slice_text(filter)))
            continue;
        for (unsigned t = 0; t < 1u << 12; t++) {
            spell(t, topic);
            if (!th_mqtt_topic_name_valid(th_slice_text(topic)))
                continue;
            compared++;
            if (th_mqtt_topic_matches(th_slice_text(filter), th_slice_text(topic)) !=
                slow_match(filter, topic))
                fail_msg("%s / %s", filter, topic);
        }
    }
    assert_true(compared > 100000);
}

static void shared_filters_are_told_apart(void **state)
{
    (void)state;
    assert_true(th_mqtt_filter_is_shared(th_slice_text("$share/g/a")));
    assert_false(th_mqtt_filter_is_shared(th_slice_text("$share")));
    assert_false(th_mqtt_filter_is_shared(th_slice_text("$shared/g/a")));
    assert_false(th_mqtt_filter_is_shared(th_slice_text("a/$share/g")));
    assert_false(th_mqtt_filter_is_shared(th_slice_of(NULL, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_follow_the_rules),
        cmocka_unit_test(filters_follow_the_rules),
        cmocka_unit_test(neither_takes_what_is_not_a_string),
        cmocka_unit_test(matching_follows_the_standard),
        cmocka_unit_test(nothing_matches_nothing),
        cmocka_unit_test(all_short_pairs_match_as_a_slow_matcher_says),
        cmocka_unit_test(shared_filters_are_told_apart),
    };
    return cmocka_run_group_tests_name("mqtt/topic", tests, NULL, NULL);
}

#include "support.h"

#include "net/name.h"

static void accepts_host_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "broker", "broker.", "a", "a.b", "a1-b_2.example.com", "xn--bcher-kva.example", "3com.com",
        "1.2.3.4a", "host-",
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (!th_net_name_is_valid(names[i]))
            fail_msg("\"%s\" was refused", names[i]);
}

static void refuses_what_is_no_host_name(void **state)
{
    (void)state;
    static const char *const names[] = {
        "", ".", "..", ".a", "a..b", "a..", "a b", "a\tb", "a\nb", "a\x01", "a\x7f",
        "caf\xc3\xa9", "1.2.3.4", "1.2.3.300", "127", "a.1", "a/b", "a:1", "[::1]", "a%20b",
        "a*",
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (th_net_name_is_valid(names[i]))
            fail_msg("\"%s\" was accepted", names[i]);
}

static void labels_end_at_63_characters(void **state)
{
    (void)state;
    char label[65];
    memset(label, 'a', sizeof label);
    label[63] = '\0';
    assert_true(th_net_name_is_valid(label));
    label[63] = 'a';
    label[64] = '\0';
    assert_false(th_net_name_is_valid(label));
}

static void names_end_at_253_characters(void **state)
{
    (void)state;
    char name[260];
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 2 ? '.' : 'a';
    name[253] = '\0';
    assert_true(th_net_name_is_valid(name));
    strcpy(name + 253, ".");
    assert_true(th_net_name_is_valid(name));
    strcpy(name + 253, ".a");
    assert_false(th_net_name_is_valid(name));
}

static void compares_without_case_and_last_dot(void **state)
{
    (void)state;
    assert_true(th_net_name_equal("Broker.Example", "bROKER.example."));
    assert_true(th_net_name_equal("", ""));
    assert_false(th_net_name_equal("broker", "broken"));
    assert_false(th_net_name_equal("broker", "broker.lan"));
    assert_false(th_net_name_equal("broker", ""));
}

static void knows_localhost(void **state)
{
    (void)state;
    assert_true(th_net_name_is_localhost("localhost"));
    assert_true(th_net_name_is_localhost("LOCALHOST."));
    assert_true(th_net_name_is_localhost("a.b.localhost"));
    assert_false(th_net_name_is_localhost("notlocalhost"));
    assert_false(th_net_name_is_localhost("localhost.example"));
    assert_false(th_net_name_is_localhost("ocalhost"));
}

static void counts_dots(void **state)
{
    (void)state;
    assert_int_equal(th_net_name_dots("a"), 0);
    assert_int_equal(th_net_name_dots("a.b.c."), 3);
    assert_true(th_net_name_is_absolute("a."));
    assert_false(th_net_name_is_absolute("a.b"));
    assert_false(th_net_name_is_absolute(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_host_names),
        cmocka_unit_test(refuses_what_is_no_host_name),
        cmocka_unit_test(labels_end_at_63_characters),
        cmocka_unit_test(names_end_at_253_characters),
        cmocka_unit_test(compares_without_case_and_last_dot),
        cmocka_unit_test(knows_localhost),
        cmocka_unit_test(counts_dots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

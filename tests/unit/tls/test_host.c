#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"
#include "tls/host.h"

#include <string.h>

static struct th_host parsed(const char *text)
{
    struct th_host host;
    assert_int_equal(th_host_parse(&host, text, NULL), 0);
    return host;
}

static void refuses(const char *text, const char *sentence)
{
    struct th_host host;
    struct th_fault fault = {0};
    assert_int_equal(th_host_parse(&host, text, &fault), TH_E_SERVER_NAME);
    assert_non_null(strstr(fault.text, sentence));
}

static void is(const char *text, enum th_host_kind kind, const char *name)
{
    struct th_host host = parsed(text);
    assert_int_equal(host.kind, kind);
    assert_string_equal(host.name, name);
}

static void parses_names_and_addresses(void **state)
{
    (void)state;
    is("broker", TH_HOST_NAME, "broker");
    is("localhost", TH_HOST_NAME, "localhost");
    is("Broker.Example.", TH_HOST_NAME, "Broker.Example");
    is("my_broker.local", TH_HOST_NAME, "my_broker.local");
    is("xn--bcher-kva.example", TH_HOST_NAME, "xn--bcher-kva.example");
    is("1password.example", TH_HOST_NAME, "1password.example");
    is("192.0.2.1", TH_HOST_IPV4, "192.0.2.1");
    is("2001:db8::1", TH_HOST_IPV6, "2001:db8::1");
    is("[2001:db8::1]", TH_HOST_IPV6, "2001:db8::1");
    is("fe80::1%eth0", TH_HOST_IPV6, "fe80::1");
    is("[fe80::1%eth0]", TH_HOST_IPV6, "fe80::1");
    is("::ffff:192.0.2.1", TH_HOST_IPV6, "::ffff:192.0.2.1");
}

static void refuses_what_is_neither(void **state)
{
    (void)state;
    char longest[300];
    memset(longest, 'a', sizeof longest);
    longest[254] = '\0';
    refuses(longest, "longer than 253");
    longest[64] = '\0';
    refuses(longest, "longer than 63");
    refuses(NULL, "empty");
    refuses("", "empty");
    refuses(".", "label is empty");
    refuses("a..b", "label is empty");
    refuses(".a", "label is empty");
    refuses("a b", "only letters");
    refuses("a/b", "only letters");
    refuses("*.example.com", "only letters");
    refuses("b\xC3\xBC" "cher.example", "only letters");
    refuses("1.2.3", "ends in a number");
    refuses("1.2.3.4.5", "ends in a number");
    refuses("192.0.2.256", "ends in a number");
    refuses("[broker", "only letters");
    refuses("::g", "only letters");
}

static bool matches(const char *host_text, const char *pattern)
{
    struct th_host host = parsed(host_text);
    return th_host_matches_dns(&host, th_slice_text(pattern));
}

static void matches_names(void **state)
{
    (void)state;
    assert_true(matches("broker.example.com", "broker.example.com"));
    assert_true(matches("BROKER.example.com", "broker.EXAMPLE.com"));
    assert_true(matches("broker.example.com", "broker.example.com."));
    assert_true(matches("broker", "broker"));
    assert_true(matches("broker.example.com", "*.example.com"));
    assert_false(matches("broker.example.com", "example.com"));
    assert_false(matches("broker.example.com", "broker.example.com.evil.com"));
    assert_false(matches("broker.example.com", "broker.example.co"));
    assert_false(matches("broker.example.com", ""));
    assert_false(matches("broker.example.com", "."));
}

static void restricts_wildcards(void **state)
{
    (void)state;
    assert_false(matches("example.com", "*.example.com"));
    assert_false(matches("a.b.example.com", "*.example.com"));
    assert_false(matches("example.com", "*.com"));
    assert_false(matches("broker", "*"));
    assert_false(matches("broker.example.com", "*"));
    assert_false(matches("broker.example.com", "*."));
    assert_false(matches("broker.example.com", "b*.example.com"));
    assert_false(matches("broker.example.com", "*r.example.com"));
    assert_false(matches("broker.example.com", "broker.*.com"));
    assert_false(matches("broker.example.com", "*.*.com"));
    assert_false(matches("192.0.2.1", "*.0.2.1"));
    assert_false(matches("192.0.2.1", "192.0.2.1"));
}

static void stops_at_no_nul(void **state)
{
    (void)state;
    static const char pattern[] = "broker.test\0.evil.com";
    struct th_host host = parsed("broker.test");
    assert_false(th_host_matches_dns(&host, th_slice_of(pattern, sizeof pattern - 1)));
}

static void matches_addresses(void **state)
{
    (void)state;
    static const uint8_t v4[] = {192, 0, 2, 1};
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    struct th_host four = parsed("192.0.2.1"), six = parsed("2001:DB8:0::1");
    struct th_host name = parsed("broker.test");
    assert_true(th_host_matches_address(&four, th_slice_of(v4, 4)));
    assert_true(th_host_matches_address(&six, th_slice_of(v6, 16)));
    assert_false(th_host_matches_address(&four, th_slice_of(v4, 3)));
    assert_false(th_host_matches_address(&four, th_slice_of(v6, 16)));
    assert_false(th_host_matches_address(&six, th_slice_of(v4, 4)));
    assert_false(th_host_matches_address(&name, th_slice_of(v4, 4)));
    assert_false(th_host_matches_address(&name, th_slice_of(v4, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_names_and_addresses),
        cmocka_unit_test(refuses_what_is_neither),
        cmocka_unit_test(matches_names),
        cmocka_unit_test(restricts_wildcards),
        cmocka_unit_test(stops_at_no_nul),
        cmocka_unit_test(matches_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

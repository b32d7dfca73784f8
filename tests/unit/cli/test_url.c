/* The -L URL: what it is taken apart into, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"
#include "cli/url.h"

struct expected {
    const char *text;
    bool plaintext;
    const char *username, *password, *host;
    unsigned port;
    const char *path;
    bool websocket;
};

static void same(struct th_slice slice, const char *expected)
{
    if (!expected) {
        assert_null(slice.data);
        return;
    }
    assert_int_equal(slice.len_bytes, strlen(expected));
    assert_memory_equal(slice.data, expected, slice.len_bytes);
}

static void test_good(void **state)
{
    (void)state;
    static const struct expected all[] = {
        {"mqtt://h", true, NULL, NULL, "h", 0, NULL, false},
        {"mqtts://h", false, NULL, NULL, "h", 0, NULL, false},
        {"mqtts://h:1", false, NULL, NULL, "h", 1, NULL, false},
        {"mqtts://h:65535/", false, NULL, NULL, "h", 65535, "/", false},
        {"mqtts://h/a/b", false, NULL, NULL, "h", 0, "/a/b", false},
        {"mqtts://h//a", false, NULL, NULL, "h", 0, "//a", false},
        {"mqtts://u@h/a", false, "u", NULL, "h", 0, "/a", false},
        {"mqtts://u:p@h:8/a", false, "u", "p", "h", 8, "/a", false},
        {"mqtts://u:@h", false, "u", "", "h", 0, NULL, false},
        {"mqtts://:p@h", false, "", "p", "h", 0, NULL, false},
        {"mqtts://u:p:q@h", false, "u", "p:q", "h", 0, NULL, false},
        {"mqtts://u:p@q@h", false, "u", "p@q", "h", 0, NULL, false},
        {"mqtts://h/a@b", false, NULL, NULL, "h", 0, "/a@b", false},
        {"mqtts://u%40:p@h/%41", false, "u%40", "p", "h", 0, "/%41", false},
        {"mqtts://[::1]", false, NULL, NULL, "::1", 0, NULL, false},
        {"mqtts://u@[fe80::1]:9/a", false, "u", NULL, "fe80::1", 9, "/a", false},
        {"MQTTS://h", false, NULL, NULL, "h", 0, NULL, false},
        {"ws://h/", true, NULL, NULL, "h", 0, "/", true},
        {"wss://u@h:9/p?q=1", false, "u", NULL, "h", 9, "/p?q=1", true},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct th_cli_url url;
        assert_null(th_cli_url_parse(&url, th_slice_text(all[i].text)));
        assert_int_equal(url.plaintext, all[i].plaintext);
        assert_int_equal(url.port, all[i].port);
        same(url.username, all[i].username);
        same(url.password, all[i].password);
        same(url.host, all[i].host);
        same(url.path, all[i].path);
        assert_int_equal(url.websocket, all[i].websocket);
    }
}

static void test_bad(void **state)
{
    (void)state;
    static const char *const all[] = {
        "", "h", "http://h", "socks5h://h", "mqtt:/h", "mqtt://", "mqtts:///a", "mqtts://u@",
        "mqtts://u@/a",
        "mqtts://:1", "mqtts://h:", "mqtts://h:0", "mqtts://h:65536", "mqtts://h:x", "mqtts://h:1x",
        "mqtts://h:99999999999", "mqtts://[::1", "mqtts://[]", "mqtts://[::1]x", "mqtts://h:+1",
        "mqtts://h:1:2", "mqtt", "mqtts",
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct th_cli_url url;
        assert_non_null(th_cli_url_parse(&url, th_slice_text(all[i])));
    }
}

static void test_proxy(void **state)
{
    (void)state;
    struct th_cli_url url;
    assert_null(th_cli_url_parse_proxy(&url, th_slice_text("socks5h://u%40:p@[::1]:7")));
    same(url.username, "u%40");
    same(url.password, "p");
    same(url.host, "::1");
    assert_int_equal(url.port, 7);
    static const char *const wrong[] = {"", "socks5://h", "socks5h://", "socks5h://h:0",
                                        "socks5h://h:x", "mqtt://h"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_non_null(th_cli_url_parse_proxy(&url, th_slice_text(wrong[i])));
}

static void test_server(void **state)
{
    (void)state;
    struct th_cli_url url;
    assert_true(th_cli_url_parse_server(&url, th_slice_text("broker.example:8883")));
    same(url.host, "broker.example");
    assert_int_equal(url.port, 8883);
    assert_true(th_cli_url_parse_server(&url, th_slice_text("[2001:db8::1]:65535")));
    same(url.host, "2001:db8::1");
    assert_int_equal(url.port, 65535);
    static const char *const wrong[] = {"", ":", ":1", "h", "h:", "h:0", "h:65536", "h:1x", "h:1/",
                                        "./h:1", "/h:1", "u@h:1", "u:p@h:1", "::1:1", "[::1]",
                                        "[::1", "[]:1", "[::1]1", "mqtts://h:1", "h:1:1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(th_cli_url_parse_server(&url, th_slice_text(wrong[i])));
}

static void test_decoding(void **state)
{
    (void)state;
    char text[8];
    assert_int_equal(th_cli_url_decode(text, sizeof text, th_slice_text("a%3a%40%25b")), 5);
    assert_string_equal(text, "a:@%b");
    assert_int_equal(th_cli_url_decode(text, sizeof text, th_slice_text("")), 0);
    assert_int_equal(th_cli_url_decode(text, sizeof text, th_slice_text("1234567")), 7);
    static const char *const wrong[] = {"12345678", "%", "%4", "%4g", "%g4", "%00", "a%"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(th_cli_url_decode(text, sizeof text, th_slice_text(wrong[i])), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_server),
        cmocka_unit_test(test_decoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "support.h"

#include "net/hosts.h"
#include "net/resolver.h"
#include "net/words.h"

/* ---- words ---- */

/* All words of the file with "|" after each, "/" at a line's end, "." at the file's. */
static void spell(const char *data, size_t bytes, char *out, size_t out_bytes)
{
    char path[64], word[TH_NET_WORD_BYTES];
    struct th_net_words words;
    enum th_net_word kind;
    write_file(path, data, bytes);
    assert_true(th_net_words_open(&words, path));
    out[0] = '\0';
    do {
        static const char *const marks[] = {"|", "/", "."};
        kind = th_net_words_next(&words, word);
        size_t used = strlen(out);
        snprintf(out + used, out_bytes - used, "%s%s", kind ? "" : word, marks[kind]);
    } while (kind != TH_NET_WORDS_FILE_END);
    th_net_words_close(&words);
    unlink(path);
}

static void splits_into_words(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"", "."},
        {"\n\n", "//."},
        {"a b\n", "a|b|/."},
        {"a b", "a|b|."},
        {"  a\t\tb  \r\nc\r\n", "a|b|/c|/."},
        {"# all\n a # b\n;c\n#", "/a|//."},
        {"a#b\nc;d", "a|/c|."},
        {"a\x01" "b\x7f" "c", "a|b|c|."},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        char out[256];
        spell(pairs[i][0], strlen(pairs[i][0]), out, sizeof out);
        assert_string_equal(out, pairs[i][1]);
    }
}

static void a_nul_separates_words(void **state)
{
    (void)state;
    char out[64];
    spell("a\0b", 3, out, sizeof out);
    assert_string_equal(out, "a|b|.");
}

static void words_cross_the_buffer_whole(void **state)
{
    (void)state;
    char data[300], out[400];
    memset(data, ' ', sizeof data);
    memcpy(data + 250, "crossing-the-edge", 17);
    spell(data, sizeof data, out, sizeof out);
    assert_string_equal(out, "crossing-the-edge|.");
}

static void a_word_too_long_comes_out_empty(void **state)
{
    (void)state;
    char data[2000], out[2400];
    memset(data, 'x', sizeof data);
    data[255] = ' ';
    spell(data, sizeof data, out, sizeof out);
    assert_int_equal(strlen(out), 255 + 1 + 1 + 1);
    assert_string_equal(out + 255, "||.");
}

static void a_missing_file_does_not_open(void **state)
{
    (void)state;
    struct th_net_words words;
    assert_false(th_net_words_open(&words, "/no/such/file"));
}

/* ---- hosts ---- */

static struct th_net_addresses find(const char *hosts, const char *name)
{
    char path[64];
    struct th_net_addresses found = {.count = 0};
    write_file(path, hosts, strlen(hosts));
    bool any = th_net_hosts_find(path, name, &found);
    assert_int_equal(any, found.count > 0);
    unlink(path);
    return found;
}

static void assert_finds(const char *hosts, const char *name, const char *address)
{
    char text[TH_NET_ADDRESS_TEXT_BYTES];
    struct th_net_addresses found = find(hosts, name);
    assert_int_equal(found.count, 1);
    th_net_address_format(&found.list[0], text);
    assert_string_equal(text, address);
}

static void finds_names_and_aliases(void **state)
{
    (void)state;
    static const char hosts[] = "127.0.0.1 localhost\n"
                                "# 9.9.9.9 broker\n"
                                "10.0.0.5\tbroker.lan broker # 9.9.9.9 other\n"
                                "fe80::5%1 linked\n";
    assert_finds(hosts, "broker", "10.0.0.5");
    assert_finds(hosts, "BROKER.lan.", "10.0.0.5");
    assert_finds(hosts, "linked", "fe80::5%1");
    assert_int_equal(find(hosts, "other").count, 0);
    assert_int_equal(find(hosts, "10.0.0.5").count, 0);
    assert_int_equal(find(hosts, "brok").count, 0);
}

static void reads_crlf_and_a_missing_newline(void **state)
{
    (void)state;
    assert_finds("10.0.0.1 a\r\n10.0.0.2 b\r\n", "a", "10.0.0.1");
    assert_finds("10.0.0.1 a\r\n10.0.0.2 b", "b", "10.0.0.2");
}

static void ignores_lines_without_an_address(void **state)
{
    (void)state;
    assert_finds("not-an-address broker\nbroker\n10.0.0.1\n\n10.0.0.2 broker\n", "broker",
                 "10.0.0.2");
}

static void reads_lines_of_any_length(void **state)
{
    (void)state;
    static char hosts[70000];
    strcpy(hosts, "10.0.0.1");
    for (size_t at = strlen(hosts); at < 65000; at += 7)
        strcpy(hosts + at, " filler");
    strcat(hosts, " broker\n10.0.0.2 second\n");
    assert_finds(hosts, "broker", "10.0.0.1");
    assert_finds(hosts, "second", "10.0.0.2");
}

static void collects_every_line_of_a_name(void **state)
{
    (void)state;
    assert_int_equal(find("::1 x\n127.0.0.1 x\n127.0.0.1 x\n", "x").count, 2);
}

static void finds_nothing_without_a_file(void **state)
{
    (void)state;
    struct th_net_addresses found = {.count = 0};
    assert_false(th_net_hosts_find("/no/such/file", "broker", &found));
    assert_false(th_net_hosts_find("/tmp", "broker", &found));
}

/* ---- resolv.conf ---- */

static struct th_net_resolver resolver_of(const char *text)
{
    char path[64];
    struct th_net_resolver resolver;
    write_file(path, text, strlen(text));
    th_net_resolver_read(&resolver, path);
    unlink(path);
    return resolver;
}

static void assert_server(const struct th_net_resolver *resolver, size_t n, const char *address)
{
    char text[TH_NET_ADDRESS_TEXT_BYTES];
    th_net_address_format(&resolver->servers[n], text);
    assert_string_equal(text, address);
}

static void has_the_defaults_of_resolv_conf(void **state)
{
    (void)state;
    struct th_net_resolver resolver;
    th_net_resolver_read(&resolver, "/no/such/file");
    assert_int_equal(resolver.server_count, 1);
    assert_server(&resolver, 0, "127.0.0.1");
    assert_int_equal(resolver.timeout_s, 5);
    assert_int_equal(resolver.attempts, 2);
    assert_int_equal(resolver.ndots, 1);
    assert_null(th_net_resolver_search(&resolver, 0));
}

static void reads_servers(void **state)
{
    (void)state;
    struct th_net_resolver resolver = resolver_of("nameserver 10.0.0.1\r\n"
                                                  "nameserver nonsense\n"
                                                  "nameserver\n"
                                                  "  nameserver fe80::1%1 # the router\n"
                                                  "nameserver 10.0.0.3\n"
                                                  "nameserver 10.0.0.4");
    assert_int_equal(resolver.server_count, 3);
    assert_server(&resolver, 0, "10.0.0.1");
    assert_server(&resolver, 1, "fe80::1%1");
    assert_server(&resolver, 2, "10.0.0.3");
    assert_int_equal(resolver.timeout_s, 5);
}

static void reads_options_within_their_limits(void **state)
{
    (void)state;
    struct th_net_resolver resolver =
        resolver_of("options timeout:2 attempts:3\noptions ndots:4 rotate edns0");
    assert_int_equal(resolver.timeout_s, 2);
    assert_int_equal(resolver.attempts, 3);
    assert_int_equal(resolver.ndots, 4);
    resolver = resolver_of("options timeout:99999999999999 attempts:0 ndots:16");
    assert_int_equal(resolver.timeout_s, 30);
    assert_int_equal(resolver.attempts, 1);
    assert_int_equal(resolver.ndots, 15);
    resolver = resolver_of("options timeout: attempts:x ndots:-1 timeout:3s");
    assert_int_equal(resolver.timeout_s, 5);
    assert_int_equal(resolver.attempts, 2);
    assert_int_equal(resolver.ndots, 1);
}

static void the_last_search_list_counts(void **state)
{
    (void)state;
    struct th_net_resolver resolver =
        resolver_of("search old.example\ndomain older\nsearch lan bad..name home.example.\n");
    assert_string_equal(th_net_resolver_search(&resolver, 0), "lan");
    assert_string_equal(th_net_resolver_search(&resolver, 1), "home.example.");
    assert_null(th_net_resolver_search(&resolver, 2));
}

static void a_search_list_has_its_limit(void **state)
{
    (void)state;
    char text[2000] = "search";
    for (int i = 0; i < 100; i++)
        strcat(text, " example.org");
    struct th_net_resolver resolver = resolver_of(text);
    assert_non_null(th_net_resolver_search(&resolver, 20));
    assert_null(th_net_resolver_search(&resolver, 21));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_into_words),
        cmocka_unit_test(a_nul_separates_words),
        cmocka_unit_test(words_cross_the_buffer_whole),
        cmocka_unit_test(a_word_too_long_comes_out_empty),
        cmocka_unit_test(a_missing_file_does_not_open),
        cmocka_unit_test(finds_names_and_aliases),
        cmocka_unit_test(reads_crlf_and_a_missing_newline),
        cmocka_unit_test(ignores_lines_without_an_address),
        cmocka_unit_test(reads_lines_of_any_length),
        cmocka_unit_test(collects_every_line_of_a_name),
        cmocka_unit_test(finds_nothing_without_a_file),
        cmocka_unit_test(has_the_defaults_of_resolv_conf),
        cmocka_unit_test(reads_servers),
        cmocka_unit_test(reads_options_within_their_limits),
        cmocka_unit_test(the_last_search_list_counts),
        cmocka_unit_test(a_search_list_has_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "support.h"

#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct th_net_address parsed(const char *text)
{
    struct th_net_address address;
    assert_true(th_net_address_parse(&address, text));
    return address;
}

static void reads_and_writes_numeric_addresses(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"127.0.0.1", "127.0.0.1"},
        {"255.255.255.255", "255.255.255.255"},
        {"::1", "::1"},
        {"[::1]", "::1"},
        {"2001:DB8:0:0::1", "2001:db8::1"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {"fe80::1%7", "fe80::1%7"},
        {"[fe80::1%7]", "fe80::1%7"},
        {"fe80::1%lo", "fe80::1%1"},
        {"fe80::1%4294967295", "fe80::1%4294967295"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        char text[TH_NET_ADDRESS_TEXT_BYTES];
        struct th_net_address address = parsed(pairs[i][0]);
        th_net_address_format(&address, text);
        assert_string_equal(text, pairs[i][1]);
    }
}

/* Every pattern of zero and non-zero groups behind a first group that is not zero. */
static void writes_ipv6_as_libc_does(void **state)
{
    (void)state;
    for (unsigned pattern = 0; pattern < 128; pattern++) {
        struct th_net_address address = {.family = AF_INET6, .bytes = {0x20, 0x01}};
        char ours[TH_NET_ADDRESS_TEXT_BYTES], theirs[INET6_ADDRSTRLEN];
        for (unsigned group = 1; group < 8; group++)
            address.bytes[2 * group + 1] = pattern >> (group - 1) & 1 ? 0xa0 + group : 0;
        th_net_address_format(&address, ours);
        assert_non_null(inet_ntop(AF_INET6, address.bytes, theirs, sizeof theirs));
        assert_string_equal(ours, theirs);
    }
}

static void refuses_what_is_no_address(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "[]", "[", "]", "broker", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", " 1.2.3.4",
        "[127.0.0.1]", "::1]", "[::1", ":::", "1::2::3", "12345::", "fe80::1%", "fe80::1%0",
        "fe80::1%4294967296", "fe80::1%99999999999999999999999999", "fe80::1%no-such-if",
        "127.0.0.1%1", "0x7f.0.0.1",
        "1111:2222:3333:4444:5555:6666:7777:8888%aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct th_net_address address;
        if (th_net_address_parse(&address, texts[i]))
            fail_msg("\"%s\" was taken for an address", texts[i]);
    }
}

static void formats_endpoints(void **state)
{
    (void)state;
    char text[TH_NET_ENDPOINT_TEXT_BYTES];
    struct th_net_address ipv4 = parsed("10.0.0.1"), ipv6 = parsed("::1");
    th_net_endpoint_format(&ipv4, 8883, text);
    assert_string_equal(text, "10.0.0.1:8883");
    th_net_endpoint_format(&ipv6, 65535, text);
    assert_string_equal(text, "[::1]:65535");
}

static void the_longest_endpoint_fits(void **state)
{
    (void)state;
    char text[TH_NET_ENDPOINT_TEXT_BYTES];
    struct th_net_address longest = {AF_INET6, {0}, UINT32_MAX};
    memset(longest.bytes, 0xff, sizeof longest.bytes);
    th_net_endpoint_format(&longest, 65535, text);
    assert_string_equal(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
}

static void fills_socket_addresses(void **state)
{
    (void)state;
    struct sockaddr_storage out;
    struct th_net_address ipv4 = parsed("127.0.0.1"), ipv6 = parsed("fe80::1%3");
    assert_int_equal(th_net_sockaddr(&ipv4, 1, &out), sizeof(struct sockaddr_in));
    assert_int_equal(((struct sockaddr_in *)&out)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(th_net_sockaddr(&ipv6, 1, &out), sizeof(struct sockaddr_in6));
    assert_int_equal(((struct sockaddr_in6 *)&out)->sin6_scope_id, 3);
    assert_int_equal(((struct sockaddr_in6 *)&out)->sin6_port, htons(1));
}

static struct th_net_address numbered(int family, int number)
{
    struct th_net_address address = {.family = (uint16_t)family};
    address.bytes[3] = (uint8_t)number;
    return address;
}

static void a_list_takes_no_address_twice(void **state)
{
    (void)state;
    struct th_net_addresses list = {.count = 0};
    struct th_net_address one = numbered(AF_INET, 1), other = numbered(AF_INET6, 1);
    th_net_addresses_add(&list, &one);
    th_net_addresses_add(&list, &one);
    th_net_addresses_add(&list, &other);
    assert_int_equal(list.count, 2);
}

static void a_full_list_leaves_half_to_the_other_family(void **state)
{
    (void)state;
    struct th_net_addresses list = {.count = 0};
    for (int family = 0; family < 2; family++)
        for (int i = 0; i < 20; i++) {
            struct th_net_address address = numbered(family ? AF_INET6 : AF_INET, i);
            th_net_addresses_add(&list, &address);
        }
    assert_int_equal(list.count, TH_NET_ADDRESSES_MAX);
    for (int i = 0; i < TH_NET_ADDRESSES_MAX; i++) {
        int half = TH_NET_ADDRESSES_MAX / 2;
        assert_int_equal(list.list[i].family, i < half ? AF_INET : AF_INET6);
        assert_int_equal(list.list[i].bytes[3], i % half);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_numeric_addresses),
        cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(writes_ipv6_as_libc_does),
        cmocka_unit_test(formats_endpoints),
        cmocka_unit_test(the_longest_endpoint_fits),
        cmocka_unit_test(fills_socket_addresses),
        cmocka_unit_test(a_list_takes_no_address_twice),
        cmocka_unit_test(a_full_list_leaves_half_to_the_other_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

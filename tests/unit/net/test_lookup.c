/* The lookup against name servers over UDP, the hosts file, and without any. */
#include "name_servers.h"

/* ---- tests: found ---- */

static void finds_ipv4(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_a);
    assert_addresses(&result, "127.0.0.9");
    assert_int_equal(dns.queries, 2);
    assert_int_equal(result.took_ms, 0);
}

static void finds_ipv6(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_aaaa);
    assert_addresses(&result, "::1");
}

static void finds_both_ipv6_first(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_both);
    assert_addresses(&result, "::1 127.0.0.9");
}

static bool answer_unreachable_ipv6(const struct query *query, struct reply *reply)
{
    static const uint8_t link_local_without_scope[16] = {0xfe, 0x80, [15] = 1};
    if (query->type == AAAA)
        append_record(reply, NULL, AAAA, link_local_without_scope, 16);
    return answer_a(query, reply);
}

static void puts_an_address_without_a_route_last(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_unreachable_ipv6);
    assert_addresses(&result, "127.0.0.9 fe80::1");
}

static bool answer_with_alias(const struct query *query, struct reply *reply)
{
    static const uint8_t address[4] = {127, 0, 0, 7};
    append_alias(reply, NULL, "real.example");
    if (query->type == A)
        append_record(reply, "real.example", A, address, sizeof address);
    return true;
}

static void follows_an_alias(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_with_alias);
    assert_addresses(&result, "127.0.0.7");
}

static bool answer_second_server_only(const struct query *query, struct reply *reply)
{
    if (query->server == 0) {
        set_rcode(reply, SERVFAIL);
        return true;
    }
    return answer_both(query, reply);
}

static void asks_the_next_server_when_one_fails(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", two_servers, answer_second_server_only);
    assert_addresses(&result, "::1 127.0.0.9");
    assert_int_equal(result.took_ms, 0);
    assert_int_equal(dns.udp_queries[0], 2);
    assert_int_equal(dns.udp_queries[1], 2);
}

static bool silent_first_server(const struct query *query, struct reply *reply)
{
    return query->server == 1 && answer_both(query, reply);
}

static void asks_the_next_server_when_one_is_silent(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", two_servers, silent_first_server);
    assert_addresses(&result, "::1 127.0.0.9");
    assert_int_equal(result.took_ms, 1000);
}

static void asks_the_next_server_when_one_does_not_exist(void **state)
{
    (void)state;
    struct result result = look_up("broker.example",
                                   "nameserver 127.0.0.77\nnameserver 127.0.0.2\n", answer_both);
    assert_addresses(&result, "::1 127.0.0.9");
    assert_int_equal(result.took_ms, 0);
}

static bool lose_the_first_two(const struct query *query, struct reply *reply)
{
    return query->nth >= 2 && answer_both(query, reply);
}

static void asks_again_after_a_second(void **state)
{
    (void)state;
    struct result result =
        look_up("broker.example", "nameserver 127.0.0.1\n", lose_the_first_two);
    assert_addresses(&result, "::1 127.0.0.9");
    assert_int_equal(result.took_ms, 1000);
    assert_int_equal(dns.queries, 4);
}

static bool lose_every_aaaa(const struct query *query, struct reply *reply)
{
    return query->type == A && answer_a(query, reply);
}

static void one_family_waits_a_second_for_the_other(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", "nameserver 127.0.0.1\n", lose_every_aaaa);
    assert_addresses(&result, "127.0.0.9");
    assert_int_equal(result.took_ms, 1000);
}

static bool fail_aaaa(const struct query *query, struct reply *reply)
{
    set_rcode(reply, query->type == AAAA ? SERVFAIL : 0);
    return answer_a(query, reply);
}

static void one_family_is_enough(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, fail_aaaa);
    assert_addresses(&result, "127.0.0.9");
    assert_int_equal(result.took_ms, 0);
}

/* ---- tests: not found ---- */

static bool answer_no_name(const struct query *query, struct reply *reply)
{
    (void)query;
    set_rcode(reply, NXDOMAIN);
    return true;
}

static void tells_that_there_is_no_such_name(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_no_name);
    assert_fails(&result, TH_E_LOOKUP, "there is no host named \"broker.example\"");
    assert_int_equal(dns.queries, 2);
}

static bool answer_without_addresses(const struct query *query, struct reply *reply)
{
    (void)query, (void)reply;
    return true;
}

static void tells_that_a_name_has_no_address(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_without_addresses);
    assert_fails(&result, TH_E_LOOKUP,
                 "no IPv4 or IPv6 address is known for \"broker.example\"");
}

static bool answer_failure(const struct query *query, struct reply *reply)
{
    (void)query;
    set_rcode(reply, SERVFAIL);
    return true;
}

static void tells_that_the_servers_failed(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", two_servers, answer_failure);
    assert_fails(&result, TH_E_LOOKUP,
                 "name server 127.0.0.1 failed when asked for \"broker.example\"");
    assert_int_equal(dns.queries, 8);
}

static void silence_ends_at_its_deadline(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_nothing);
    assert_fails(&result, TH_E_LOOKUP,
                 "name server 127.0.0.1 does not answer when asked for \"broker.example\"");
    assert_int_equal(result.took_ms, 2 * 1000);
    assert_int_equal(dns.queries, 4);
}

static void silence_ends_at_the_default_deadline(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", "", answer_nothing);
    assert_int_equal(result.code, TH_E_LOOKUP);
    assert_int_equal(result.took_ms, 2 * 5000);
    assert_int_equal(dns.queries, 2 * 2 * 3);
}

static void a_server_that_refuses_ends_it_at_once(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", "nameserver 127.0.0.77", answer_nothing);
    assert_int_equal(result.code, TH_E_LOOKUP);
    assert_int_equal(result.took_ms, 0);
}

/* ---- tests: what must be ignored ---- */

/* A forged reply to the first query of each type, and silence; only the second is answered. */
static bool forge_id(const struct query *query, struct reply *reply)
{
    reply->bytes[0] ^= query->nth < 2;
    return query->nth < 2 ? (give_a(reply, 66), true) : answer_a(query, reply);
}

static bool forge_question(const struct query *query, struct reply *reply)
{
    reply->bytes[13] ^= query->nth < 2;
    return query->nth < 2 ? (give_a(reply, 66), true) : answer_a(query, reply);
}

static bool send_garbage(const struct query *query, struct reply *reply)
{
    if (query->nth >= 2)
        return answer_a(query, reply);
    for (size_t i = 2; i < sizeof reply->bytes; i++)
        reply->bytes[i] = (uint8_t)(i * 181 + 7);
    reply->length = query->nth == 0 ? 0 : 700;
    return true;
}

static void forgeries_and_garbage_are_ignored(void **state)
{
    (void)state;
    static answerer *const forgers[] = {forge_id, forge_question, send_garbage};
    for (size_t i = 0; i < COUNT_OF(forgers); i++) {
        struct result result = look_up("broker.example", "nameserver 127.0.0.1\n", forgers[i]);
        assert_addresses(&result, "127.0.0.9");
        assert_int_equal(result.took_ms, 1000);
    }
}

static void strangers_are_not_heard(void **state)
{
    (void)state;
    struct th_net_lookup lookup = {.hosts_path = "/no/such/file", .resolv_path = "/no/such/file"};
    struct th_net_addresses addresses;
    int silent = bind_to("127.0.0.1", 0, SOCK_DGRAM);
    int stranger = bind_to("127.0.0.2", 0, SOCK_DGRAM);
    uint8_t query[512];
    struct sockaddr_storage client;
    socklen_t client_bytes = sizeof client;
    lookup.server_port = port_of(silent);
    assert_int_equal(th_net_lookup_begin(&lookup, "broker.example", 0, NULL), 0);
    wait_for(silent, POLLIN);
    ssize_t length = recvfrom(silent, query, sizeof query, 0, (struct sockaddr *)&client,
                              &client_bytes);
    struct reply reply;
    begin_reply(&reply, query, (size_t)length, 0);
    give_a(&reply, 66);
    sendto(stranger, reply.bytes, reply.length, 0, (struct sockaddr *)&client, client_bytes);
    assert_int_equal(th_net_lookup_step(&lookup, 0, &addresses, NULL), TH_WANT_READ);
    sendto(silent, reply.bytes, reply.length, 0, (struct sockaddr *)&client, client_bytes);
    assert_int_equal(th_net_lookup_step(&lookup, 0, &addresses, NULL), TH_WANT_READ);
    assert_int_equal(th_net_lookup_step(&lookup, 1000, &addresses, NULL), 1);
    th_net_lookup_end(&lookup);
    close(silent);
    close(stranger);
}

static void a_flood_does_not_hold_the_caller(void **state)
{
    (void)state;
    struct th_net_lookup lookup = {.hosts_path = "/no/such/file", .resolv_path = "/no/such/file"};
    struct th_net_addresses addresses;
    struct sockaddr_storage client;
    socklen_t client_bytes = sizeof client;
    char byte;
    int flooder = bind_to("127.0.0.1", 0, SOCK_DGRAM);
    lookup.server_port = port_of(flooder);
    assert_int_equal(th_net_lookup_begin(&lookup, "broker.example", 0, NULL), 0);
    recvfrom(flooder, &byte, 1, 0, (struct sockaddr *)&client, &client_bytes);
    for (int i = 0; i < 64; i++)
        sendto(flooder, "flood", 5, 0, (struct sockaddr *)&client, client_bytes);
    assert_int_equal(th_net_lookup_step(&lookup, 0, &addresses, NULL), TH_WANT_READ);
    assert_int_equal(recv(th_net_lookup_fd(&lookup), &byte, 1, MSG_DONTWAIT), 1);
    th_net_lookup_end(&lookup);
    close(flooder);
}

static void ids_differ_from_lookup_to_lookup(void **state)
{
    (void)state;
    struct th_net_lookup lookup = {.hosts_path = "/no/such/file", .resolv_path = "/no/such/file"};
    uint16_t first = 0;
    int silent = bind_to("127.0.0.1", 0, SOCK_DGRAM), changes = 0;
    lookup.server_port = port_of(silent);
    for (int i = 0; i < 8; i++) {
        th_net_lookup_begin(&lookup, "broker.example", 0, NULL);
        changes += lookup.questions[0].id != first;
        first = lookup.questions[0].id;
        th_net_lookup_end(&lookup);
    }
    assert_true(changes >= 6);
    close(silent);
}

/* ---- tests: search ---- */

static char asked[16][64];

static bool note_name_and_deny(const struct query *query, struct reply *reply)
{
    char *name = asked[query->nth % 16];
    size_t at = 12;
    name[0] = '\0';
    for (; query->bytes[at]; at += query->bytes[at] + 1u)
        strcat(strncat(name, (const char *)query->bytes + at + 1, query->bytes[at]), ".");
    set_rcode(reply, NXDOMAIN);
    return true;
}

static void short_names_are_searched(void **state)
{
    (void)state;
    struct result result = look_up("broker", "nameserver 127.0.0.1\nsearch lan home.example",
                                   note_name_and_deny);
    assert_fails(&result, TH_E_LOOKUP, "there is no host named \"broker\"");
    assert_int_equal(dns.queries, 6);
    assert_string_equal(asked[0], "broker.lan.");
    assert_string_equal(asked[2], "broker.home.example.");
    assert_string_equal(asked[4], "broker.");
}

static void long_and_absolute_names_are_not_searched(void **state)
{
    (void)state;
    static const char *const names[] = {"broker.example", "broker."};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        look_up(names[i], "nameserver 127.0.0.1\nsearch lan", note_name_and_deny);
        assert_int_equal(dns.queries, 2);
        assert_memory_equal(asked[0], names[i], strlen(names[i]));
    }
}

static void a_search_that_makes_the_name_too_long_is_skipped(void **state)
{
    (void)state;
    char host[254], resolv[300] = "nameserver 127.0.0.1\noptions ndots:15\nsearch ";
    memset(host, 'a', sizeof host);
    for (size_t i = 60; i < sizeof host; i += 60)
        host[i] = '.';
    host[251] = '\0';
    strcat(resolv, "lan x");
    struct result result = look_up(host, resolv, answer_a);
    assert_addresses(&result, "127.0.0.9");
    assert_int_equal(dns.queries, 2);
}

static bool deny_lan_without_address(const struct query *query, struct reply *reply)
{
    bool lan = query->bytes[12 + 7] == 3;
    set_rcode(reply, lan ? 0 : NXDOMAIN);
    return true;
}

static void a_name_that_exists_somewhere_has_no_address(void **state)
{
    (void)state;
    struct result result = look_up("broker", "nameserver 127.0.0.1\nsearch lan",
                                   deny_lan_without_address);
    assert_fails(&result, TH_E_LOOKUP, "no IPv4 or IPv6 address is known for \"broker\"");
}

/* ---- tests: without a server ---- */

static struct result look_up_locally(const char *host, const char *hosts)
{
    char path[64];
    struct th_net_lookup *lookup = calloc(1, sizeof *lookup);
    write_file(path, hosts, strlen(hosts));
    lookup->hosts_path = path;
    lookup->resolv_path = "/no/such/file";
    lookup->server_port = 1;
    struct result result = run(lookup, host);
    unlink(path);
    free(lookup);
    return result;
}

static void numeric_addresses_need_no_lookup(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"10.0.0.1", "10.0.0.1"}, {"::1", "::1"}, {"[::1]", "::1"}, {"fe80::1%lo", "fe80::1%1"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct result result = look_up_locally(pairs[i][0], "");
        assert_addresses(&result, pairs[i][1]);
    }
}

static void the_hosts_file_comes_first(void **state)
{
    (void)state;
    struct result result =
        look_up_locally("broker", "127.0.0.5 broker\n127.0.0.6 broker\n::1 broker\n");
    assert_addresses(&result, "::1 127.0.0.5 127.0.0.6");
}

static void localhost_is_the_loopback_interface(void **state)
{
    (void)state;
    static const char *const names[] = {"localhost", "LOCALHOST.", "any.localhost"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct result result = look_up_locally(names[i], "");
        assert_addresses(&result, "::1 127.0.0.1");
    }
}

static void refuses_what_is_no_name(void **state)
{
    (void)state;
    struct result result = look_up_locally("a..b", "");
    assert_fails(&result, TH_E_SERVER_NAME, "\"a..b\" is neither a host name nor an address");
    result = look_up_locally("192.168.1.300", "");
    assert_int_equal(result.code, TH_E_SERVER_NAME);
    char long_name[400];
    memset(long_name, 'a', sizeof long_name);
    for (size_t i = 50; i < sizeof long_name; i += 50)
        long_name[i] = '.';
    long_name[sizeof long_name - 1] = '\0';
    result = look_up_locally(long_name, "");
    assert_int_equal(result.code, TH_E_SERVER_NAME);
}

static void a_struct_of_zeros_can_be_ended(void **state)
{
    (void)state;
    struct th_net_lookup lookup = {.fd = 0};
    int stdin_flags = fcntl(STDIN_FILENO, F_GETFD);
    th_net_lookup_end(&lookup);
    assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), stdin_flags);
}

static void a_lookup_under_way_can_be_ended(void **state)
{
    (void)state;
    struct th_net_lookup lookup = {.hosts_path = "/no/such/file", .resolv_path = "/no/such/file"};
    int silent = bind_to("127.0.0.1", 0, SOCK_DGRAM);
    lookup.server_port = port_of(silent);
    assert_int_equal(th_net_lookup_begin(&lookup, "broker.example", 0, NULL), 0);
    int fd = th_net_lookup_fd(&lookup);
    assert_true(fd > 2);
    th_net_lookup_end(&lookup);
    assert_int_equal(th_net_lookup_fd(&lookup), -1);
    assert_int_equal(close(fd), -1);
    close(silent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_ipv4),
        cmocka_unit_test(finds_ipv6),
        cmocka_unit_test(finds_both_ipv6_first),
        cmocka_unit_test(puts_an_address_without_a_route_last),
        cmocka_unit_test(follows_an_alias),
        cmocka_unit_test(asks_the_next_server_when_one_fails),
        cmocka_unit_test(asks_the_next_server_when_one_is_silent),
        cmocka_unit_test(asks_the_next_server_when_one_does_not_exist),
        cmocka_unit_test(asks_again_after_a_second),
        cmocka_unit_test(one_family_waits_a_second_for_the_other),
        cmocka_unit_test(one_family_is_enough),
        cmocka_unit_test(tells_that_there_is_no_such_name),
        cmocka_unit_test(tells_that_a_name_has_no_address),
        cmocka_unit_test(tells_that_the_servers_failed),
        cmocka_unit_test(silence_ends_at_its_deadline),
        cmocka_unit_test(silence_ends_at_the_default_deadline),
        cmocka_unit_test(a_server_that_refuses_ends_it_at_once),
        cmocka_unit_test(forgeries_and_garbage_are_ignored),
        cmocka_unit_test(strangers_are_not_heard),
        cmocka_unit_test(a_flood_does_not_hold_the_caller),
        cmocka_unit_test(ids_differ_from_lookup_to_lookup),
        cmocka_unit_test(short_names_are_searched),
        cmocka_unit_test(long_and_absolute_names_are_not_searched),
        cmocka_unit_test(a_search_that_makes_the_name_too_long_is_skipped),
        cmocka_unit_test(a_name_that_exists_somewhere_has_no_address),
        cmocka_unit_test(numeric_addresses_need_no_lookup),
        cmocka_unit_test(the_hosts_file_comes_first),
        cmocka_unit_test(localhost_is_the_loopback_interface),
        cmocka_unit_test(refuses_what_is_no_name),
        cmocka_unit_test(a_struct_of_zeros_can_be_ended),
        cmocka_unit_test(a_lookup_under_way_can_be_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

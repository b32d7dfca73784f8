/* SRV records (RFC 2782) from name servers. */
#include "name_servers.h"

static struct result look_up_services(const char *domain, const char *resolv, answerer *answer)
{
    service = "_mqtt._tcp.";
    struct result result = look_up(domain, resolv, answer);
    service = NULL;
    return result;
}

static bool answer_services(const struct query *query, struct reply *reply)
{
    static const uint8_t first[] = {0, 9, 0, 1, 0x07, 0x5b, 1, 'b', 0};
    static const uint8_t second[] = {0, 3, 0, 1, 0x22, 0xb3, 1, 'a', 7, 'e', 'x', 'a', 'm', 'p',
                                     'l', 'e', 0};
    assert_int_equal(query->type, SRV);
    assert_memory_equal(query->bytes + 12, "\5_mqtt\4_tcp\7example", 20);
    append_record(reply, NULL, SRV, first, sizeof first);
    append_record(reply, NULL, SRV, second, sizeof second);
    return true;
}

static void finds_services(void **state)
{
    (void)state;
    struct result result = look_up_services("example", one_server, answer_services);
    assert_int_equal(result.code, 2);
    assert_int_equal(result.addresses.count, 0);
    const struct th_net_service *first = th_net_services_next(&services);
    assert_string_equal(first->host, "a.example");
    assert_int_equal(first->port, 8883);
    assert_string_equal(th_net_services_next(&services)->host, "b");
    assert_int_equal(dns.queries, 1);
    assert_int_equal(result.took_ms, 0);
}

static bool answer_services_over_tcp(const struct query *query, struct reply *reply)
{
    answer_services(query, reply);
    if (!query->tcp)
        reply->bytes[2] |= 2;
    return true;
}

static void truncated_services_come_over_tcp(void **state)
{
    (void)state;
    struct result result = look_up_services("example", one_server, answer_services_over_tcp);
    assert_int_equal(result.code, 2);
    assert_int_equal(dns.tcp_queries, 1);
}

static bool answer_not_here(const struct query *query, struct reply *reply)
{
    (void)query;
    append_record(reply, NULL, SRV, "\0\0\0\0\0\0", 7);
    return true;
}

static bool answer_no_domain(const struct query *query, struct reply *reply)
{
    (void)query;
    set_rcode(reply, NXDOMAIN);
    return true;
}

static void tells_that_no_host_has_the_service(void **state)
{
    (void)state;
    static answerer *const answers[] = {answer_not_here, answer_no_domain, answer_a};
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct result result = look_up_services("example", one_server, answers[i]);
        assert_fails(&result, TH_E_LOOKUP, "no SRV record \"_mqtt._tcp.example\" names a host");
        assert_int_equal(dns.queries, 1);
    }
}

static void services_are_not_searched_for(void **state)
{
    (void)state;
    struct result result = look_up_services("example", "nameserver 127.0.0.1\nsearch a.test\n",
                                            answer_no_domain);
    assert_int_equal(result.code, TH_E_LOOKUP);
    assert_int_equal(dns.queries, 1);
}

static void an_address_has_no_services(void **state)
{
    (void)state;
    struct result result = look_up_services("192.0.2.1", one_server, answer_nothing);
    assert_fails(&result, TH_E_SERVER_NAME, "\"192.0.2.1\" is no domain, so it has no SRV records");
    char longest[254] = {0};
    for (size_t i = 0; i < sizeof longest - 1; i++)
        longest[i] = i % 50 == 49 ? '.' : 'a';
    result = look_up_services(longest, one_server, answer_services);
    assert_int_equal(result.code, TH_E_LOOKUP);
    assert_int_equal(dns.queries, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_services),
        cmocka_unit_test(truncated_services_come_over_tcp),
        cmocka_unit_test(tells_that_no_host_has_the_service),
        cmocka_unit_test(services_are_not_searched_for),
        cmocka_unit_test(an_address_has_no_services),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is too long for UDP comes over TCP (RFC 7766). */
#include "name_servers.h"

static void truncate_reply(struct reply *reply)
{
    reply->bytes[2] |= 2;
}

static bool truncate_over_udp(const struct query *query, struct reply *reply)
{
    if (!query->tcp)
        truncate_reply(reply);
    return !query->tcp || answer_both(query, reply);
}

static void a_truncated_answer_comes_over_tcp(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, truncate_over_udp);
    assert_addresses(&result, "::1 127.0.0.9");
    assert_int_equal(dns.tcp_queries, 2);
    assert_int_equal(result.took_ms, 0);
}

static bool answer_64(const struct query *query, struct reply *reply)
{
    if (!query->tcp)
        truncate_reply(reply);
    for (int i = 0; query->tcp && query->type == A && i < 64; i++)
        give_a(reply, (uint8_t)(i + 1));
    return true;
}

static void sixty_four_addresses_are_cut_to_the_list(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_64);
    assert_addresses(&result, "127.0.0.1 127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5 127.0.0.6 "
                              "127.0.0.7 127.0.0.8");
}

static bool answer_240(const struct query *query, struct reply *reply)
{
    if (!query->tcp)
        truncate_reply(reply);
    for (int i = 0; query->tcp && query->type == A && i < 240; i++)
        give_a(reply, (uint8_t)(i + 1));
    reply->bytes[7] = query->tcp && query->type == A ? 240 : 0;
    return true;
}

static void an_answer_longer_than_its_room_is_used(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_240);
    assert_int_equal(result.code, TH_NET_ADDRESSES_MAX);
}

static bool truncate_always(const struct query *query, struct reply *reply)
{
    (void)query;
    truncate_reply(reply);
    return true;
}

static void truncated_over_tcp_is_a_failure(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, truncate_always);
    assert_fails(&result, TH_E_LOOKUP,
                 "name server 127.0.0.1 failed when asked for \"broker.example\"");
}

static bool hang_up_on_tcp(const struct query *query, struct reply *reply)
{
    truncate_reply(reply);
    return !query->tcp;
}

static void a_tcp_server_that_hangs_up_has_failed(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, hang_up_on_tcp);
    assert_int_equal(result.code, TH_E_LOOKUP);
    assert_int_equal(dns.tcp_queries, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_truncated_answer_comes_over_tcp),
        cmocka_unit_test(sixty_four_addresses_are_cut_to_the_list),
        cmocka_unit_test(an_answer_longer_than_its_room_is_used),
        cmocka_unit_test(truncated_over_tcp_is_a_failure),
        cmocka_unit_test(a_tcp_server_that_hangs_up_has_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

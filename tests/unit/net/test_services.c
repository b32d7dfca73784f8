/* SRV records: from a reply to the order in which hosts are tried. */
#include "support.h"

#include "net/dns.h"
#include "reply.h"

static const char name[] = "_mqtt._tcp.example.org";
static const struct th_net_question ask_srv = {TH_NET_SRV, 0x1234};

static struct th_net_services found;

static void begin(struct reply *reply)
{
    uint8_t query[TH_NET_QUERY_BYTES];
    begin_reply(reply, query, th_net_dns_encode(query, name, &ask_srv), 0);
    found.count = 0;
}

static void append_service(struct reply *reply, unsigned priority, unsigned weight, unsigned port,
                           const char *target)
{
    struct reply data = {.length = 0};
    append_number(&data, priority);
    append_number(&data, weight);
    append_number(&data, port);
    append_name(&data, target);
    append_record(reply, NULL, TH_NET_SRV, data.bytes, data.length);
}

static enum th_net_answer decode(const struct reply *reply, size_t bytes)
{
    uint8_t *exact = malloc(bytes ? bytes : 1);
    memcpy(exact, reply->bytes, bytes);
    enum th_net_answer answer = th_net_dns_decode_services(exact, bytes, name, &ask_srv, &found);
    free(exact);
    return answer;
}

static struct th_net_service service_of(unsigned priority, unsigned weight, const char *host)
{
    struct th_net_service service = {(uint16_t)priority, (uint16_t)weight, 1, false, ""};
    strcpy(service.host, host);
    return service;
}

static void add(unsigned priority, unsigned weight, const char *host)
{
    struct th_net_service service = service_of(priority, weight, host);
    th_net_services_add(&found, &service);
}

static const char *next(void)
{
    const struct th_net_service *service = th_net_services_next(&found);
    assert_non_null(service);
    return service->host;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void reads_priority_weight_port_and_target(void **state)
{
    (void)state;
    struct reply reply;
    begin(&reply);
    append_service(&reply, 10, 60, 8883, "a.example.org");
    append_service(&reply, 0x1234, 0xffff, 0xabcd, "b.example.org");
    assert_int_equal(decode(&reply, reply.length), TH_NET_ANSWER_GIVEN);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.list[0].priority, 10);
    assert_int_equal(found.list[0].weight, 60);
    assert_int_equal(found.list[0].port, 8883);
    assert_string_equal(found.list[0].host, "a.example.org");
    assert_int_equal(found.list[1].priority, 0x1234);
    assert_int_equal(found.list[1].weight, 0xffff);
    assert_int_equal(found.list[1].port, 0xabcd);
}

static void the_root_stands_for_no_host(void **state)
{
    (void)state;
    struct reply reply;
    begin(&reply);
    append_service(&reply, 0, 0, 0, "");
    assert_int_equal(decode(&reply, reply.length), TH_NET_ANSWER_GIVEN);
    assert_int_equal(found.count, 0);
}

static void what_is_no_host_name_is_passed_over(void **state)
{
    (void)state;
    struct reply reply;
    begin(&reply);
    append_service(&reply, 0, 0, 1, "a b.example.org");
    append_service(&reply, 0, 0, 1, "192.0.2.1");
    append_record(&reply, NULL, TH_NET_SRV, "\0\0\0\0\0\1", 6);
    append_record(&reply, NULL, TH_NET_A, "\1\2\3\4", 4);
    append_service(&reply, 0, 0, 1, "c.example.org");
    assert_int_equal(decode(&reply, reply.length), TH_NET_ANSWER_GIVEN);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.list[0].host, "c.example.org");
}

static void every_prefix_is_harmless(void **state)
{
    (void)state;
    struct reply reply;
    begin(&reply);
    append_service(&reply, 1, 1, 1, "a.example.org");
    append_service(&reply, 1, 1, 1, "b.example.org");
    for (size_t bytes = 0; bytes < reply.length; bytes++) {
        found.count = 0;
        decode(&reply, bytes);
        assert_true(found.count <= 1);
    }
}

/* ---- order ----------------------------------------------------------------------------------- */

static void a_full_list_keeps_the_lowest_priorities(void **state)
{
    (void)state;
    static const char *const expected[] = {"e", "d", "b", "c"};
    found.count = 0;
    add(50, 0, "a");
    add(30, 0, "b");
    add(40, 0, "c");
    add(20, 0, "d");
    add(10, 0, "e");
    add(60, 0, "f");
    assert_int_equal(found.count, TH_NET_SERVICES_MAX);
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_string_equal(next(), expected[i]);
    assert_null(th_net_services_next(&found));
}

static void equals_are_drawn_by_weight(void **state)
{
    (void)state;
    enum { DRAWS = 8000 };
    unsigned heavy = 0, none = 0;
    for (int i = 0; i < DRAWS; i++) {
        found.count = 0;
        add(1, 0, "none");
        add(1, 10, "light");
        add(1, 30, "heavy");
        add(2, 1000, "later");
        const char *first = next();
        heavy += !strcmp(first, "heavy");
        none += !strcmp(first, "none");
        next();
        assert_string_equal(next(), "none");
        assert_string_equal(next(), "later");
    }
    assert_in_range(heavy, DRAWS * 70 / 100, DRAWS * 80 / 100);
    assert_int_equal(none, 0);
}

static void one_and_none_are_fine(void **state)
{
    (void)state;
    found.count = 0;
    assert_null(th_net_services_next(&found));
    add(1, 1, "a");
    assert_string_equal(next(), "a");
    assert_null(th_net_services_next(&found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_priority_weight_port_and_target),
        cmocka_unit_test(the_root_stands_for_no_host),
        cmocka_unit_test(what_is_no_host_name_is_passed_over),
        cmocka_unit_test(every_prefix_is_harmless),
        cmocka_unit_test(a_full_list_keeps_the_lowest_priorities),
        cmocka_unit_test(equals_are_drawn_by_weight),
        cmocka_unit_test(one_and_none_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

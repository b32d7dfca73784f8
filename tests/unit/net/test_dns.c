#include "support.h"

#include "net/dns.h"
#include "reply.h"

static const struct th_net_question ask_a = {TH_NET_A, 0x1234};
static const struct th_net_question ask_aaaa = {TH_NET_AAAA, 0x5678};
static const uint8_t four[4] = {10, 0, 0, 1};
static const uint8_t sixteen[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1};

static void reply_to(struct reply *reply, const char *name, const struct th_net_question *question,
                     int rcode)
{
    uint8_t query[TH_NET_QUERY_BYTES];
    size_t bytes = th_net_dns_encode(query, name, question);
    begin_reply(reply, query, bytes, rcode);
}

/* A heap copy of the exact length, so that the sanitizer sees one byte too far. */
static enum th_net_answer decode(const struct reply *reply, size_t bytes, const char *name,
                                 const struct th_net_question *question,
                                 struct th_net_addresses *found)
{
    uint8_t *copy = malloc(bytes ? bytes : 1);
    memcpy(copy, reply->bytes, bytes);
    found->count = 0;
    enum th_net_answer answer = th_net_dns_decode(copy, bytes, name, question, found);
    free(copy);
    return answer;
}

static void writes_a_query(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0,
                                       1, 'a', 2, 'b', 'c', 0, 0, 1, 0, 1};
    uint8_t query[TH_NET_QUERY_BYTES];
    assert_int_equal(th_net_dns_encode(query, "a.bc", &ask_a), sizeof expected);
    assert_memory_equal(query, expected, sizeof expected);
    assert_int_equal(th_net_dns_encode(query, "a.bc.", &ask_a), sizeof expected);
    assert_memory_equal(query, expected, sizeof expected);
}

static void the_longest_name_fits_the_query(void **state)
{
    (void)state;
    char name[254];
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 2 ? '.' : 'a';
    name[253] = '\0';
    uint8_t *query = malloc(TH_NET_QUERY_BYTES);
    assert_int_equal(th_net_dns_encode(query, name, &ask_a), TH_NET_QUERY_BYTES);
    free(query);
}

static void reads_addresses_of_both_families(void **state)
{
    (void)state;
    struct reply reply;
    struct th_net_addresses found;
    reply_to(&reply, "broker.example", &ask_a, 0);
    append_record(&reply, NULL, 1, four, 4);
    assert_int_equal(decode(&reply, reply.length, "broker.example", &ask_a, &found),
                     TH_NET_ANSWER_GIVEN);
    assert_int_equal(found.count, 1);
    assert_memory_equal(found.list[0].bytes, four, 4);
    reply_to(&reply, "broker.example", &ask_aaaa, 0);
    append_record(&reply, "BROKER.example", 28, sixteen, 16);
    assert_int_equal(decode(&reply, reply.length, "broker.example", &ask_aaaa, &found),
                     TH_NET_ANSWER_GIVEN);
    assert_int_equal(found.count, 1);
    assert_memory_equal(found.list[0].bytes, sixteen, 16);
}

static void follows_aliases_in_any_order(void **state)
{
    (void)state;
    struct reply reply;
    struct th_net_addresses found;
    reply_to(&reply, "a.example", &ask_a, 0);
    append_alias(&reply, NULL, "b.example");
    append_alias(&reply, "b.example", "c.example");
    append_record(&reply, "c.example", 1, four, 4);
    assert_int_equal(decode(&reply, reply.length, "a.example", &ask_a, &found),
                     TH_NET_ANSWER_GIVEN);
    assert_int_equal(found.count, 1);
    reply_to(&reply, "a.example", &ask_a, 0);
    append_record(&reply, "c.example", 1, four, 4);
    append_alias(&reply, "b.example", "c.example");
    append_alias(&reply, NULL, "b.example");
    decode(&reply, reply.length, "a.example", &ask_a, &found);
    assert_int_equal(found.count, 1);
}

static void an_alias_loop_ends(void **state)
{
    (void)state;
    struct reply reply;
    struct th_net_addresses found;
    reply_to(&reply, "a.example", &ask_a, 0);
    append_alias(&reply, NULL, "b.example");
    append_alias(&reply, "b.example", "a.example");
    assert_int_equal(decode(&reply, reply.length, "a.example", &ask_a, &found),
                     TH_NET_ANSWER_GIVEN);
    assert_int_equal(found.count, 0);
}

static void ignores_addresses_of_other_names(void **state)
{
    (void)state;
    struct reply reply;
    struct th_net_addresses found;
    reply_to(&reply, "a.example", &ask_a, 0);
    append_record(&reply, "evil.example", 1, four, 4);
    append_record(&reply, NULL, 16, "\3txt", 4);
    append_record(&reply, NULL, 28, sixteen, 16);
    append_record(&reply, NULL, 1, sixteen, 5);
    assert_int_equal(decode(&reply, reply.length, "a.example", &ask_a, &found),
                     TH_NET_ANSWER_GIVEN);
    assert_int_equal(found.count, 0);
}

static void knows_the_response_codes(void **state)
{
    (void)state;
    struct reply reply;
    struct th_net_addresses found;
    for (int rcode = 0; rcode < 16; rcode++) {
        reply_to(&reply, "a.example", &ask_a, rcode);
        assert_int_equal(decode(&reply, reply.length, "a.example", &ask_a, &found),
                         rcode == 0 ? TH_NET_ANSWER_GIVEN
                         : rcode == 3 ? TH_NET_ANSWER_NO_NAME : TH_NET_ANSWER_FAILED);
    }
    reply_to(&reply, "a.example", &ask_a, 0);
    reply.bytes[2] |= 2;
    assert_int_equal(decode(&reply, reply.length, "a.example", &ask_a, &found),
                     TH_NET_ANSWER_TRUNCATED);
}

static void ignores_what_is_not_the_reply(void **state)
{
    (void)state;
    struct reply good, bad;
    struct th_net_addresses found;
    reply_to(&good, "a.example", &ask_a, 0);
    append_record(&good, NULL, 1, four, 4);
    /* id, reply flag, operation, number of questions, name, type, class */
    static const struct { size_t at; uint8_t flip; } flips[] = {
        {0, 1}, {1, 1}, {2, 0x80}, {2, 0x08}, {5, 1}, {4, 1}, {13, 1}, {24, 1}, {26, 1},
    };
    for (size_t i = 0; i < COUNT_OF(flips); i++) {
        bad = good;
        bad.bytes[flips[i].at] ^= flips[i].flip;
        assert_int_equal(decode(&bad, bad.length, "a.example", &ask_a, &found),
                         TH_NET_ANSWER_AWAITED);
        assert_int_equal(found.count, 0);
    }
}

static void every_prefix_is_harmless(void **state)
{
    (void)state;
    struct reply reply;
    struct th_net_addresses found;
    reply_to(&reply, "a.example", &ask_a, 0);
    size_t question_end = reply.length;
    append_alias(&reply, NULL, "b.example");
    append_record(&reply, "b.example", 1, four, 4);
    for (size_t bytes = 0; bytes < reply.length; bytes++)
        assert_int_equal(decode(&reply, bytes, "a.example", &ask_a, &found),
                         bytes < question_end ? TH_NET_ANSWER_AWAITED : TH_NET_ANSWER_FAILED);
    assert_int_equal(decode(&reply, reply.length, "a.example", &ask_a, &found),
                     TH_NET_ANSWER_GIVEN);
}

static void a_message_cut_short_counts_as_far_as_it_goes(void **state)
{
    (void)state;
    struct reply reply;
    struct th_net_addresses found;
    reply_to(&reply, "a.example", &ask_a, 0);
    append_record(&reply, NULL, 1, four, 4);
    append_record(&reply, NULL, 1, sixteen, 4);
    assert_int_equal(decode(&reply, reply.length - 1, "a.example", &ask_a, &found),
                     TH_NET_ANSWER_GIVEN);
    assert_int_equal(found.count, 1);
}

static void a_pointer_to_itself_ends(void **state)
{
    (void)state;
    struct reply reply;
    struct th_net_addresses found;
    reply_to(&reply, "a.example", &ask_a, 0);
    size_t at = reply.length;
    append_record(&reply, NULL, 1, four, 4);
    reply.bytes[at] = (uint8_t)(0xc0 | at >> 8);
    reply.bytes[at + 1] = (uint8_t)at;
    assert_int_equal(decode(&reply, reply.length, "a.example", &ask_a, &found),
                     TH_NET_ANSWER_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_query),
        cmocka_unit_test(the_longest_name_fits_the_query),
        cmocka_unit_test(reads_addresses_of_both_families),
        cmocka_unit_test(follows_aliases_in_any_order),
        cmocka_unit_test(an_alias_loop_ends),
        cmocka_unit_test(ignores_addresses_of_other_names),
        cmocka_unit_test(knows_the_response_codes),
        cmocka_unit_test(ignores_what_is_not_the_reply),
        cmocka_unit_test(every_prefix_is_harmless),
        cmocka_unit_test(a_message_cut_short_counts_as_far_as_it_goes),
        cmocka_unit_test(a_pointer_to_itself_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

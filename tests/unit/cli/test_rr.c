/* rr against a client that does what a script says. */
#include "acting_client.h"

#define RR "--no-tls -t ask -e answer -m q "
#define RR_311 RR "-V 311 "

/* The correlation data rr made up: the last thing it published with. */
static const char *correlation(void)
{
    static char text[17];
    const char *at = strstr(client.log, " 9:0");
    assert_non_null(at);
    memcpy(text, at + 4, 16);
    return text;
}

static void granted(void)
{
    answered(TH_EVENT_SUBSCRIBED, "\1");
}

static void refused(void)
{
    answered(TH_EVENT_SUBSCRIBED, "\x87");
}

static void answer_with(const char *data, bool retain, const char *topic)
{
    static uint8_t raw[64];
    size_t bytes = data ? strlen(data) : 0;
    memcpy(raw, (uint8_t[]){9, 0, (uint8_t)bytes}, 3);
    memcpy(raw + 3, data ? data : "", bytes);
    client.config->on_delivery(client.config->arg, &(struct th_delivery){
        .topic = {(const uint8_t *)topic, strlen(topic)},
        .payload = {(const uint8_t *)"yes", 3},
        .total_bytes = 3,
        .retain = retain,
        .properties.raw = {raw, data ? bytes + 3 : 0},
    });
}

static void response(void) { answer_with(correlation(), false, "answer"); }
static void plain_response(void) { answer_with(NULL, false, "answer"); }
static void response_of_another(void) { answer_with("0123456789abcdef", false, "answer"); }
static void old_response(void) { answer_with(NULL, true, "answer"); }
static void response_elsewhere(void) { answer_with(NULL, false, "other"); }
static void response_to_mine(void) { answer_with("mine", false, "answer"); }

static void test_rr_asks_when_the_subscription_is_granted(void **state)
{
    (void)state;
    char expected[256];
    assert_int_equal(run(TH_CLI_RR, RR "-q 1", SCRIPT(connected, idle, granted, idle,
                                                     response)), 0);
    snprintf(expected, sizeof expected, "subscribe answer q1;publish ask=q q1 9:0%s 8:0answer;"
             "disconnect 0;", correlation());
    assert_string_equal(client.log, expected);
    assert_string_equal(printed, "yes\n");
    assert_string_equal(said, "");
    assert_int_equal(client.config->version, TH_MQTT_5);
}

static void test_rr_on_3_1_1(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_RR, RR_311 "-v", SCRIPT(connected, granted, plain_response)), 0);
    assert_string_equal(client.log, "subscribe answer q0;publish ask=q q0;disconnect 0;");
    assert_string_equal(printed, "answer yes\n");
}

static void test_rr_takes_its_own_response_only(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_RR, RR "-v", SCRIPT(connected, old_response, plain_response,
                                                   granted, idle, old_response,
                                                   response_of_another, response_elsewhere,
                                                   response)), 0);
    assert_string_equal(printed, "answer yes\n");
}

static void test_rr_takes_a_response_without_correlation(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_RR, RR, SCRIPT(connected, granted, idle, plain_response)), 0);
    assert_string_equal(printed, "yes\n");
}

static void test_rr_with_given_correlation(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_RR, RR "-D publish correlation-data mine",
                         SCRIPT(connected, granted, idle, plain_response, response_of_another,
                                response_to_mine)), 0);
    assert_string_equal(client.log, "subscribe answer q0;publish ask=q q0 9:0mine 8:0answer;"
                                    "disconnect 0;");
    assert_string_equal(printed, "yes\n");
}

static void test_rr_properties_of_subscribe(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_RR, RR "-D subscribe user-property k v",
                         SCRIPT(connected, granted, idle, plain_response)), 0);
    assert_memory_equal(client.log, "subscribe answer q0 38:0k=v;", 28);
}

static void test_rr_correlations_differ(void **state)
{
    (void)state;
    char first[17];
    assert_int_equal(run(TH_CLI_RR, RR, SCRIPT(connected, granted, idle, response)), 0);
    strcpy(first, correlation());
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_RR, RR, SCRIPT(connected, granted, idle, response)), 0);
    assert_string_not_equal(first, correlation());
}

static void test_rr_refused_subscription(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_RR, RR, SCRIPT(connected, refused)), 58);
    assert_string_equal(said, "thimble rr: the broker refused the subscription to the response "
                              "topic, reason code 135 (58 subscription-refused)\n");
    assert_string_equal(client.log, "subscribe answer q0;disconnect 0;");
}

static void test_rr_refused_request(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_RR, RR "-q 1", SCRIPT(connected, granted, idle,
                                                     not_authorized)), 51);
    assert_non_null(strstr(said, "the broker refused message 1, reason code 135"));
}

static void test_rr_nobody_listens(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_RR, RR "-q 1", SCRIPT(connected, granted, idle, nobody_listens,
                                                     response)), 0);
    assert_string_equal(said, "thimble rr: nobody is subscribed to the request's topic\n");
}

static void test_rr_time_is_up(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_RR, RR "-W 1", SCRIPT(connected, granted)), 27);
    assert_string_equal(said, "thimble rr: no response within 1 s (27 timeout)\n");
}

static void test_rr_latency(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_RR, RR "--latency", SCRIPT(connected, granted, idle,
                                                          response)), 0);
    assert_memory_equal(said, "thimble rr: the response came after 0.", 38);
}

static void lost_for_now(void)
{
    static const struct th_fault fault = {.code = TH_E_CLOSED, .text = "the line is dead"};
    tell(&(struct th_event){.kind = TH_EVENT_DISCONNECTED, .redial_in_ms = 10, .fault = &fault});
}

/* Before the request is out nothing is lost; later the response may be. */
static void test_rr_lost_connection(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_RR, RR, SCRIPT(connected, lost_for_now, connected, granted, idle,
                                              response)), 0);
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_RR, RR, SCRIPT(connected, granted, idle, lost_for_now)), 7);
    assert_non_null(strstr(said, "the line is dead (7 connection-lost)"));
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_RR, RR "-c -i me", SCRIPT(connected, granted, idle, lost_for_now,
                                                         connected_to_session, response)), 0);
    assert_string_equal(printed, "yes\n");
}

/* ---- without -e ------------------------------------------------------------------------------ */

#define NO_TOPIC "--no-tls -t ask -m q -D connect request-response-information 1 "

static void connected_with_proposal(void)
{
    static const uint8_t raw[] = "\x1a\0\6answer";
    tell(&(struct th_event){.kind = TH_EVENT_CONNECTED, .properties.raw = {raw, sizeof raw - 1}});
}

static void connected_with_wildcard(void)
{
    static const uint8_t raw[] = "\x1a\0\3a/#";
    tell(&(struct th_event){.kind = TH_EVENT_CONNECTED, .properties.raw = {raw, sizeof raw - 1}});
}

static void test_rr_takes_the_topic_the_broker_proposes(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_RR, NO_TOPIC, SCRIPT(connected_with_proposal, granted, idle,
                                                     response)), 0);
    assert_memory_equal(client.log, "subscribe answer q0;", 20);
    assert_non_null(strstr(client.log, " 8:0answer;"));
}

static void test_rr_without_a_proposal(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_RR, NO_TOPIC, SCRIPT(connected)), 50);
    assert_non_null(strstr(said, "the broker proposes no usable response topic; give one with -e"));
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_RR, NO_TOPIC, SCRIPT(connected_with_wildcard)), 50);
}

static void test_rr_usage(void **state)
{
    (void)state;
    static const struct {
        const char *words, *part;
    } wrong[] = {
        {"--no-tls -t ask -m q", "-e: the topic is missing"},
        {"--no-tls -t ask -m q -D connect request-response-information 0", "-e: "},
        {"--no-tls -t ask -e a/# -m q", "-e a/#: not a topic"},
        {"--no-tls -t ask -e a", "nothing to publish"},
        {RR "-D publish response-topic x", "rr sets it"},
        {RR "-l", "-l: an option of pub"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(run(TH_CLI_RR, wrong[i].words, SCRIPT(idle)), 64);
        if (!strstr(said, wrong[i].part))
            fail_msg("%s: %s", wrong[i].words, said);
    }
    assert_int_equal(client.connects, 0);
}

static void test_rr_reads_standard_input(void **state)
{
    (void)state;
    give_input("question");
    end_of_input();
    assert_int_equal(run(TH_CLI_RR, "--no-tls -V 311 -t ask -e answer -s",
                         SCRIPT(connected, granted, idle, plain_response)), 0);
    assert_string_equal(client.log, "subscribe answer q0;publish ask=question q0;disconnect 0;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_rr_asks_when_the_subscription_is_granted, fresh_client),
        cmocka_unit_test_setup(test_rr_on_3_1_1, fresh_client),
        cmocka_unit_test_setup(test_rr_takes_its_own_response_only, fresh_client),
        cmocka_unit_test_setup(test_rr_takes_a_response_without_correlation, fresh_client),
        cmocka_unit_test_setup(test_rr_with_given_correlation, fresh_client),
        cmocka_unit_test_setup(test_rr_properties_of_subscribe, fresh_client),
        cmocka_unit_test_setup(test_rr_correlations_differ, fresh_client),
        cmocka_unit_test_setup(test_rr_refused_subscription, fresh_client),
        cmocka_unit_test_setup(test_rr_refused_request, fresh_client),
        cmocka_unit_test_setup(test_rr_nobody_listens, fresh_client),
        cmocka_unit_test_setup(test_rr_time_is_up, fresh_client),
        cmocka_unit_test_setup(test_rr_latency, fresh_client),
        cmocka_unit_test_setup(test_rr_lost_connection, fresh_client),
        cmocka_unit_test_setup(test_rr_takes_the_topic_the_broker_proposes, fresh_client),
        cmocka_unit_test_setup(test_rr_without_a_proposal, fresh_client),
        cmocka_unit_test_setup(test_rr_usage, fresh_client),
        cmocka_unit_test_setup_teardown(test_rr_reads_standard_input, fresh_client, drop_input),
    };
    clearenv();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Enhanced authentication over a connection: the password is proved by both sides, never sent. */
#include "device.h"

#include "../auth/server.h"

static struct device device;
static struct broker broker;
static struct scram_server server;

#define METHOD "15 000d'SCRAM-SHA-256'"

static struct th_config scram_config(const char *password)
{
    struct th_config config = plain_config(0, TH_MQTT_5);
    config.username = "user";
    config.password = th_slice_text(password);
    config.authentication = TH_AUTHENTICATION_SCRAM_SHA_256;
    return config;
}

static void dial(struct th_config config)
{
    broker_open(&broker);
    config.port = broker.port;
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    assert_int_equal(th_connect(device.client), 0);
}

/* CONNECT has neither user name nor password, but the first message, whose nonce we cannot know. */
static void gets_first_message(void)
{
    gets(&device, "10 48 0004'MQTT' 05 02 0000 3a 210040 " METHOD);
    gets(&device, "16 0024 'n,,n=user,r='");
    UNTIL(&device, broker.in_bytes >= 24 + 3);
    char first[64];
    snprintf(first, sizeof first, "n,,n=user,r=%.24s", (const char *)broker.in);
    server_hears(&server, (const uint8_t *)first, strlen(first));
    broker_forget(&broker, 24);
    gets(&device, "0001'c'");
    gets_nothing_more(&device);
}

/* A variable byte integer of one or two bytes. */
static void add_length(char packet[600], size_t length)
{
    char text[8] = "";
    if (length > 127)
        snprintf(text, sizeof text, " %02x", (unsigned)(length & 0x7f) | 0x80);
    strcat(packet, text);
    snprintf(text, sizeof text, " %02x", (unsigned)(length > 127 ? length >> 7 : length) & 0xff);
    strcat(packet, text);
}

/* AUTH 0x18 or CONNACK 0x00, with data. */
static void sends(const char *type, const char *reason, const char *data)
{
    char packet[600], tail[500];
    size_t list_bytes = 16 + 3 + strlen(data);
    size_t more_bytes = wire_of(reason).len + (list_bytes > 127 ? 2 : 1);
    snprintf(packet, sizeof packet, "%s", type);
    add_length(packet, more_bytes + list_bytes);
    strcat(packet, reason);
    add_length(packet, list_bytes);
    snprintf(tail, sizeof tail, METHOD " 16 %04x '%s'", (unsigned)strlen(data), data);
    strcat(packet, tail);
    broker_sends(&broker, packet);
}

/* AUTH with the answer, whose end is the proof. True: it proves the password. */
static bool gets_answer(char verdict[VERDICT_BYTES])
{
    UNTIL(&device, broker.in_bytes > 47 && !memcmp(broker.in + broker.in_bytes - 47, ",p=", 3));
    assert_int_equal(broker.in[0], 0xf0);
    const char *answer = memmem(broker.in, broker.in_bytes, "c=biws", 6);
    assert_non_null(answer);
    size_t bytes = broker.in_bytes - (size_t)((const uint8_t *)answer - broker.in);
    bool proved = server_judges(&server, (const uint8_t *)answer, bytes, verdict);
    broker_forget(&broker, broker.in_bytes);
    return proved;
}

static void greet_with(const char *password, const char *stored, unsigned iterations)
{
    server_open(&server, stored, iterations);
    dial(scram_config(password));
    gets_first_message();
    sends("f0", "18", server.challenge);
}

static void both_prove_that_they_know_it(void **state)
{
    (void)state;
    char verdict[VERDICT_BYTES];
    greet_with("pencil", "pencil", 4096);
    assert_true(gets_answer(verdict));
    sends("20", "00 00", verdict);
    UNTIL(&device, th_phase(device.client) == TH_PHASE_UP);
    static const struct th_auth_scram nothing;
    assert_memory_equal(&device.client->session.scram, &nothing, sizeof nothing);
    both_close(&device, &broker);
}

/* 32 turns of one step (client/step.c). */
#define ITERATIONS_PER_STEP (32 * TH_AUTH_ITERATIONS_PER_CALL)

/* A step never takes long, however much there is to compute. */
static void many_iterations_are_spread_over_steps(void **state)
{
    (void)state;
    char verdict[VERDICT_BYTES];
    greet_with("pencil", "pencil", 100000);
    const struct th_auth_scram *scram = &device.client->session.scram;
    UNTIL(&device, scram->stage == TH_AUTH_WORKING);
    while (scram->stage == TH_AUTH_WORKING) {
        uint32_t left = scram->iterations_left;
        step(&device);
        assert_in_range(left - scram->iterations_left, 1, ITERATIONS_PER_STEP);
    }
    assert_true(gets_answer(verdict));
    both_close(&device, &broker);
}

static void our_password_is_wrong(void **state)
{
    (void)state;
    char verdict[VERDICT_BYTES];
    greet_with("pencil", "crayon", 4096);
    assert_false(gets_answer(verdict));
    broker_sends(&broker, "20 03 00 87 00");
    ends_with(&device, TH_E_REFUSED, TH_PHASE_GREETING, "not authorized");
    both_close(&device, &broker);
}

static void expect_distrust(const char *connack_data)
{
    char verdict[VERDICT_BYTES];
    greet_with("pencil", "pencil", 4096);
    assert_true(gets_answer(verdict));
    assert_true(publish(&device, "t", "secret", 1) > 0);
    if (connack_data)
        sends("20", "00 00", connack_data);
    else
        broker_sends(&broker, "20 03 00 00 00");
    ends_with(&device, TH_E_AUTHENTICATION, TH_PHASE_GREETING, "does not prove");
    assert_int_equal(broker.in_bytes, 0);
    both_close(&device, &broker);
}

/* It would take what we publish, and must not get it. */
static void a_broker_that_cannot_prove_it(void **state)
{
    (void)state;
    expect_distrust("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    expect_distrust("e=invalid-proof");
    expect_distrust(NULL);
    dial(scram_config("pencil"));
    gets_first_message();
    broker_sends(&broker, "20 03 00 00 00"); /* without asking at all */
    ends_with(&device, TH_E_AUTHENTICATION, TH_PHASE_GREETING, "does not prove");
    both_close(&device, &broker);
}

static void a_challenge_that_is_not_acceptable(void **state)
{
    (void)state;
    dial(scram_config("pencil"));
    gets_first_message();
    sends("f0", "18", "r=another,s=AAAA,i=4096");
    ends_with(&device, TH_E_AUTHENTICATION, TH_PHASE_GREETING, "nonce");
    both_close(&device, &broker);
}

static void expect_protocol_error(const char *packet)
{
    dial(scram_config("pencil"));
    gets_first_message();
    broker_sends(&broker, packet);
    ends_with(&device, TH_E_PROTOCOL, TH_PHASE_GREETING, "AUTH");
    both_close(&device, &broker);
}

static void steps_that_were_not_begun(void **state)
{
    (void)state;
    char verdict[VERDICT_BYTES];
    expect_protocol_error("f0 07 18 05 15 0002'XY'");
    expect_protocol_error("f0 12 19 10 " METHOD); /* only we may begin anew */
    expect_protocol_error("f0 12 00 10 " METHOD);
    greet_with("pencil", "pencil", 4096);
    assert_true(gets_answer(verdict));
    sends("20", "00 00", verdict);
    UNTIL(&device, th_phase(device.client) == TH_PHASE_UP);
    sends("f0", "18", server.challenge);
    gets(&device, "e0 01 82");
    broker_drops(&broker);
    ends_with(&device, TH_E_PROTOCOL, TH_PHASE_UP, "AUTH");
    both_close(&device, &broker);
}

static void configurations_that_cannot_prove(void **state)
{
    (void)state;
    static const struct {
        enum th_mqtt_version version;
        const char *username, *password, *sentence;
    } wrong[] = {
        {TH_MQTT_3_1_1, "user", "pencil", "MQTT 5"},
        {TH_MQTT_5, NULL, "pencil", "user name"},
        {TH_MQTT_5, "user", NULL, "password"},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct th_config config = scram_config(wrong[i].password);
        config.version = wrong[i].version;
        config.username = wrong[i].username;
        assert_int_equal(device_open(&device, NULL, config), TH_E_ARGUMENT);
        assert_non_null(strstr(device.fault.text, wrong[i].sentence));
        device_close(&device);
    }
}

static void every_connection_has_its_own_nonce(void **state)
{
    (void)state;
    char before[SERVER_TEXT_BYTES], verdict[VERDICT_BYTES];
    struct th_config config = scram_config("pencil");
    config.redial = (struct th_redial){
        .attempts = -1, .first_ms = 1, .max_ms = 1, .first_too = true};
    server_open(&server, "pencil", 4096);
    dial(config);
    gets_first_message();
    strcpy(before, server.first);
    broker_drops(&broker);
    UNTIL(&device, broker.fd >= 0);
    gets_first_message();
    assert_string_not_equal(before, server.first);
    sends("f0", "18", server.challenge);
    assert_true(gets_answer(verdict));
    both_close(&device, &broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_prove_that_they_know_it),
        cmocka_unit_test(many_iterations_are_spread_over_steps),
        cmocka_unit_test(our_password_is_wrong),
        cmocka_unit_test(a_broker_that_cannot_prove_it),
        cmocka_unit_test(a_challenge_that_is_not_acceptable),
        cmocka_unit_test(steps_that_were_not_begun),
        cmocka_unit_test(configurations_that_cannot_prove),
        cmocka_unit_test(every_connection_has_its_own_nonce),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The lines of -d: mosquitto's, as its clients 2.0.11 print them, and ours. */
#include "../mqtt/wire.h"

#include "cli/out.h"
#include "cli/say.h"
#include "cli/trace.h"
#include "mqtt/sent.h"

#include <stdlib.h>

static struct th_cli_settings settings;
static char printed[4096];

static void begin(int command, int persona, const char *client_id)
{
    settings = (struct th_cli_settings){
        .command = command, .persona = persona, .debug = true, .version = 5};
    th_cli_voice_set(&(struct th_cli_voice){.command = "sub", .danger = "", .debug = true});
    th_cli_trace_begin(&settings, client_id);
}

/* What goes to `fd` from here on is gathered in a file. */
struct capture {
    int fd, kept, file;
};

static struct capture capture_begin(int fd)
{
    char path[] = "/tmp/th_trace_XXXXXX";
    struct capture capture = {fd, dup(fd), mkstemp(path)};
    unlink(path);
    dup2(capture.file, fd);
    return capture;
}

static void capture_end(struct capture capture)
{
    th_cli_out_flush();
    dup2(capture.kept, capture.fd);
    close(capture.kept);
    ssize_t got = pread(capture.file, printed, sizeof printed - 1, 0);
    printed[got > 0 ? got : 0] = '\0';
    close(capture.file);
}

static void send(const char *packet)
{
    struct wire wire = wire_of(packet);
    struct th_packet_note note;
    th_mqtt_note_sent(wire_slice(&wire), 5, &note);
    th_cli_trace_sink()(NULL, &note);
}

static void receive(struct th_packet_note note)
{
    th_cli_trace_sink()(NULL, &note);
}

static void subscribes_as_mosquitto_sub(void **state)
{
    (void)state;
    static const uint8_t codes[] = {1, 0x80};
    struct wire assigned = wire_of("12 0004'auto'");
    begin(TH_CLI_SUB, TH_CLI_MOSQUITTO, NULL);
    struct capture capture = capture_begin(STDOUT_FILENO);
    send("10 0d 0004'MQTT' 05 02 0000 00 0000");
    receive((struct th_packet_note){.type = 2, .properties.raw = wire_slice(&assigned)});
    send("82 0c 0001 00 0001'a' 08 0002'c#' 1e");
    send("a2 06 0002 00 0001'x'");
    receive((struct th_packet_note){.type = 9, .packet_id = 1});
    th_cli_trace_event(&(struct th_event){
        .kind = TH_EVENT_SUBSCRIBED, .packet_id = 1, .codes = {codes, sizeof codes}});
    receive((struct th_packet_note){.type = 11, .packet_id = 2});
    receive((struct th_packet_note){
        .type = 3, .flags = 3, .packet_id = 7, .topic = th_slice_text("a"), .payload_bytes = 5});
    send("40 02 0007");
    receive((struct th_packet_note){
        .type = 3, .flags = 12, .packet_id = 8, .topic = th_slice_text("a"), .payload_bytes = 0});
    send("50 02 0008");
    receive((struct th_packet_note){.type = 6, .packet_id = 8});
    send("70 02 0008");
    send("c0 00");
    receive((struct th_packet_note){.type = 13});
    send("e0 00");
    receive((struct th_packet_note){.type = 14, .reason = 142});
    capture_end(capture);
    assert_string_equal(printed,
        "Client (null) sending CONNECT\n"
        "Client auto received CONNACK (0)\n"
        "Client auto sending SUBSCRIBE (Mid: 1, Topic: a, QoS: 0, Options: 0x08)\n"
        "Client auto sending SUBSCRIBE (Mid: 1, Topic: c#, QoS: 2, Options: 0x1c)\n"
        "Client auto sending UNSUBSCRIBE (Mid: 2, Topic: x)\n"
        "Client auto received SUBACK\n"
        "Subscribed (mid: 1): 1, 128\n"
        "Client auto received UNSUBACK\n"
        "Client auto received PUBLISH (d0, q1, r1, m7, 'a', ... (5 bytes))\n"
        "Client auto sending PUBACK (m7, rc0)\n"
        "Client auto received PUBLISH (d1, q2, r0, m8, 'a', ... (0 bytes))\n"
        "Client auto sending PUBREC (m8, rc0)\n"
        "Client auto received PUBREL (Mid: 8)\n"
        "Client auto sending PUBCOMP (m8)\n"
        "Client auto sending PINGREQ\n"
        "Client auto received PINGRESP\n"
        "Client auto sending DISCONNECT\n"
        "Received DISCONNECT (142)\n");
}

static void publishes_as_mosquitto_pub(void **state)
{
    (void)state;
    begin(TH_CLI_PUB, TH_CLI_MOSQUITTO, "me");
    struct capture capture = capture_begin(STDOUT_FILENO);
    receive((struct th_packet_note){.type = 2, .reason = 5});
    send("30 07 0003'a/x' 00 '1'");
    send("30 07 0003'a/x' 00 '2'");
    send("35 0b 0003'a/x' 0003 00 '123'");
    receive((struct th_packet_note){.type = 5, .packet_id = 3, .reason = 16});
    send("62 02 0003");
    receive((struct th_packet_note){.type = 7, .packet_id = 3});
    receive((struct th_packet_note){.type = 4, .packet_id = 4, .reason = 135});
    capture_end(capture);
    assert_string_equal(printed,
        "Client me received CONNACK (5)\n"
        "Client me sending PUBLISH (d0, q0, r0, m1, 'a/x', ... (1 bytes))\n"
        "Client me sending PUBLISH (d0, q0, r0, m2, 'a/x', ... (1 bytes))\n"
        "Client me sending PUBLISH (d0, q2, r1, m3, 'a/x', ... (3 bytes))\n"
        "Client me received PUBREC (Mid: 3)\n"
        "Client me sending PUBREL (m3)\n"
        "Client me received PUBCOMP (Mid: 3, RC:0)\n"
        "Client me received PUBACK (Mid: 4, RC:135)\n");
}

static void says_it_in_our_words(void **state)
{
    (void)state;
    begin(TH_CLI_SUB, TH_CLI_THIMBLE, "me");
    struct capture capture = capture_begin(STDERR_FILENO);
    send("82 09 0001 00 0004'a\tbc' 01");
    receive((struct th_packet_note){.type = 3, .flags = 11, .packet_id = 7,
                                    .topic = th_slice_text("a\tb"), .payload_bytes = 5});
    receive((struct th_packet_note){.type = 4, .packet_id = 4, .reason = 135});
    capture_end(capture);
    assert_string_equal(printed,
        "sent SUBSCRIBE 1\n"
        "received PUBLISH 7: QoS 1, retain, again, a?b, 5 bytes\n"
        "received PUBACK 4: not authorized (135)\n");
}

static void is_silent_unless_asked(void **state)
{
    (void)state;
    begin(TH_CLI_SUB, TH_CLI_MOSQUITTO, "me");
    settings.debug = false;
    assert_null(th_cli_trace_sink());
    struct capture capture = capture_begin(STDOUT_FILENO);
    th_cli_trace_event(&(struct th_event){.kind = TH_EVENT_SUBSCRIBED});
    capture_end(capture);
    assert_string_equal(printed, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subscribes_as_mosquitto_sub),
        cmocka_unit_test(publishes_as_mosquitto_pub),
        cmocka_unit_test(says_it_in_our_words),
        cmocka_unit_test(is_silent_unless_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

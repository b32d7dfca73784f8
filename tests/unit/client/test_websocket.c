/* MQTT in WebSocket: the client against a scripted server. */
#include "device.h"

#include "crypt/base64.h"
#include "crypt/sha1.h"

#include <sys/syscall.h>
#include <unistd.h>

static struct device device;
static struct broker broker;

/* In place of libc's: so many calls find no random. */
static unsigned dry;

ssize_t getrandom(void *out, size_t bytes, unsigned flags)
{
    errno = EAGAIN;
    return dry && dry-- ? -1 : syscall(SYS_getrandom, out, bytes, flags);
}

static struct th_config websocket_config(void)
{
    broker_open(&broker);
    struct th_config config = plain_config(broker.port, TH_MQTT_3_1_1);
    config.websocket_path = "/mqtt";
    return config;
}

static void begin(struct th_config config)
{
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    assert_int_equal(th_connect(device.client), 0);
}

static bool has_request(void)
{
    return broker.in_bytes > 4 && !memcmp(broker.in + broker.in_bytes - 4, "\r\n\r\n", 4);
}

static void accepts(void)
{
    char text[512], accept[TH_WS_ACCEPT_TEXT_BYTES];
    uint8_t hash[TH_CRYPT_SHA1_BYTES];
    UNTIL(&device, has_request());
    broker.in[broker.in_bytes] = '\0';
    assert_int_equal(strncmp((char *)broker.in, "GET /mqtt HTTP/1.1\r\nHost: 127.0.0.1:", 36), 0);
    const char *key = strstr((char *)broker.in, "Key: ") + 5;
    snprintf(text, sizeof text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    th_crypt_sha1(text, strlen(text), hash);
    th_crypt_base64_encode(hash, sizeof hash, accept);
    snprintf(text, sizeof text, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Accept: %s\r\n"
             "\r\n", accept);
    broker_send_bytes(&broker, text, strlen(text));
    broker.in_bytes = 0;
}

/* The length of the first frame, its mask taken off; 0 if it is not whole. */
static size_t first_frame(unsigned *opcode, const uint8_t **payload, size_t *bytes)
{
    size_t header = 6;
    if (broker.in_bytes < header)
        return 0;
    *opcode = broker.in[0];
    *bytes = broker.in[1] & 0x7f;
    if (*bytes == 126) {
        *bytes = (size_t)broker.in[2] << 8 | broker.in[3];
        header = 8;
    }
    if (broker.in_bytes < header + *bytes)
        return 0;
    for (size_t i = 0; i < *bytes; i++)
        broker.in[header + i] ^= broker.in[header - 4 + i % 4];
    *payload = broker.in + header;
    return header + *bytes;
}

/* The next frame the server gets is of this kind and carries these bytes. */
static void gets_frame(unsigned expected_opcode, const char *text)
{
    struct wire expected = wire_of(text);
    const uint8_t *payload;
    unsigned opcode;
    size_t bytes, length = 0;
    UNTIL(&device, (length = first_frame(&opcode, &payload, &bytes)) > 0);
    assert_int_equal(opcode, expected_opcode);
    assert_int_equal(bytes, expected.len);
    assert_memory_equal(payload, expected.bytes, bytes);
    broker_forget(&broker, length);
}

static void is_up(void)
{
    accepts();
    gets_frame(0x82, CONNECT_4);
    broker_sends(&broker, "82 04 20020000");
    UNTIL(&device, th_phase(device.client) == TH_PHASE_UP);
}

static void closes(void)
{
    both_close(&device, &broker);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void speaks_mqtt(void **state)
{
    (void)state;
    begin(websocket_config());
    is_up();
    assert_int_equal(publish(&device, "a", "b", 0), 0);
    gets_frame(0x82, "30 04 0001'a' 'b'");
    broker_sends(&broker, "82 08 30 06 0001't' 'hey'");
    UNTIL(&device, device.deliveries == 1);
    assert_memory_equal(device.payload, "hey", 3);
    th_disconnect(device.client, 0, NULL);
    gets_frame(0x82, "e0 00");
    gets_frame(0x88, "03e8");
    broker_sends(&broker, "88 02 03e8");
    broker_drops(&broker);
    ends_as_asked(&device);
    closes();
}

/* A packet may lie in many frames and a frame may hold many packets ([MQTT-6.0.0-2]). */
static void frames_and_packets_need_not_match(void **state)
{
    (void)state;
    begin(websocket_config());
    is_up();
    broker_sends(&broker, "02 01 30 00 01 06 89 04 'ping' 80 09 0001't''one' 30 06 00");
    gets_frame(0x8a, "'ping'");
    broker_sends(&broker, "82 05 01't''two'");
    UNTIL(&device, device.deliveries == 2);
    assert_memory_equal(device.payload, "two", 3);
    closes();
}

static void a_ping_is_answered_without_anything_else_to_say(void **state)
{
    (void)state;
    begin(websocket_config());
    is_up();
    broker_sends(&broker, "89 00");
    gets_frame(0x8a, "");
    broker_sends(&broker, "89 01 'x'");
    gets_frame(0x8a, "'x'");
    closes();
}

static void a_message_larger_than_the_window_comes_in_pieces(void **state)
{
    (void)state;
    static uint8_t payload[30000];
    begin(websocket_config());
    is_up();
    memset(payload, 'p', sizeof payload);
    broker_sends(&broker, "82 7f 0000000000007537 30 b3ea01 0001't'");
    broker_send_bytes(&broker, payload, sizeof payload);
    UNTIL(&device, device.deliveries == 1);
    assert_int_equal(device.payload_bytes, sizeof payload);
    assert_memory_equal(device.payload, payload, sizeof payload);
    assert_true(device.pieces > 5);
    closes();
}

/* Frame by frame through a kilobyte. */
static void a_message_larger_than_the_cell_leaves_in_frames(void **state)
{
    (void)state;
    static char text[10001];
    const uint8_t *payload;
    unsigned opcode;
    size_t bytes, length = 0, total = 0;
    begin(websocket_config());
    is_up();
    memset(text, 'p', sizeof text - 1);
    assert_int_equal(publish(&device, "t", text, 0), 0);
    while (total < 10006) {
        UNTIL(&device, (length = first_frame(&opcode, &payload, &bytes)) > 0);
        assert_int_equal(opcode, 0x82);
        assert_true(bytes <= TH_WEBSOCKET_CELL_BYTES);
        total += bytes;
        broker_forget(&broker, length);
    }
    assert_int_equal(total, 10006);
    gets_nothing_more(&device);
    closes();
}

static void comes_back(void **state)
{
    (void)state;
    struct th_config config = websocket_config();
    config.redial = (struct th_redial){.attempts = 1, .first_ms = 20};
    begin(config);
    is_up();
    broker_sends(&broker, "88 02 03e9");
    gets_frame(0x88, "03e9");
    broker_drops(&broker);
    is_up();
    assert_int_equal(count_events(&device, TH_EVENT_DISCONNECTED), 1);
    assert_int_equal(last_event(&device)->kind, TH_EVENT_CONNECTED);
    closes();
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void is_refused(const char *answer, int code, bool again, const char *sentence)
{
    struct th_config config = websocket_config();
    config.redial = (struct th_redial){.attempts = -1, .first_too = true, .first_ms = 60000};
    begin(config);
    UNTIL(&device, has_request());
    broker_send_bytes(&broker, answer, strlen(answer));
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED) == 1);
    const struct th_fault *fault = th_fault(device.client);
    if (fault->code != code || fault->phase != TH_PHASE_SHAKING || !strstr(fault->text, sentence))
        fail_msg("%s while %s: %s", th_error_name(fault->code), th_phase_name(fault->phase),
                 fault->text);
    assert_int_equal(last_event(&device)->redial_in_ms >= 0, again);
    assert_int_equal(last_event(&device)->reason, 0);
    closes();
}

static void only_the_servers_own_troubles_pass(void **state)
{
    (void)state;
    is_refused("HTTP/1.1 404 Not Found\r\n\r\n", TH_E_REFUSED, false,
               "404 Not Found; check the path (--ws-path)");
    is_refused("HTTP/1.1 302 Found\r\n\r\n", TH_E_REFUSED, false, "302 Found");
    is_refused("HTTP/1.1 503 Service Unavailable\r\n\r\n", TH_E_REFUSED, true, "503 Service");
    is_refused("\x15\x03\x03\r\n", TH_E_PROTOCOL, false, "is not HTTP");
    is_refused("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n", TH_E_PROTOCOL, false, "Connection");
}

static void a_broken_rule_ends_it(void **state)
{
    (void)state;
    begin(websocket_config());
    is_up();
    broker_sends(&broker, "81 02 'hi'");
    ends_with(&device, TH_E_PROTOCOL, TH_PHASE_UP, "broke a rule of WebSocket: a text frame");
    closes();
}

static void a_silent_server_is_overdue(void **state)
{
    (void)state;
    struct th_config config = websocket_config();
    config.deadlines.tls_ms = 150;
    begin(config);
    UNTIL(&device, has_request());
    broker_send_bytes(&broker, "HTTP/1.1 101 ", 13);
    ends_with(&device, TH_E_TIMEOUT, TH_PHASE_SHAKING, "no answer to the WebSocket upgrade within");
    closes();
}

static void a_server_that_hangs_up_is_asked_about(void **state)
{
    (void)state;
    begin(websocket_config());
    UNTIL(&device, has_request());
    broker_drops(&broker);
    ends_with(&device, TH_E_CLOSED, TH_PHASE_SHAKING, "is the port one for WebSocket?");
    closes();
}

static void a_path_is_checked_before_anything(void **state)
{
    (void)state;
    struct th_config config = websocket_config();
    config.websocket_path = "mqtt";
    assert_int_equal(device_open(&device, NULL, config), TH_E_ARGUMENT);
    assert_non_null(strstr(device.fault.text, "must begin with '/'"));
    closes();
}

/* Asked once more it may well answer: it is the first answer that counts. */
static void a_mask_that_cannot_be_drawn_is_no_success(void **state)
{
    (void)state;
    begin(websocket_config());
    accepts();
    dry = 1;
    ends_with(&device, TH_E_ENTROPY, TH_PHASE_GREETING, "random pool is not ready");
    both_close(&device, &broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speaks_mqtt),
        cmocka_unit_test(frames_and_packets_need_not_match),
        cmocka_unit_test(a_ping_is_answered_without_anything_else_to_say),
        cmocka_unit_test(a_message_larger_than_the_window_comes_in_pieces),
        cmocka_unit_test(a_message_larger_than_the_cell_leaves_in_frames),
        cmocka_unit_test(comes_back),
        cmocka_unit_test(only_the_servers_own_troubles_pass),
        cmocka_unit_test(a_broken_rule_ends_it),
        cmocka_unit_test(a_silent_server_is_overdue),
        cmocka_unit_test(a_server_that_hangs_up_is_asked_about),
        cmocka_unit_test(a_path_is_checked_before_anything),
        cmocka_unit_test(a_mask_that_cannot_be_drawn_is_no_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "../mqtt/wire.h"

#include "ws/upgrade.h"

#include <stdlib.h>

/* RFC 6455 section 1.3. */
static const uint8_t key[TH_WS_KEY_BYTES] = "the sample nonce";
static const char accept_text[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

static char text[1024], accept[TH_WS_ACCEPT_TEXT_BYTES], line[64];
static struct th_fault fault;

static int request(const char *host, const char *path, size_t room)
{
    const struct th_ws_target target = {host, 8083, path};
    memset(&fault, 0, sizeof fault);
    return th_ws_request(text, room, &target, key, accept, &fault);
}

static void asks_for_mqtt(void **state)
{
    (void)state;
    static const char expected[] =
        "GET /mqtt?a=b HTTP/1.1\r\nHost: broker.test:8083\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    assert_int_equal(request("broker.test", "/mqtt?a=b", sizeof text), sizeof expected - 1);
    assert_string_equal(text, expected);
    assert_string_equal(accept, accept_text);
}

static void addresses_with_colons_stand_in_brackets(void **state)
{
    (void)state;
    assert_true(request("2001:db8::1", "/", sizeof text) > 0);
    assert_non_null(strstr(text, "\r\nHost: [2001:db8::1]:8083\r\n"));
    assert_true(request("[2001:db8::1]", "/", sizeof text) > 0);
    assert_non_null(strstr(text, "\r\nHost: [2001:db8::1]:8083\r\n"));
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    int length = request("broker.test", "/mqtt", sizeof text);
    assert_int_equal(request("broker.test", "/mqtt", (size_t)length + 1), length);
    assert_int_equal(request("broker.test", "/mqtt", (size_t)length), TH_E_ARGUMENT);
    assert_string_equal(fault.text, "the WebSocket path is too long");
}

static void a_path_is_printable(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "mqtt", "/a b", "/a\r\nHost: x", "/\x7f", "/\xc3\xa4"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(th_ws_check_path(bad[i], &fault), TH_E_ARGUMENT);
    assert_int_equal(th_ws_check_path("/", NULL), 0);
    assert_int_equal(th_ws_check_path("/a/b?c=%20~!", NULL), 0);
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* Stops behind the last character that is needed. */
static int answer(const char *bytes, size_t *used)
{
    struct th_ws_response response = {.accept = accept_text, .line = line,
                                      .line_size_bytes = sizeof line};
    int result = 0;
    memset(&fault, 0, sizeof fault);
    for (*used = 0; bytes[*used] && result == 0; ++*used)
        result = th_ws_response_take(&response, bytes[*used], &fault);
    return result;
}

static void accepted(const char *bytes)
{
    size_t used;
    if (answer(bytes, &used) != 1)
        fail_msg("%s", fault.text);
    assert_string_equal(bytes + used, "rest");
}

static void refused(const char *bytes, int code, const char *sentence)
{
    size_t used;
    assert_int_equal(answer(bytes, &used), code);
    if (!strstr(fault.text, sentence))
        fail_msg("%s", fault.text);
}

#define FIRST "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define PROTOCOL "Sec-WebSocket-Protocol: mqtt\r\n"

static void knows_a_good_answer(void **state)
{
    (void)state;
    accepted(FIRST UPGRADE CONNECTION ACCEPT PROTOCOL "\r\nrest");
    accepted(FIRST PROTOCOL ACCEPT CONNECTION UPGRADE "Server: x\r\n\r\nrest");
    accepted("HTTP/1.1 101\nupgrade:WebSocket\nCONNECTION:\tkeep-alive , UPGRADE \n"
             "sec-websocket-accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=  \nSec-Websocket-Protocol: mqtt\n"
             "\nrest");
    accepted(FIRST "X: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n"
             UPGRADE CONNECTION ACCEPT PROTOCOL "\r\nrest");
}

static void names_the_header_that_is_not_right(void **state)
{
    (void)state;
    refused(FIRST CONNECTION ACCEPT PROTOCOL "\r\n", TH_E_PROTOCOL, "lacks Upgrade: websocket");
    refused(FIRST UPGRADE ACCEPT PROTOCOL "\r\n", TH_E_PROTOCOL, "lacks Connection: Upgrade");
    refused(FIRST UPGRADE "Connection: close\r\n" ACCEPT PROTOCOL "\r\n", TH_E_PROTOCOL,
            "lacks Connection: Upgrade");
    refused(FIRST UPGRADE CONNECTION PROTOCOL "\r\n", TH_E_PROTOCOL, "Sec-WebSocket-Accept");
    refused(FIRST UPGRADE CONNECTION PROTOCOL
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOO=\r\n\r\n", TH_E_PROTOCOL,
            "Sec-WebSocket-Accept");
    refused(FIRST UPGRADE CONNECTION ACCEPT "\r\n", TH_E_PROTOCOL, "Sec-WebSocket-Protocol");
    refused(FIRST UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Protocol: mqttv3.1\r\n\r\n",
            TH_E_PROTOCOL, "Sec-WebSocket-Protocol");
    refused(FIRST UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Protocol-X: mqtt\r\n\r\n",
            TH_E_PROTOCOL, "Sec-WebSocket-Protocol");
}

static void says_what_another_status_means(void **state)
{
    (void)state;
    refused("HTTP/1.1 404 Not Found\r\n", TH_E_REFUSED, "the broker answered the WebSocket upgrade "
            "with 404 Not Found; check the path (--ws-path)");
    assert_int_equal(fault.reason, 404);
    refused("HTTP/1.0 301 Moved\r\n", TH_E_REFUSED, "301 Moved; check the path");
    refused("HTTP/1.1 503 Service Unavailable\r\n", TH_E_REFUSED, "503 Service Unavailable");
    assert_null(strstr(fault.text, "path"));
    assert_int_equal(fault.reason, 503);
    refused("HTTP/1.1 200 \x1b[31m\r\n", TH_E_REFUSED, "200 ?[31m");
}

static void knows_what_is_not_http(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\r\n", "\n", "HTTP/1.1\r\n", "HTTP/1.1 \r\n", "SSH-2.0-x\r\n", "HTTP/1.1 abc def\r\n",
        "HTTP/2 101 x\r\n",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        refused(bad[i], TH_E_PROTOCOL, "is not HTTP; is the port one for WebSocket?");
}

static void an_answer_ends(void **state)
{
    (void)state;
    size_t used;
    char *endless = malloc(2 * TH_WS_RESPONSE_BYTES);
    memset(endless, 'x', 2 * TH_WS_RESPONSE_BYTES);
    endless[2 * TH_WS_RESPONSE_BYTES - 1] = '\0';
    assert_int_equal(answer(endless, &used), TH_E_PROTOCOL);
    assert_int_equal(used, TH_WS_RESPONSE_BYTES);
    assert_string_equal(fault.text, "the answer to the WebSocket upgrade does not end");
    free(endless);
}

static void so_does_one_of_empty_lines(void **state)
{
    (void)state;
    size_t used;
    char *endless = malloc(6 * TH_WS_RESPONSE_BYTES);
    strcpy(endless, FIRST);
    for (int i = 0; i < TH_WS_RESPONSE_BYTES; i++)
        strcat(endless, "a\n");
    assert_int_equal(answer(endless, &used), TH_E_PROTOCOL);
    free(endless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_mqtt),
        cmocka_unit_test(addresses_with_colons_stand_in_brackets),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_path_is_printable),
        cmocka_unit_test(knows_a_good_answer),
        cmocka_unit_test(names_the_header_that_is_not_right),
        cmocka_unit_test(says_what_another_status_means),
        cmocka_unit_test(knows_what_is_not_http),
        cmocka_unit_test(an_answer_ends),
        cmocka_unit_test(so_does_one_of_empty_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

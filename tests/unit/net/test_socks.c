/* SOCKS5, as messages and over a socket. */
#include "support.h"

#include "../mqtt/wire.h"
#include "net/socks.h"

#include <fcntl.h>
#include <sys/socket.h>

static const struct th_proxy open_proxy = {.host = "proxy"};
static const struct th_proxy closed_proxy = {
    .host = "proxy",
    .username = "joe",
    .password = {(const uint8_t *)"secret", 6},
};

static struct th_net_socks socks;
static struct th_fault fault;

static void begin(const struct th_proxy *proxy, const char *host, uint16_t port)
{
    memset(&fault, 0, sizeof fault);
    th_net_socks_begin(&socks, proxy, host, port);
}

static void says(const char *text)
{
    uint8_t message[TH_NET_SOCKS_MESSAGE_BYTES];
    struct wire expected = wire_of(text);
    assert_int_equal(th_net_socks_message(&socks, message), expected.len);
    assert_memory_equal(message, expected.bytes, expected.len);
}

/* Never more than it asks for, and one byte at a time. */
static int hears(const char *text)
{
    struct wire reply = wire_of(text);
    int result = 0;
    for (size_t i = 0; i < reply.len && result == 0; i++) {
        assert_true(socks.missing > 0);
        result = th_net_socks_take(&socks, reply.bytes + i, 1, &fault);
    }
    return result;
}

static void connected(void)
{
    assert_int_equal(socks.stage, TH_NET_SOCKS_DONE);
    assert_int_equal(socks.missing, 0);
    says("");
}

static void refuses(const char *reply, int reason, const char *sentence)
{
    assert_int_equal(hears(reply), TH_E_PROXY);
    assert_int_equal(fault.code, TH_E_PROXY);
    assert_int_equal(fault.reason, reason);
    if (!strstr(fault.text, sentence))
        fail_msg("%s", fault.text);
}

/* ---- what is said ---------------------------------------------------------------------------- */

static void asks_for_a_name(void **state)
{
    (void)state;
    begin(&open_proxy, "broker.test", 8883);
    says("05 01 00");
    assert_int_equal(hears("05 00"), 0);
    says("05 01 00 03 0b'broker.test' 22b3");
    assert_int_equal(hears("05 00 00 01 00000000 0000"), 0);
    connected();
}

static void asks_for_an_address(void **state)
{
    (void)state;
    begin(&open_proxy, "192.0.2.1", 1883);
    hears("05 00");
    says("05 01 00 01 c0000201 075b");
    begin(&open_proxy, "[2001:db8::1]", 1883);
    hears("05 00");
    says("05 01 00 04 20010db8000000000000000000000001 075b");
}

static void offers_a_password_and_sends_it_when_asked(void **state)
{
    (void)state;
    begin(&closed_proxy, "a", 1);
    says("05 02 00 02");
    assert_int_equal(hears("05 02"), 0);
    says("01 03'joe' 06'secret'");
    assert_int_equal(hears("01 00"), 0);
    says("05 01 00 03 01'a' 0001");
    hears("05 00 00 01 00000000 0000");
    connected();
    begin(&closed_proxy, "a", 1);
    hears("05 00");
    says("05 01 00 03 01'a' 0001");
}

static void the_longest_fields_fit(void **state)
{
    (void)state;
    char field[256] = {0};
    uint8_t message[TH_NET_SOCKS_MESSAGE_BYTES];
    memset(field, 'f', 255);
    struct th_proxy proxy = {.username = field, .password = {(uint8_t *)field, 255}};
    begin(&proxy, field, 1);
    hears("05 02");
    assert_int_equal(th_net_socks_message(&socks, message), sizeof message);
    hears("01 00");
    assert_int_equal(th_net_socks_message(&socks, message), 4 + 1 + 255 + 2);
}

/* ---- what is answered ------------------------------------------------------------------------ */

static void reads_every_kind_of_bound_address(void **state)
{
    (void)state;
    char domain[2048] = "05 00 00 03 ff ";
    const char *const replies[] = {
        "05 00 00 01 7f000001 1234", "05 00 00 04 00000000000000000000000000000001 1234",
        "05 00 00 03 00 1234", "05 00 00 03 01'b' 1234", domain,
    };
    for (int i = 0; i < 257; i++)
        strcat(domain, "62");
    for (size_t i = 0; i < COUNT_OF(replies); i++) {
        begin(&open_proxy, "a", 1);
        hears("05 00");
        assert_int_equal(hears(replies[i]), 0);
        connected();
    }
}

static void every_reply_code_is_a_sentence(void **state)
{
    (void)state;
    static const char *const sentences[] = {
        "general failure (1)", "not allowed (2)", "network unreachable (3)", "host unreachable (4)",
        "connection refused (5)", "time to live expired (6)", "unknown command (7)",
        "unknown kind of address (8)", "unknown reply (9)",
    };
    for (unsigned i = 0; i < COUNT_OF(sentences); i++) {
        char reply[32];
        begin(&open_proxy, "broker.test", 8883);
        hears("05 00");
        snprintf(reply, sizeof reply, "05 %02x 00 01 00", i + 1);
        refuses(reply, (int)i + 1, sentences[i]);
        assert_non_null(strstr(fault.text, "did not connect to broker.test:8883: "));
    }
}

static void what_is_not_socks5_is_named(void **state)
{
    (void)state;
    static const char *const sentence = "the proxy does not speak SOCKS5";
    begin(&open_proxy, "a", 1);
    refuses("04 00", 0, sentence);
    begin(&open_proxy, "a", 1);
    refuses("'HT'", 0, sentence);
    begin(&open_proxy, "a", 1);
    refuses("05 02", 0, sentence);
    begin(&closed_proxy, "a", 1);
    refuses("05 01", 0, sentence);
    begin(&open_proxy, "a", 1);
    hears("05 00");
    refuses("04 00 00 01 00", 0, sentence);
    begin(&open_proxy, "a", 1);
    hears("05 00");
    refuses("05 00 00 02 00", 0, sentence);
}

static void who_is_not_let_in_learns_why(void **state)
{
    (void)state;
    begin(&open_proxy, "a", 1);
    refuses("05 ff", 0, "the proxy wants a name and a password");
    begin(&closed_proxy, "a", 1);
    refuses("05 ff", 0, "the proxy takes no password");
    begin(&closed_proxy, "a", 1);
    hears("05 02");
    refuses("01 01", 0, "the proxy refused name or password");
    assert_null(strstr(fault.text, "secret"));
}

/* ---- over a socket --------------------------------------------------------------------------- */

static int ours, theirs;

static void open_pair(void)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    ours = ends[0];
    theirs = ends[1];
}

static void close_pair(void)
{
    close(ours);
    close(theirs);
}

static void gets(const char *text)
{
    struct wire expected = wire_of(text);
    uint8_t got[TH_NET_SOCKS_MESSAGE_BYTES];
    assert_int_equal(read(theirs, got, sizeof got), expected.len);
    assert_memory_equal(got, expected.bytes, expected.len);
}

static int step_after(const char *text)
{
    struct wire reply = wire_of(text);
    int result = th_net_socks_step(&socks, ours, &fault);
    for (size_t i = 0; i < reply.len && result == TH_WANT_READ; i++) {
        assert_int_equal(write(theirs, reply.bytes + i, 1), 1);
        result = th_net_socks_step(&socks, ours, &fault);
    }
    return result;
}

static void a_slow_peer_is_followed_byte_by_byte(void **state)
{
    (void)state;
    open_pair();
    begin(&closed_proxy, "a", 1);
    assert_int_equal(step_after("05 02"), TH_WANT_READ);
    gets("05 02 00 02 01 03'joe' 06'secret'");
    assert_int_equal(step_after("01 00"), TH_WANT_READ);
    gets("05 01 00 03 01'a' 0001");
    assert_int_equal(step_after("05 00 00 03 04'host' 0001"), 0);
    close_pair();
}

static void what_comes_after_the_reply_is_left_alone(void **state)
{
    (void)state;
    char rest[8];
    struct wire all = wire_of("05 00 05 00 00 01 00000000 0000 'rest'");
    open_pair();
    begin(&open_proxy, "a", 1);
    assert_int_equal(write(theirs, all.bytes, all.len), all.len);
    assert_int_equal(th_net_socks_step(&socks, ours, &fault), 0);
    assert_int_equal(read(ours, rest, sizeof rest), 4);
    close_pair();
}

static void a_proxy_that_hangs_up_is_named(void **state)
{
    (void)state;
    open_pair();
    begin(&open_proxy, "a", 1);
    assert_int_equal(step_after("05"), TH_WANT_READ);
    shutdown(theirs, SHUT_WR);
    assert_int_equal(th_net_socks_step(&socks, ours, &fault), TH_E_CLOSED);
    assert_string_equal(fault.text, "the proxy closed the connection instead of an answer");
    close_pair();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_a_name),
        cmocka_unit_test(asks_for_an_address),
        cmocka_unit_test(offers_a_password_and_sends_it_when_asked),
        cmocka_unit_test(the_longest_fields_fit),
        cmocka_unit_test(reads_every_kind_of_bound_address),
        cmocka_unit_test(every_reply_code_is_a_sentence),
        cmocka_unit_test(what_is_not_socks5_is_named),
        cmocka_unit_test(who_is_not_let_in_learns_why),
        cmocka_unit_test(a_slow_peer_is_followed_byte_by_byte),
        cmocka_unit_test(what_comes_after_the_reply_is_left_alone),
        cmocka_unit_test(a_proxy_that_hangs_up_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

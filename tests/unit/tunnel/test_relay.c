/* Between a program and its connection, whose TLS follows a script here. */
#include "tunnel/relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above */
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

#define MUCH_BYTES 100000

/* ---- TLS by a script ------------------------------------------------------------------------- */

struct th_tls {
    int unused;
};

static struct script {
    struct th_tls tls;
    int connect;        /* what the next attempts return; 0: open */
    bool open, closed;
    int write_most;     /* so many bytes at a time are taken; below 0: an error or a wait */
    int read_end;       /* what a read returns when nothing is left */
    short events;
    int wait_ms;
    struct th_fault fault;
    size_t got_bytes, left_bytes, given_bytes;
    uint8_t got[MUCH_BYTES];
    const uint8_t *left;
} script;

int th_tls_connect(struct th_tls **stream, void *block, size_t block_bytes,
                   struct th_context *context, const struct th_tls_config *config,
                   struct th_fault *fault)
{
    (void)block, (void)block_bytes, (void)context, (void)config;
    *stream = th_is_failure(script.connect) ? NULL : &script.tls;
    script.open = script.connect == 0;
    if (th_is_failure(script.connect))
        *fault = (struct th_fault){.code = script.connect, .text = "no broker"};
    return script.connect;
}

bool th_tls_is_open(const struct th_tls *stream)
{
    return stream && script.open;
}

int th_tls_read(struct th_tls *stream, void *buffer, size_t bytes)
{
    assert_ptr_equal(stream, &script.tls);
    size_t part = bytes < script.left_bytes ? bytes : script.left_bytes;
    if (part == 0)
        return script.read_end;
    memcpy(buffer, script.left, part);
    script.left += part;
    script.left_bytes -= part;
    script.given_bytes += part;
    return (int)part;
}

int th_tls_write(struct th_tls *stream, const void *data, size_t bytes)
{
    assert_ptr_equal(stream, &script.tls);
    if (script.write_most < 0)
        return script.write_most;
    size_t part = bytes < (size_t)script.write_most ? bytes : (size_t)script.write_most;
    assert_true(script.got_bytes + part <= sizeof script.got);
    memcpy(script.got + script.got_bytes, data, part);
    script.got_bytes += part;
    return (int)part;
}

const struct th_fault *th_tls_fault(const struct th_tls *stream)
{
    (void)stream;
    return &script.fault;
}

int th_tls_fd(const struct th_tls *stream)
{
    (void)stream;
    return 1000;
}

short th_tls_poll_events(const struct th_tls *stream)
{
    (void)stream;
    return script.events;
}

int th_tls_wait_ms(const struct th_tls *stream)
{
    (void)stream;
    return script.wait_ms;
}

void th_tls_close(struct th_tls *stream)
{
    script.closed |= stream != NULL;
}

/* ---- a program and its relay ----------------------------------------------------------------- */

static struct th_relay relay;
static int program;
static uint8_t much[MUCH_BYTES];

static int begin(void **state)
{
    (void)state;
    int ends[2];
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = (uint8_t)(i * 7 + (i >> 9));
    script = (struct script){.write_most = MUCH_BYTES, .read_end = TH_WANT_READ, .events = POLLIN,
                             .wait_ms = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
        return -1;
    program = ends[0];
    th_relay_open(&relay, ends[1]);
    return 0;
}

static int end(void **state)
{
    (void)state;
    if (relay.local >= 0)
        th_relay_close(&relay);
    close(program);
    return 0;
}

static int step(void)
{
    return th_relay_step(&relay, NULL, 0, NULL, NULL);
}

static void says(const void *data, size_t bytes)
{
    assert_int_equal(write(program, data, bytes), bytes);
}

static void broker_says(const void *data, size_t bytes)
{
    script.left = data;
    script.left_bytes = bytes;
}

/* All that is there. */
static size_t hear(uint8_t *into, size_t room)
{
    size_t heard = 0;
    for (ssize_t got; heard < room && (got = read(program, into + heard, room - heard)) > 0;)
        heard += (size_t)got;
    return heard;
}

static struct pollfd awaited_of(size_t which)
{
    struct pollfd awaited[2];
    th_relay_awaited(&relay, awaited);
    return awaited[which];
}

enum { LOCAL, BROKER };

/* ---- carrying -------------------------------------------------------------------------------- */

static void bytes_go_both_ways(void **state)
{
    (void)state;
    uint8_t heard[16];
    says("up", 2);
    broker_says("and down", 8);
    assert_int_equal(step(), 0);
    assert_int_equal(script.got_bytes, 2);
    assert_memory_equal(script.got, "up", 2);
    assert_int_equal(hear(heard, sizeof heard), 8);
    assert_memory_equal(heard, "and down", 8);
    assert_true(relay.up_bytes == 2 && relay.down_bytes == 8);
    assert_int_equal(awaited_of(LOCAL).events, POLLIN);
    assert_int_equal(awaited_of(BROKER).events, POLLIN);
    assert_int_equal(awaited_of(BROKER).fd, 1000);
}

static void much_goes_through_whole_however_it_is_cut(void **state)
{
    static uint8_t heard[MUCH_BYTES];
    static const int cuts[] = {1, 17, 4095, 4096, MUCH_BYTES};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        size_t said = 0, back = 0;
        begin(state);
        script.write_most = cuts[i];
        broker_says(much, sizeof much);
        while (script.got_bytes < sizeof much || back < sizeof much) {
            ssize_t part = said < sizeof much ? write(program, much + said, sizeof much - said) : 0;
            said += part > 0 ? (size_t)part : 0;
            assert_int_equal(step(), 0);
            back += hear(heard + back, sizeof heard - back);
        }
        assert_memory_equal(script.got, much, sizeof much);
        assert_memory_equal(heard, much, sizeof much);
        assert_true(relay.up_bytes == sizeof much && relay.down_bytes == sizeof much);
        end(state);
    }
    begin(state);
}

static void nothing_is_sent_before_tls_is_open(void **state)
{
    (void)state;
    script.connect = TH_WANT_READ;
    says(much, 5000);
    assert_int_equal(step(), 0);
    assert_int_equal(script.got_bytes, 0);
    assert_int_equal(relay.up.to - relay.up.from, TH_RELAY_BUFFER_BYTES); /* it waits, and no more */
    assert_int_equal(awaited_of(LOCAL).fd, -1);
    assert_int_equal(awaited_of(BROKER).events, POLLIN);
    script.connect = 0;
    assert_int_equal(step(), 0);
    assert_int_equal(script.got_bytes, 5000);
    assert_memory_equal(script.got, much, 5000);
}

static void a_broker_that_takes_nothing_stops_the_program(void **state)
{
    (void)state;
    script.write_most = TH_WANT_WRITE;
    script.events = POLLIN | POLLOUT;
    says(much, 2 * TH_RELAY_BUFFER_BYTES);
    assert_int_equal(step(), 0);
    assert_int_equal(awaited_of(LOCAL).fd, -1);
    assert_int_equal(awaited_of(BROKER).events, POLLIN | POLLOUT);
    script.write_most = MUCH_BYTES;
    assert_int_equal(step(), 0);
    assert_int_equal(script.got_bytes, 2 * TH_RELAY_BUFFER_BYTES);
}

/* Its socket is full: the broker is not read, nor waited for. */
static void a_program_that_takes_nothing_stops_the_broker(void **state)
{
    (void)state;
    static uint8_t heard[MUCH_BYTES];
    int few = 4096;
    setsockopt(relay.local, SOL_SOCKET, SO_SNDBUF, &few, sizeof few);
    broker_says(much, sizeof much);
    assert_int_equal(step(), 0);
    size_t given_bytes = script.given_bytes;
    assert_true(given_bytes < sizeof much && relay.down.from < relay.down.to);
    assert_int_equal(step(), 0);
    assert_int_equal(script.given_bytes, given_bytes);
    assert_int_equal(awaited_of(LOCAL).events, POLLIN | POLLOUT);
    assert_int_equal(awaited_of(BROKER).fd, -1);
    size_t back = 0;
    while (back < sizeof heard) {
        back += hear(heard + back, sizeof heard - back);
        assert_int_equal(step(), 0);
    }
    assert_memory_equal(heard, much, sizeof much);
}

/* ---- ends ------------------------------------------------------------------------------------ */

/* Its end is seen when its last words are on their way. */
static void what_a_program_said_last_still_goes_out(void **state)
{
    (void)state;
    script.write_most = TH_WANT_WRITE;
    says("last words", 10);
    shutdown(program, SHUT_WR);
    assert_int_equal(step(), 0);
    assert_false(relay.local_ended);
    assert_int_equal(th_relay_wait_ms(&relay), -1);
    script.write_most = MUCH_BYTES;
    assert_int_equal(step(), 1);
    assert_memory_equal(script.got, "last words", 10);
    assert_int_equal(relay.fault.code, 0);
}

/* TLS holds a record that the socket does not take yet. */
static void it_is_not_over_while_tls_has_something_to_send(void **state)
{
    (void)state;
    script.events = POLLIN | POLLOUT;
    shutdown(program, SHUT_WR);
    assert_int_equal(step(), 0);
    script.events = POLLIN;
    assert_int_equal(step(), 1);
}

static void a_broker_that_takes_nothing_more_is_left_soon(void **state)
{
    (void)state;
    script.events = POLLIN | POLLOUT;
    shutdown(program, SHUT_WR);
    assert_int_equal(step(), 0);
    assert_in_range(th_relay_wait_ms(&relay), 1, 5000);
    relay.leave_by_ms = th_clock_ms();
    assert_int_equal(th_relay_wait_ms(&relay), 0);
    assert_int_equal(step(), 1);
}

static void what_a_broker_said_last_still_comes(void **state)
{
    (void)state;
    uint8_t heard[16];
    broker_says("farewell", 8);
    script.read_end = TH_E_CLOSED;
    assert_int_equal(step(), 1);
    assert_int_equal(hear(heard, sizeof heard), 8);
    assert_memory_equal(heard, "farewell", 8);
    assert_int_equal(relay.fault.code, 0);
}

static void a_broker_that_fails_is_told_with_its_reason(void **state)
{
    (void)state;
    script.read_end = TH_E_RECEIVE;
    script.fault = (struct th_fault){.code = TH_E_RECEIVE, .text = "cut"};
    assert_int_equal(step(), 1);
    assert_int_equal(relay.fault.code, TH_E_RECEIVE);
    assert_string_equal(relay.fault.text, "cut");
}

static void a_broker_that_cannot_be_written_to_is_over(void **state)
{
    (void)state;
    script.write_most = TH_E_SYSTEM;
    script.fault = (struct th_fault){.code = TH_E_SYSTEM, .text = "gone"};
    says("x", 1);
    assert_int_equal(step(), 1);
    assert_int_equal(relay.fault.code, TH_E_SYSTEM);
    assert_int_equal(awaited_of(BROKER).fd, -1);
}

static void no_broker_at_all(void **state)
{
    (void)state;
    script.connect = TH_E_TCP;
    says("x", 1);
    assert_int_equal(step(), 1);
    assert_int_equal(relay.fault.code, TH_E_TCP);
    assert_null(relay.broker);
    assert_int_equal(script.got_bytes, 0);
    th_relay_close(&relay);
    assert_false(script.closed);
}

static void a_program_that_is_gone_gets_nothing_more(void **state)
{
    (void)state;
    close(program);
    program = -1;
    broker_says(much, sizeof much);
    assert_int_equal(step(), 1);
    assert_int_equal(relay.down_bytes, 0);
}

static void the_nearer_deadline_is_waited_for(void **state)
{
    (void)state;
    assert_int_equal(th_relay_wait_ms(&relay), -1); /* nothing was begun */
    assert_int_equal(step(), 0);
    assert_int_equal(th_relay_wait_ms(&relay), -1);
    script.wait_ms = 70;
    assert_int_equal(th_relay_wait_ms(&relay), 70);
    relay.leave_by_ms = th_clock_ms();
    assert_int_equal(th_relay_wait_ms(&relay), 0);
}

static void closing_ends_both_and_frees_the_place(void **state)
{
    (void)state;
    int local = relay.local;
    assert_int_equal(step(), 0);
    th_relay_close(&relay);
    assert_true(script.closed && relay.local == -1 && !relay.broker);
    assert_true(fcntl(local, F_GETFD) < 0 && errno == EBADF);
    assert_int_equal(read(program, much, 1), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(bytes_go_both_ways),
        TEST(much_goes_through_whole_however_it_is_cut),
        TEST(nothing_is_sent_before_tls_is_open),
        TEST(a_broker_that_takes_nothing_stops_the_program),
        TEST(a_program_that_takes_nothing_stops_the_broker),
        TEST(what_a_program_said_last_still_goes_out),
        TEST(it_is_not_over_while_tls_has_something_to_send),
        TEST(a_broker_that_takes_nothing_more_is_left_soon),
        TEST(what_a_broker_said_last_still_comes),
        TEST(a_broker_that_fails_is_told_with_its_reason),
        TEST(a_broker_that_cannot_be_written_to_is_over),
        TEST(no_broker_at_all),
        TEST(a_program_that_is_gone_gets_nothing_more),
        TEST(the_nearer_deadline_is_waited_for),
        TEST(closing_ends_both_and_frees_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

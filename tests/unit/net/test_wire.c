#include "support.h"

#include "loopback.h"
#include "net/socket.h"
#include "net/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

enum { CELL_BYTES = 256, IN_BYTES = 128, OUT_BYTES = CELL_BYTES - IN_BYTES };

/* A wire, the other end of its connection, and the fault the wire writes to. */
struct line {
    struct th_net_wire wire;
    struct th_fault fault;
    uint8_t *cell;
    int peer;
};

static void open_line_with(struct line *line, size_t cell_bytes, size_t in_bytes)
{
    struct th_net_address address = address_of("127.0.0.1");
    static const struct th_net_options small = {.send_buffer_bytes = 1, .nodelay = true};
    int listener = listen_on("127.0.0.1");
    int fd = th_net_dial(&address, port_of(listener), &small, NULL);
    line->peer = accept(listener, NULL, NULL);
    assert_true(fd >= 0 && line->peer >= 0);
    close(listener);
    wait_for(fd, POLLOUT);
    assert_int_equal(th_net_dialed(fd, &address, 0, NULL), 0);
    line->cell = malloc(cell_bytes);
    line->fault = (struct th_fault){0};
    th_net_wire_open(&line->wire, fd, line->cell, cell_bytes, in_bytes, &line->fault);
}

static void open_line(struct line *line)
{
    open_line_with(line, CELL_BYTES, IN_BYTES);
}

static void close_line(struct line *line)
{
    th_net_wire_close(&line->wire);
    close(line->peer);
    free(line->cell);
}

static void peer_writes(struct line *line, const void *data, size_t bytes)
{
    assert_int_equal(write(line->peer, data, bytes), bytes);
    wait_for(line->wire.fd, POLLIN);
}

static void reads_ahead(void **state)
{
    (void)state;
    struct line line;
    char text[8] = "";
    open_line(&line);
    peer_writes(&line, "hello world", 11);
    assert_int_equal(th_net_wire_read(&line.wire, text, 5), 5);
    assert_string_equal(text, "hello");
    assert_int_equal(th_net_wire_pending_in(&line.wire), 6);
    assert_int_equal(th_net_wire_read(&line.wire, text, 1), 1);
    assert_int_equal(th_net_wire_read(&line.wire, text, 8), 5);
    assert_int_equal(line.wire.calls_in, 1);
    assert_int_equal(line.wire.bytes_in, 11);
    close_line(&line);
}

static void an_emptied_socket_is_not_asked_twice(void **state)
{
    (void)state;
    struct line line;
    char byte;
    open_line(&line);
    peer_writes(&line, "a", 1);
    assert_int_equal(th_net_wire_read(&line.wire, &byte, 1), 1);
    assert_int_equal(th_net_wire_read(&line.wire, &byte, 1), TH_WANT_READ);
    assert_int_equal(line.wire.calls_in, 1);
    assert_int_equal(th_net_wire_read(&line.wire, &byte, 1), TH_WANT_READ);
    assert_int_equal(line.wire.calls_in, 2);
    peer_writes(&line, "b", 1);
    assert_int_equal(th_net_wire_read(&line.wire, &byte, 1), 1);
    assert_int_equal(byte, 'b');
    close_line(&line);
}

static void a_turn_ends_although_the_peer_never_does(void **state)
{
    (void)state;
    static const char flood[IN_BYTES * (TH_NET_WIRE_TURN_RECEIVES + 1)];
    struct line line;
    char got[IN_BYTES];
    open_line(&line);
    peer_writes(&line, flood, sizeof flood);
    for (int i = 0; i < TH_NET_WIRE_TURN_RECEIVES; i++)
        assert_int_equal(th_net_wire_read(&line.wire, got, sizeof got), sizeof got);
    assert_int_equal(th_net_wire_read(&line.wire, got, sizeof got), TH_WANT_READ);
    wait_for(line.wire.fd, POLLIN);
    th_net_wire_begin_turn(&line.wire);
    assert_int_equal(th_net_wire_read(&line.wire, got, sizeof got), sizeof got);
    close_line(&line);
}

static void a_large_read_goes_to_the_caller_directly(void **state)
{
    (void)state;
    struct line line;
    char data[300], got[300];
    memset(data, 'x', sizeof data);
    open_line(&line);
    peer_writes(&line, data, sizeof data);
    assert_int_equal(th_net_wire_read(&line.wire, got, sizeof got), sizeof data);
    assert_int_equal(th_net_wire_pending_in(&line.wire), 0);
    assert_int_equal(line.wire.calls_in, 1);
    assert_memory_equal(got, data, sizeof data);
    close_line(&line);
}

static void a_large_read_first_empties_the_read_ahead(void **state)
{
    (void)state;
    struct line line;
    uint8_t data[300], got[300];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    open_line(&line);
    peer_writes(&line, data, sizeof data);
    assert_int_equal(th_net_wire_read(&line.wire, got, 5), 5);
    assert_int_equal(th_net_wire_read(&line.wire, got + 5, 295), IN_BYTES - 5);
    assert_int_equal(th_net_wire_read(&line.wire, got + IN_BYTES, 172), 172);
    assert_memory_equal(got, data, sizeof data);
    assert_int_equal(line.wire.calls_in, 2);
    close_line(&line);
}

static void a_peer_may_send_single_bytes(void **state)
{
    (void)state;
    struct line line;
    char got;
    open_line(&line);
    for (int i = 0; i < 300; i++) {
        char sent = (char)i;
        int result;
        peer_writes(&line, &sent, 1);
        th_net_wire_begin_turn(&line.wire);
        while ((result = th_net_wire_read(&line.wire, &got, 1)) == TH_WANT_READ)
            ;
        assert_int_equal(result, 1);
        assert_int_equal(got, sent);
    }
    assert_int_equal(line.wire.bytes_in, 300);
    close_line(&line);
}

static void writes_are_gathered_until_flushed(void **state)
{
    (void)state;
    struct line line;
    char got[16] = "";
    open_line(&line);
    assert_int_equal(th_net_wire_write(&line.wire, "abc", 3), 3);
    assert_int_equal(th_net_wire_write(&line.wire, "def", 3), 3);
    assert_int_equal(th_net_wire_pending_out(&line.wire), 6);
    assert_int_equal(recv(line.peer, got, sizeof got, MSG_DONTWAIT), -1);
    assert_int_equal(th_net_wire_flush(&line.wire), 0);
    assert_int_equal(th_net_wire_pending_out(&line.wire), 0);
    assert_int_equal(line.wire.calls_out, 1);
    assert_int_equal(line.wire.bytes_out, 6);
    assert_int_equal(recv(line.peer, got, sizeof got, 0), 6);
    assert_string_equal(got, "abcdef");
    assert_int_equal(th_net_wire_flush(&line.wire), 0);
    assert_int_equal(line.wire.calls_out, 1);
    close_line(&line);
}

static void a_full_cell_takes_what_fits(void **state)
{
    (void)state;
    struct line line;
    char data[OUT_BYTES] = {0};
    open_line(&line);
    assert_int_equal(th_net_wire_write(&line.wire, data, OUT_BYTES - 1), OUT_BYTES - 1);
    assert_int_equal(th_net_wire_write(&line.wire, data, 2), 1);
    assert_int_equal(th_net_wire_pending_out(&line.wire), OUT_BYTES);
    assert_int_equal(line.wire.calls_out, 0);
    assert_int_equal(th_net_wire_write(&line.wire, data, 2), 2);
    assert_int_equal(line.wire.calls_out, 1);
    assert_int_equal(th_net_wire_pending_out(&line.wire), 2);
    close_line(&line);
}

static void a_large_write_goes_to_the_socket_directly(void **state)
{
    (void)state;
    struct line line;
    char data[OUT_BYTES * 2] = {0};
    open_line(&line);
    assert_int_equal(th_net_wire_write(&line.wire, data, sizeof data), sizeof data);
    assert_int_equal(th_net_wire_pending_out(&line.wire), 0);
    assert_int_equal(th_net_wire_write(&line.wire, data, 1), 1);
    assert_int_equal(th_net_wire_write(&line.wire, data, sizeof data), sizeof data);
    assert_int_equal(line.wire.bytes_out, 1 + 2 * sizeof data);
    close_line(&line);
}

/* Takes what has arrived and compares it with the count's low bytes. */
static size_t check_sequence(int fd, size_t seen)
{
    uint8_t buffer[4096];
    ssize_t got;
    while ((got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
        for (ssize_t i = 0; i < got; i++, seen++)
            if (buffer[i] != (uint8_t)(seen * 7 >> 3))
                fail_msg("byte %zu is wrong", seen);
    return seen;
}

static size_t write_sequence(struct line *line, size_t from, size_t to, size_t step)
{
    uint8_t data[1000];
    if (from == to)
        return to;
    for (size_t i = 0; i < step; i++)
        data[i] = (uint8_t)((from + i) * 7 >> 3);
    int taken = th_net_wire_write(&line->wire, data, step < to - from ? step : to - from);
    assert_true(taken > 0 || taken == TH_WANT_WRITE);
    return taken > 0 ? from + (size_t)taken : from;
}

/* With a small cell the kernel takes all of it or nothing; with a large one also a part. */
static void fill_the_pipe(size_t cell_bytes)
{
    enum { TOTAL = 2000000 };
    struct line line;
    size_t written = 0, seen = 0, waits = 0;
    open_line_with(&line, cell_bytes, IN_BYTES);
    while (seen < TOTAL) {
        size_t before = written;
        written = write_sequence(&line, written, TOTAL, 1 + written % 999);
        if (written == before) {
            waits += th_net_wire_flush(&line.wire) == TH_WANT_WRITE;
            seen = check_sequence(line.peer, seen);
        }
    }
    assert_true(waits > 0);
    assert_int_equal(line.wire.bytes_out, TOTAL);
    close_line(&line);
}

static void a_full_pipe_loses_nothing(void **state)
{
    (void)state;
    fill_the_pipe(CELL_BYTES);
    fill_the_pipe(100000);
}

static void an_end_is_told_after_the_last_byte(void **state)
{
    (void)state;
    struct line line;
    char byte;
    open_line(&line);
    peer_writes(&line, "a", 1);
    shutdown(line.peer, SHUT_WR);
    usleep(1000);
    assert_int_equal(th_net_wire_read(&line.wire, &byte, 1), 1);
    int result;
    while ((result = th_net_wire_read(&line.wire, &byte, 1)) == TH_WANT_READ)
        wait_for(line.wire.fd, POLLIN);
    assert_int_equal(result, TH_E_CLOSED);
    assert_int_equal(line.fault.code, TH_E_CLOSED);
    assert_string_equal(line.fault.text, "the peer closed the connection");
    close_line(&line);
}

static void a_reset_is_told_to_the_reader(void **state)
{
    (void)state;
    struct line line;
    char byte;
    open_line(&line);
    reset_connection(line.peer);
    line.peer = -1;
    wait_for(line.wire.fd, POLLIN);
    assert_int_equal(th_net_wire_read(&line.wire, &byte, 1), TH_E_RECEIVE);
    assert_int_equal(line.fault.sys_errno, ECONNRESET);
    close_line(&line);
}

static void a_reset_is_told_to_the_writer_without_a_signal(void **state)
{
    (void)state;
    struct line line;
    open_line(&line);
    signal(SIGPIPE, SIG_DFL);
    reset_connection(line.peer);
    line.peer = -1;
    wait_for(line.wire.fd, POLLIN);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(th_net_wire_write(&line.wire, "a", 1), 1);
        assert_int_equal(th_net_wire_flush(&line.wire), TH_E_CLOSED);
    }
    assert_int_equal(line.fault.code, TH_E_CLOSED);
    assert_true(line.fault.sys_errno == ECONNRESET || line.fault.sys_errno == EPIPE);
    close_line(&line);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int signal)
{
    (void)signal;
    alarms++;
}

static void ring_every_ms(long ms)
{
    struct sigaction action = {.sa_handler = count_alarm}; /* without SA_RESTART */
    struct itimerval timer = {{0, ms * 1000}, {0, ms * 1000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* The peer, in a thread that hears no alarm, acts once it has rung five times. */
static void wait_for_alarms(void)
{
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, NULL);
    while (alarms < 5)
        usleep(1000);
}

static void *write_after_alarms(void *arg)
{
    wait_for_alarms();
    return (void *)(intptr_t)write(*(int *)arg, "a", 1);
}

static void *read_after_alarms(void *arg)
{
    char buffer[4096];
    wait_for_alarms();
    while (recv(*(int *)arg, buffer, sizeof buffer, 0) > 0)
        ;
    return NULL;
}

/* Blocking, so that the signal finds the wire inside recv(2) or send(2). */
static void open_blocking_line(struct line *line)
{
    open_line(line);
    fcntl(line->wire.fd, F_SETFL, 0);
    alarms = 0;
}

static void a_signal_does_not_disturb_reading(void **state)
{
    (void)state;
    struct line line;
    pthread_t writer;
    char byte = 0;
    open_blocking_line(&line);
    pthread_create(&writer, NULL, write_after_alarms, &line.peer);
    ring_every_ms(5);
    assert_int_equal(th_net_wire_read(&line.wire, &byte, 1), 1);
    ring_every_ms(0);
    assert_true(alarms >= 5);
    pthread_join(writer, NULL);
    close_line(&line);
}

static void a_signal_does_not_disturb_writing(void **state)
{
    (void)state;
    struct line line;
    pthread_t reader;
    char data[OUT_BYTES] = {0};
    open_blocking_line(&line);
    pthread_create(&reader, NULL, read_after_alarms, &line.peer);
    ring_every_ms(5);
    while (alarms < 5)
        assert_in_range(th_net_wire_write(&line.wire, data, sizeof data), 1, sizeof data);
    ring_every_ms(0);
    th_net_wire_close(&line.wire);
    pthread_join(reader, NULL);
    close_line(&line);
}

static void closing_empties_and_can_be_repeated(void **state)
{
    (void)state;
    struct line line;
    open_line(&line);
    th_net_wire_write(&line.wire, "abc", 3);
    th_net_wire_close(&line.wire);
    assert_int_equal(th_net_wire_pending_out(&line.wire), 0);
    assert_int_equal(line.wire.fd, -1);
    close_line(&line);
}

static void finishing_ends_our_half_only(void **state)
{
    (void)state;
    char got[4];
    struct line line;
    open_line(&line);
    th_net_wire_write(&line.wire, "abc", 3);
    assert_int_equal(th_net_wire_flush(&line.wire), 0);
    th_net_wire_finish(&line.wire);
    assert_int_equal(recv(line.peer, got, 4, 0), 3);
    assert_int_equal(recv(line.peer, got, 4, 0), 0);
    assert_int_equal(send(line.peer, "back", 4, 0), 4);
    wait_for(line.wire.fd, POLLIN);
    assert_int_equal(th_net_wire_read(&line.wire, got, 4), 4);
    assert_int_equal(th_net_wire_write(&line.wire, "d", 1), 1);
    assert_int_equal(th_net_wire_flush(&line.wire), TH_E_CLOSED);
    close_line(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_ahead),
        cmocka_unit_test(an_emptied_socket_is_not_asked_twice),
        cmocka_unit_test(a_turn_ends_although_the_peer_never_does),
        cmocka_unit_test(a_large_read_goes_to_the_caller_directly),
        cmocka_unit_test(a_large_read_first_empties_the_read_ahead),
        cmocka_unit_test(a_peer_may_send_single_bytes),
        cmocka_unit_test(writes_are_gathered_until_flushed),
        cmocka_unit_test(a_full_cell_takes_what_fits),
        cmocka_unit_test(a_large_write_goes_to_the_socket_directly),
        cmocka_unit_test(a_full_pipe_loses_nothing),
        cmocka_unit_test(an_end_is_told_after_the_last_byte),
        cmocka_unit_test(a_reset_is_told_to_the_reader),
        cmocka_unit_test(a_reset_is_told_to_the_writer_without_a_signal),
        cmocka_unit_test(a_signal_does_not_disturb_reading),
        cmocka_unit_test(a_signal_does_not_disturb_writing),
        cmocka_unit_test(closing_empties_and_can_be_repeated),
        cmocka_unit_test(finishing_ends_our_half_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

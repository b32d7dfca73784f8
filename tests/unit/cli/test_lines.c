/* Lines of standard input: any split of the bytes gives the same lines; the buffer bounds them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/lines.h"

struct input {
    struct th_cli_lines lines;
    uint8_t buffer[16];
    int read_fd, write_fd;
};

static int open_input(void **state)
{
    static struct input input;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    input.read_fd = fds[0];
    input.write_fd = fds[1];
    th_cli_lines_open(&input.lines, input.buffer, sizeof input.buffer);
    *state = &input;
    return 0;
}

static int close_input(void **state)
{
    struct input *input = *state;
    close(input->read_fd);
    close(input->write_fd);
    return 0;
}

static void arrive(struct input *input, const void *bytes, size_t count)
{
    assert_int_equal(write(input->write_fd, bytes, count), count);
    assert_int_equal(th_cli_lines_read(&input->lines, input->read_fd), 0);
}

static void end_input(struct input *input)
{
    close(input->write_fd);
    assert_int_equal(th_cli_lines_read(&input->lines, input->read_fd), 0);
    assert_true(input->lines.ended);
}

static void expect_line(struct input *input, const void *bytes, size_t count)
{
    struct th_slice line;
    assert_true(th_cli_lines_next(&input->lines, &line));
    assert_int_equal(line.len_bytes, count);
    assert_memory_equal(line.data, bytes, count);
    th_cli_lines_drop(&input->lines, line);
}

static void expect_none(struct input *input)
{
    struct th_slice line;
    assert_false(th_cli_lines_next(&input->lines, &line));
}

static void test_lines_and_rests(void **state)
{
    struct input *input = *state;
    arrive(input, "one\n\ntwo\nre", 11);
    expect_line(input, "one", 3);
    expect_line(input, "", 0);
    expect_line(input, "two", 3);
    expect_none(input);
    assert_int_equal(th_cli_lines_partial_bytes(&input->lines), 2);
    arrive(input, "st\n", 3);
    expect_line(input, "rest", 4);
    expect_none(input);
    assert_int_equal(input->lines.number, 5);
    end_input(input);
    expect_none(input);
}

static void test_last_line_needs_no_newline(void **state)
{
    struct input *input = *state;
    arrive(input, "last", 4);
    expect_none(input);
    end_input(input);
    expect_line(input, "last", 4);
    expect_none(input);
    assert_int_equal(th_cli_lines_partial_bytes(&input->lines), 0);
}

static void test_nul_is_a_byte(void **state)
{
    struct input *input = *state;
    arrive(input, "a\0b\n\0\n", 6);
    expect_line(input, "a\0b", 3);
    expect_line(input, "\0", 1);
    expect_none(input);
}

static void test_same_line_until_dropped(void **state)
{
    struct input *input = *state;
    struct th_slice line;
    arrive(input, "one\ntwo\n", 8);
    for (int i = 0; i < 3; i++) {
        assert_true(th_cli_lines_next(&input->lines, &line));
        assert_memory_equal(line.data, "one", 3);
    }
    th_cli_lines_drop(&input->lines, line);
    expect_line(input, "two", 3);
}

static void test_longest_line(void **state)
{
    struct input *input = *state;
    arrive(input, "0123456789abcde\n", 16);
    expect_line(input, "0123456789abcde", 15);
    arrive(input, "0123456789abcdef\n", 17);
    expect_none(input);
    assert_int_equal(th_cli_lines_read(&input->lines, input->read_fd), TH_E_TOO_LARGE);
}

static void test_every_split(void **state)
{
    static const char text[] = "a\n\nbcd\nef\n0123456789\nlast";
    static const char *const expected[] = {"a", "", "bcd", "ef", "0123456789", "last"};
    struct input *input = *state;
    for (size_t piece = 1; piece <= 16; piece++) {
        struct th_slice line;
        size_t found = 0;
        th_cli_lines_open(&input->lines, input->buffer, sizeof input->buffer);
        for (size_t at = 0; at < sizeof text - 1; at += piece) {
            size_t count = sizeof text - 1 - at < piece ? sizeof text - 1 - at : piece;
            assert_int_equal(write(input->write_fd, text + at, count), count);
            for (size_t taken = 0; taken < count;) {
                size_t before = th_cli_lines_partial_bytes(&input->lines);
                assert_int_equal(th_cli_lines_read(&input->lines, input->read_fd), 0);
                taken += th_cli_lines_partial_bytes(&input->lines) - before;
                while (th_cli_lines_next(&input->lines, &line)) {
                    assert_int_equal(line.len_bytes, strlen(expected[found]));
                    assert_memory_equal(line.data, expected[found++], line.len_bytes);
                    th_cli_lines_drop(&input->lines, line);
                }
            }
        }
        assert_int_equal(found, 5);
        assert_int_equal(th_cli_lines_partial_bytes(&input->lines), 4);
    }
}

static void test_reading_fails(void **state)
{
    struct input *input = *state;
    assert_int_equal(th_cli_lines_read(&input->lines, -1), TH_E_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_and_rests, open_input, close_input),
        cmocka_unit_test_setup_teardown(test_last_line_needs_no_newline, open_input, close_input),
        cmocka_unit_test_setup_teardown(test_nul_is_a_byte, open_input, close_input),
        cmocka_unit_test_setup_teardown(test_same_line_until_dropped, open_input, close_input),
        cmocka_unit_test_setup_teardown(test_longest_line, open_input, close_input),
        cmocka_unit_test_setup_teardown(test_every_split, open_input, close_input),
        cmocka_unit_test_setup_teardown(test_reading_fails, open_input, close_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

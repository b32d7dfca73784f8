/* The moment a message came: as strftime() writes it, day by day. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/moment.h"

#define LETTERS "AaBbCcDdeFGgHhIjklMmnPpRrSsTtUuVWwXxYyZz%EOQfiJ!"

static void assert_as_libc(int64_t when_s)
{
    time_t when = (time_t)when_s;
    struct tm date;
    th_cli_moment_set((struct timespec){.tv_sec = when, .tv_nsec = 7654321});
    localtime_r(&when, &date);
    for (const char *letter = LETTERS; *letter; letter++) {
        char ours[TH_CLI_MOMENT_BYTES], theirs[128] = "";
        char format[] = {'@', *letter, '\0'}, strftimes[] = {'%', *letter, '\0'};
        size_t length = th_cli_moment_text(format, ours);
        strftime(theirs, sizeof theirs, strftimes, &date);
        if (strcmp(ours, theirs) || length != strlen(ours))
            fail_msg("@%c at %lld: %s, libc %s", *letter, (long long)when_s, ours, theirs);
    }
}

static void every_letter_is_libcs(void **state)
{
    static const char *const zones[] = {"UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "<-0330>3:30"};
    (void)state;
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        setenv("TZ", zones[i], 1);
        tzset();
        th_cli_moment_open();
        for (int64_t day = 10000; day < 10000 + 30 * 366; day++)
            assert_as_libc(day * 86400 + day * 7919 % 86400);
    }
}

static void fractions_and_plain_text(void **state)
{
    (void)state;
    char text[TH_CLI_MOMENT_BYTES];
    setenv("TZ", "UTC0", 1);
    th_cli_moment_open();
    th_cli_moment_set((struct timespec){.tv_sec = 1470818943, .tv_nsec = 7368637});
    th_cli_moment_text("@s.@N", text);
    assert_string_equal(text, "1470818943.007368637");
    th_cli_moment_text("@Y-@m-@dT@H:@M:@S." TH_CLI_MICROSECONDS "@z", text);
    assert_string_equal(text, "2016-08-10T08:49:03.007368+0000");
    th_cli_moment_text("a@@b@", text);
    assert_string_equal(text, "a@b@");
    assert_int_equal(th_cli_moment_text("@c@c@c@c", text), TH_CLI_MOMENT_BYTES - 1);
}

static const char *offset_with(const char *zone)
{
    static char text[TH_CLI_MOMENT_BYTES];
    if (zone)
        setenv("TZ", zone, 1);
    else
        unsetenv("TZ");
    th_cli_moment_open();
    th_cli_moment_set((struct timespec){.tv_sec = 1800000000});
    th_cli_moment_text("@z @Z", text);
    return text;
}

static const char *write_zone(const char *content, size_t bytes)
{
    static char path[] = "/tmp/test_moment.XXXXXX";
    static int fd = -1;
    if (fd < 0)
        fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, content, bytes, 0), bytes);
    return path;
}

static void zones_come_from_files_too(void **state)
{
    (void)state;
    char filler[300] = "TZif2";
    memcpy(filler + 280, "\nIST-5:30\n", 10);
    const char *path = write_zone(filler, 290);
    assert_string_equal(offset_with(path), "+0530 IST");
    write_zone("\n<+1245>-12:45\n", 15);
    assert_string_equal(offset_with(path), "+1245 +1245");
    write_zone("\nno rule at the end", 19);
    assert_string_equal(offset_with(path), "+0000 UTC");
    write_zone("\n\n", 2);
    assert_string_equal(offset_with(path), "+0000 UTC");
    write_zone("one line\n", 9);
    assert_string_equal(offset_with(path), "+0000 UTC");
    write_zone("", 0);
    assert_string_equal(offset_with(path), "+0000 UTC");
    unlink(path);
    assert_string_equal(offset_with(path), "+0000 UTC");
    assert_string_equal(offset_with(""), "+0000 UTC");
    assert_string_equal(offset_with(":"), "+0000 UTC");
    assert_string_equal(offset_with("No/Such_Zone"), "+0000 UTC");
    assert_int_equal(strlen(offset_with(NULL)) >= strlen("+0000 "), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_letter_is_libcs),
        cmocka_unit_test(fractions_and_plain_text),
        cmocka_unit_test(zones_come_from_files_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

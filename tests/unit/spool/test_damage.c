/* The queue on disk, when what lies there is damaged or cannot be read: the rest comes out, and
 * what is lost is told. */
#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* A part of a segment that cannot be read. */
static ino_t bad_file;
static off_t bad_from, bad_to;

ssize_t pread(int fd, void *out, size_t bytes, off_t at)
{
    struct stat about;
    bool is_it = bad_file && fstat(fd, &about) == 0 && about.st_ino == bad_file;
    if (is_it && at >= bad_from && at < bad_to) {
        errno = EIO;
        return -1;
    }
    if (is_it && at < bad_from && at + (off_t)bytes > bad_from)
        bytes = (size_t)(bad_from - at);
    return preadv(fd, &(struct iovec){out, bytes}, 1, at);
}

static int begin(void **state)
{
    bad_file = 0;
    return set_up(state);
}

#define MANY 60
#define STEP 11 /* bytes */

static unsigned failures;
static bool finishes;

static void fill_with(int many, uint64_t max_bytes)
{
    char text[64];
    finishes = many > TH_SPOOL_OPEN_MAX;
    config.max_bytes = max_bytes;
    open_it();
    for (int i = 1; i <= many; i++) {
        snprintf(text, sizeof text, "%d is the number of this", i);
        accept_one("topic", text);
    }
    th_spool_close(&spool);
}

static void fill(void)
{
    fill_with(MANY, 16384); /* a few segments */
}

/* Those that are left are as they were; how many. */
static unsigned left(void)
{
    char text[64];
    unsigned count = 0;
    uint64_t last = 0;
    int got;
    while ((got = next(&spool)) != 0) {
        if (got < 0 && ++failures < MANY)
            continue;
        uint8_t payload[64] = "";
        assert_true(item.seq > last);
        last = item.seq;
        snprintf(text, sizeof text, "%u is the number of this", (unsigned)item.seq);
        assert_int_equal(th_spool_payload(&spool, item.seq, 0, payload, sizeof payload, &fault),
                         (int)strlen(text));
        assert_string_equal((char *)payload, text);
        if (finishes)
            th_spool_done(&spool, item.seq, &fault);
        count++;
    }
    assert_int_equal(fault.code, 0);
    return count;
}

static void spoil(unsigned segment, off_t from, off_t to)
{
    char path[128];
    struct stat about;
    snprintf(path, sizeof path, "%s/%08x.seg", place, segment);
    assert_int_equal(stat(path, &about), 0);
    th_spool_reader_close(&spool.scan);
    th_spool_reader_close(&spool.cursor);
    bad_file = about.st_ino;
    bad_from = from;
    bad_to = to;
}

#define MORE 400
#define LOST 66 /* in a page, at most */

/* It holds up what is behind it for three tries; what is lost is what lies there. */
static void test_a_page_that_cannot_be_read(void **state)
{
    (void)state;
    fill_with(MORE, 262144);
    open_it();
    spoil(1, 4096, 8192);
    failures = damages = 0;
    unsigned count = left();
    assert_true(failures >= 2 && failures <= 8); /* twice, and where the window begins in it */
    assert_true(count < MORE && count > MORE - LOST);
    assert_int_equal(damages, 1);
    assert_int_equal(stat_of(&spool).messages, 0);
}

static void test_it_is_opened_all_the_same(void **state)
{
    (void)state;
    fill_with(MORE, 262144);
    spoil(2, 0, 4096); /* and if its beginning is gone, all of it */
    open_it();
    assert_int_equal(damages, 1);
    assert_true(stat_of(&spool).messages > 100);
    th_spool_close(&spool);
    damages = 0;
    spoil(1, 4096, 8192);
    open_it();
    assert_int_equal(damages, 1);
    unsigned count = left();
    assert_true(count < MORE && count > MORE - LOST);
}

/* One that is on its way. */
static void test_a_message_becomes_unreadable(void **state)
{
    (void)state;
    open_it();
    accept_one("a", "1");
    accept_one("b", "2");
    holds(&spool, "a", "1");
    uint64_t seq = item.seq;
    assert_int_equal(th_spool_again(&spool, seq, now, &item, &fault), 1);
    spoil(1, 0, 4096);
    for (int tries = 1; tries < 3; tries++)
        assert_int_equal(th_spool_again(&spool, seq, now, &item, &fault), TH_E_FILE);
    assert_int_equal(th_spool_again(&spool, seq, now, &item, &fault), 0);
    bad_file = 0;
    holds(&spool, "b", "2");
}

/* Bytes of each segment, one bit of each: at most the record it is in is lost, and it is told,
 * unless it looks like a write that was cut off, or is no message. */
static void test_a_bit_anywhere(void **state)
{
    (void)state;
    fill();
    unsigned flips = 0, lost = 0, told = 0;
    for (unsigned segment = 1; segment < 20; segment++) {
        char path[128];
        struct stat about;
        snprintf(path, sizeof path, "%s/%08x.seg", place, segment);
        if (stat(path, &about) < 0)
            break;
        for (off_t at = 0; at < about.st_size; at += STEP) {
            uint8_t byte, flipped;
            int fd = open(path, O_RDWR);
            assert_int_equal(pread(fd, &byte, 1, at), 1);
            flipped = byte ^ (uint8_t)(1u << (at % 8));
            assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
            damages = 0;
            struct th_spool_config looking = config;
            fault = (struct th_fault){0};
            assert_int_equal(th_spool_open(&spool, &looking, TH_SPOOL_LOOK, now, &fault), 0);
            unsigned count = left();
            assert_true(count >= MANY - 1);
            lost += count < MANY;
            told += damages > 0;
            flips++;
            th_spool_close(&spool);
            assert_int_equal(pwrite(fd, &byte, 1, at), 1);
            close(fd);
        }
    }
    print_message("%u bits flipped: %u messages lost, %u told\n", flips, lost, told);
    assert_true(flips > 400 && lost > 300 && told > lost - 60);
    open_it();
    assert_int_equal(left(), MANY);
}

static void test_a_torn_tail(void **state)
{
    (void)state;
    char path[128];
    struct stat about;
    fill();
    for (unsigned segment = 20; segment > 0; segment--) {
        snprintf(path, sizeof path, "%s/%08x.seg", place, segment);
        if (stat(path, &about) == 0)
            break;
    }
    for (off_t bytes = about.st_size; bytes >= TH_SPOOL_BEGIN_BYTES; bytes -= 3) {
        assert_int_equal(truncate(path, bytes), 0);
        fault = (struct th_fault){0};
        assert_int_equal(th_spool_open(&spool, &config, TH_SPOOL_LOOK, now, &fault), 0);
        unsigned count = left();
        assert_true(count > 0 && count <= MANY);
        th_spool_close(&spool);
    }
    assert_int_equal(damages, 0);
    open_it();
    unsigned count = left();
    accept_one("topic", "x");
    open_again();
    th_spool_rewind(&spool);
    assert_int_equal(stat_of(&spool).messages, count + 1);
    assert_int_equal(damages, 0);
}

static void test_a_segment_that_is_missing(void **state)
{
    (void)state;
    char path[128];
    fill();
    snprintf(path, sizeof path, "%s/00000002.seg", place);
    assert_int_equal(unlink(path), 0);
    open_it();
    assert_true(damages > 0);
    unsigned count = left();
    assert_true(count > 10 && count < MANY);
    accept_one("topic", "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_page_that_cannot_be_read, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_it_is_opened_all_the_same, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_a_message_becomes_unreadable, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bit_anywhere, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_a_torn_tail, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_a_segment_that_is_missing, begin, tear_down),
    };
    spool.dir = second.dir = -1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

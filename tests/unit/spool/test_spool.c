/* The queue on disk: what was accepted comes out again, once, in order, whatever was closed or
 * damaged between. Power cuts and failing disks are tests/spool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"
#include "spool/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <thimble/identity.h>
#include <unistd.h>

static char top[40], place[64];
static struct th_spool spool, second;
static struct th_spool_config config;
static struct th_fault fault;
static uint64_t now = 1700000000;
static char dropped[1024];
static unsigned damages;

static void on_drop(void *arg, uint64_t seq, struct th_slice topic, enum th_spool_cause cause)
{
    (void)arg;
    size_t used = strlen(dropped);
    snprintf(dropped + used, sizeof dropped - used, "%u:%.*s:%s ", (unsigned)seq,
             (int)topic.len_bytes, (const char *)topic.data, th_spool_cause_name(cause));
}

static void on_damage(void *arg, uint32_t segment, uint64_t offset_bytes, uint64_t bytes)
{
    (void)arg;
    assert_true(segment > 0 && offset_bytes + bytes < 65536);
    damages++;
}

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

static int set_up(void **state)
{
    (void)state;
    bool has_memory = access("/dev/shm", W_OK) == 0; /* syncs cost nothing there */
    snprintf(top, sizeof top, "%s/thimble-spool-XXXXXX", has_memory ? "/dev/shm" : "/tmp");
    if (!mkdtemp(top))
        return -1;
    snprintf(place, sizeof place, "%s/a/spool", top);
    config = (struct th_spool_config){.path = place, .max_bytes = 65536, .dropped = on_drop,
                                      .damaged = on_damage};
    fault = (struct th_fault){0};
    dropped[0] = '\0';
    damages = 0;
    bad_file = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    th_spool_close(&spool);
    th_spool_close(&second);
    snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", top, top);
    return system(command);
}

/* ---- words ----------------------------------------------------------------------------------- */

static void open_it(void)
{
    int result = th_spool_open(&spool, &config, TH_SPOOL_OWN, now, &fault);
    if (result < 0)
        print_error("%s\n", fault.text);
    assert_int_equal(result, 0);
}

static void open_again(void)
{
    th_spool_close(&spool);
    open_it();
}

static struct th_spool_message message_of(const char *topic, const char *payload)
{
    return (struct th_spool_message){.topic = th_slice_text(topic), .qos = 1,
                                     .payload = th_slice_text(payload)};
}

static int append_message(struct th_spool_message message)
{
    uint64_t seq = 0;
    fault = (struct th_fault){0};
    return th_spool_append(&spool, &message, now, &seq, &fault);
}

static int append(const char *topic, const char *payload)
{
    return append_message(message_of(topic, payload));
}

static void sync_it(void)
{
    assert_int_equal(th_spool_sync(&spool, now, &fault), 0);
}

static void accept_one(const char *topic, const char *payload)
{
    assert_int_equal(append(topic, payload), TH_SPOOL_APPENDED);
    sync_it();
}

static struct th_spool_item item;

static int next(struct th_spool *from)
{
    fault = (struct th_fault){0};
    return th_spool_next(from, now, &item, &fault);
}

static void holds(struct th_spool *from, const char *topic, const char *payload)
{
    uint8_t text[64] = "";
    assert_int_equal(next(from), 1);
    assert_true(th_slice_equal(item.message.topic, th_slice_text(topic)));
    assert_int_equal(item.payload_bytes, strlen(payload));
    assert_int_equal(th_spool_payload(from, item.seq, 0, text, sizeof text, &fault),
                     (int)strlen(payload));
    assert_memory_equal(text, payload, strlen(payload));
}

static void finish(void)
{
    assert_int_equal(th_spool_done(&spool, item.seq, &fault), 0);
}

static void is_empty(void)
{
    assert_int_equal(next(&spool), 0);
}

static struct th_spool_stat stat_of(struct th_spool *of)
{
    struct th_spool_stat stat;
    th_spool_look(of, &stat);
    return stat;
}

static unsigned segments_of(struct th_spool *of)
{
    struct th_spool_stat stat = stat_of(of);
    return stat.last_segment - stat.first_segment + 1;
}

/* ---- accepted and done ----------------------------------------------------------------------- */

static void test_in_order(void **state)
{
    (void)state;
    open_it();
    is_empty();
    assert_int_equal(append("a", "one"), TH_SPOOL_APPENDED);
    is_empty(); /* not before it is on the disk */
    assert_true(th_spool_is_dirty(&spool));
    sync_it();
    assert_false(th_spool_is_dirty(&spool));
    accept_one("b", "");
    holds(&spool, "a", "one");
    finish();
    holds(&spool, "b", "");
    is_empty();
    open_again();
    holds(&spool, "b", ""); /* taken, not done */
    finish();
    open_again();
    is_empty();
    assert_int_equal(stat_of(&spool).messages, 0);
}

static void test_one_sync_for_many(void **state)
{
    (void)state;
    open_it();
    for (int i = 0; i < 100; i++)
        assert_int_equal(append("t", "x"), TH_SPOOL_APPENDED);
    uint32_t before = stat_of(&spool).syncs;
    sync_it();
    assert_int_equal(stat_of(&spool).syncs, before + 1);
    assert_int_equal(th_spool_accepted(&spool), 100);
}

static void test_all_of_a_message(void **state)
{
    (void)state;
    static uint8_t large[9000];
    struct th_spool_message message = message_of("a/b", "");
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(i * 7);
    message.payload = th_slice_of(large, sizeof large);
    message.id = th_slice_text("producer-7");
    message.properties = th_slice_of("\x03\x00\x01j", 4);
    message.qos = 2;
    message.retain = message.expires = true;
    message.expiry_s = 100;
    open_it();
    assert_int_equal(append_message(message), TH_SPOOL_APPENDED);
    open_again();
    now += 40;
    assert_int_equal(next(&spool), 1);
    assert_true(th_slice_equal(item.message.topic, message.topic));
    assert_true(th_slice_equal(item.message.id, message.id));
    assert_true(th_slice_equal(item.message.properties, message.properties));
    assert_true(item.message.retain && item.message.expires && !item.message.conflate);
    assert_int_equal(item.message.qos, 2);
    assert_int_equal(item.message.expiry_s, 60);
    assert_int_equal(item.payload_bytes, sizeof large);
    assert_int_equal(item.accepted_s, now - 40);
    uint8_t piece[1000];
    for (unsigned at = 0; at < sizeof large; at += sizeof piece) {
        assert_int_equal(th_spool_payload(&spool, item.seq, at, piece, sizeof piece, &fault),
                         sizeof piece);
        assert_memory_equal(piece, large + at, sizeof piece);
    }
    assert_int_equal(th_spool_payload(&spool, item.seq, sizeof large, piece, 1, &fault), 0);
    assert_int_equal(th_spool_payload(&spool, 99, 0, piece, 1, &fault), TH_E_FILE);
}

static void test_states_of_qos_2(void **state)
{
    (void)state;
    open_it();
    for (int i = 0; i < 3; i++)
        accept_one("t", "x");
    for (uint16_t id = 10; id < 13; id++) {
        assert_int_equal(next(&spool), 1);
        assert_int_equal(item.state, TH_SPOOL_WAITING);
        assert_int_equal(th_spool_sent(&spool, item.seq, id, &fault), 0);
    }
    assert_int_equal(th_spool_find(&spool, 11), 2);
    assert_int_equal(th_spool_find(&spool, 99), 0);
    assert_int_equal(th_spool_released(&spool, 2, &fault), 0);
    assert_int_equal(th_spool_done(&spool, 3, &fault), 0);
    assert_int_equal(th_spool_released(&spool, 3, &fault), TH_E_ARGUMENT);
    for (int times = 0; times < 2; times++) {
        open_again();
        assert_int_equal(next(&spool), 1);
        assert_int_equal(item.seq, 1);
        assert_int_equal(item.state, TH_SPOOL_SENT);
        assert_int_equal(item.packet_id, 10);
        assert_int_equal(next(&spool), 1);
        assert_int_equal(item.state, TH_SPOOL_RELEASED);
        assert_int_equal(item.packet_id, 11);
        is_empty();
    }
    th_spool_rewind(&spool);
    assert_int_equal(next(&spool), 1);
    assert_int_equal(item.seq, 1);
}

static void test_no_more_than_64_open(void **state)
{
    (void)state;
    open_it();
    for (int i = 0; i < 70; i++)
        accept_one("t", "x");
    for (int i = 0; i < TH_SPOOL_OPEN_MAX; i++)
        assert_int_equal(next(&spool), 1);
    is_empty();
    for (uint64_t seq = TH_SPOOL_OPEN_MAX; seq > 32; seq--)
        assert_int_equal(th_spool_done(&spool, seq, &fault), 0);
    assert_int_equal(next(&spool), 1);
    assert_int_equal(item.seq, TH_SPOOL_OPEN_MAX + 1);
    open_again();
    for (uint64_t seq = 1; seq <= 32; seq++) {
        assert_int_equal(next(&spool), 1);
        assert_int_equal(item.seq, seq);
    }
    assert_int_equal(next(&spool), 1);
    assert_int_equal(item.seq, TH_SPOOL_OPEN_MAX + 1);
    assert_int_equal(stat_of(&spool).messages, 38);
}

static void test_segments_come_and_go(void **state)
{
    (void)state;
    char text[64];
    open_it();
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, "payload %d", i);
        accept_one("some/topic", text);
        if (i < 100)
            continue;
        snprintf(text, sizeof text, "payload %d", i - 100);
        holds(&spool, "some/topic", text);
        finish();
        if (i % 37 == 0)
            open_again();
    }
    assert_int_equal(stat_of(&spool).messages, 100);
    assert_true(segments_of(&spool) < 5);
    assert_true(stat_of(&spool).first_segment > 10);
}

/* ---- ids ------------------------------------------------------------------------------------- */

static int append_id(unsigned number)
{
    char id[16];
    struct th_spool_message message = message_of("t", "x");
    snprintf(id, sizeof id, "id-%u", number);
    message.id = th_slice_text(id);
    return append_message(message);
}

static void test_an_id_is_accepted_once(void **state)
{
    (void)state;
    open_it();
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(append_id(i), TH_SPOOL_APPENDED);
    assert_int_equal(append_id(3), TH_SPOOL_KNOWN);
    sync_it();
    while (next(&spool) == 1)
        finish();
    for (unsigned i = 10; i < 10 + TH_SPOOL_IDS - 10; i++) /* the ten are still remembered */
        assert_int_equal(append_id(i), TH_SPOOL_APPENDED);
    for (int i = 0; i < 200; i++) { /* their segments are gone */
        accept_one("filler", "0123456789012345678901234567890123456789");
        while (next(&spool) == 1)
            finish();
    }
    assert_true(stat_of(&spool).first_segment > 2);
    open_again();
    assert_int_equal(append_id(0), TH_SPOOL_KNOWN);
    assert_int_equal(append_id(TH_SPOOL_IDS - 1), TH_SPOOL_KNOWN);
    assert_int_equal(append_id(1000), TH_SPOOL_APPENDED);
    assert_int_equal(append_id(0), TH_SPOOL_APPENDED); /* the 65th is forgotten */
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void test_oldest_is_dropped(void **state)
{
    (void)state;
    config.max_messages = 3;
    open_it();
    for (int i = 0; i < 5; i++)
        accept_one("t", (char[]){(char)('a' + i), 0});
    assert_string_equal(dropped, "1:t:full 2:t:full ");
    holds(&spool, "t", "c");
    accept_one("t", "f"); /* what is taken stays */
    assert_string_equal(dropped, "1:t:full 2:t:full 4:t:full ");
    open_again();
    holds(&spool, "t", "c");
    holds(&spool, "t", "e");
    holds(&spool, "t", "f");
    is_empty();
    assert_int_equal(stat_of(&spool).dropped[TH_SPOOL_FULL], 3);
    assert_int_equal(append("t", "g"), TH_E_SEND_FULL); /* all are taken */
}

static void test_newest_is_dropped_or_refused(void **state)
{
    (void)state;
    config.max_messages = 2;
    config.policy = TH_SPOOL_NEWEST;
    open_it();
    accept_one("t", "a");
    accept_one("t", "b");
    assert_int_equal(append("t", "c"), TH_SPOOL_DROPPED);
    assert_string_equal(dropped, "0:t:full ");
    config.policy = TH_SPOOL_REFUSE;
    open_again();
    assert_int_equal(append("t", "c"), TH_E_SEND_FULL);
    holds(&spool, "t", "a");
    finish();
    assert_int_equal(append("t", "c"), TH_SPOOL_APPENDED);
}

/* They count when the next message comes. */
static void test_other_limits(void **state)
{
    (void)state;
    open_it();
    for (int i = 0; i < 5; i++)
        accept_one("t", (char[]){(char)('a' + i), 0});
    config.max_messages = 3;
    assert_int_equal(th_spool_limit(&spool, &config, &fault), 0);
    assert_string_equal(dropped, "");
    accept_one("t", "f");
    assert_string_equal(dropped, "1:t:full 2:t:full 3:t:full ");
    config.policy = TH_SPOOL_REFUSE;
    assert_int_equal(th_spool_limit(&spool, &config, &fault), 0);
    assert_int_equal(append("t", "g"), TH_E_SEND_FULL);
    config.max_messages = 0;
    assert_int_equal(th_spool_limit(&spool, &config, &fault), 0);
    accept_one("t", "g");
    assert_int_equal(stat_of(&spool).messages, 4);
    open_again();
    holds(&spool, "t", "d");
}

/* Those before stay. */
static void test_limits_that_cannot_be(void **state)
{
    (void)state;
    config.max_messages = 1;
    config.policy = TH_SPOOL_REFUSE;
    open_it();
    accept_one("t", "a");
    const struct th_spool_config small = {.path = place, .max_bytes = 16383};
    assert_int_equal(th_spool_limit(&spool, &small, &fault), TH_E_ARGUMENT);
    assert_string_equal(fault.text, "a spool needs 16384 bytes");
    assert_int_equal(append("t", "b"), TH_E_SEND_FULL);
}

static uint64_t bytes_on_disk(void)
{
    char command[160];
    unsigned long bytes = 0;
    snprintf(command, sizeof command, "cat %s/*.seg | wc -c", place);
    FILE *out = popen(command, "r");
    assert_int_equal(fscanf(out, "%lu", &bytes), 1);
    pclose(out);
    return bytes;
}

static void test_bytes_on_disk(void **state)
{
    (void)state;
    char payload[300];
    memset(payload, 'x', sizeof payload);
    payload[299] = '\0';
    for (int policy = TH_SPOOL_OLDEST; policy <= TH_SPOOL_REFUSE; policy += 2) {
        config.policy = (enum th_spool_policy)policy;
        open_again();
        for (int i = 0; i < 500; i++) {
            int result = append("t", payload);
            assert_int_equal(result, policy == TH_SPOOL_OLDEST || !result ? 0 : TH_E_SEND_FULL);
            sync_it();
            assert_true(bytes_on_disk() <= config.max_bytes);
            assert_int_equal(bytes_on_disk(), stat_of(&spool).disk_bytes);
        }
        assert_true(stat_of(&spool).messages > 120);
    }
    assert_true(stat_of(&spool).dropped[TH_SPOOL_FULL] > 300);
}

static void test_what_can_never_fit(void **state)
{
    (void)state;
    static char huge[20000], long_topic[2100];
    memset(huge, 'x', sizeof huge - 1);
    memset(long_topic, 'x', sizeof long_topic - 1);
    open_it();
    assert_int_equal(append("t", huge), TH_E_TOO_LARGE);
    assert_int_equal(append(long_topic, ""), TH_E_TOO_LARGE);
    struct th_spool_message message = message_of("t", "");
    message.id = th_slice_of(huge, 65);
    assert_int_equal(append_message(message), TH_E_ARGUMENT);
    message = message_of("t", "");
    message.qos = 3;
    assert_int_equal(append_message(message), TH_E_ARGUMENT);
    huge[15000] = '\0';
    for (int i = 0; i < 50; i++) /* larger than a segment */
        accept_one("t", huge);
    open_again();
    assert_true(stat_of(&spool).messages > 1);
    config.max_bytes = 1000;
    th_spool_close(&spool);
    assert_int_equal(th_spool_open(&spool, &config, TH_SPOOL_OWN, now, &fault), TH_E_ARGUMENT);
}

static void test_age_and_expiry(void **state)
{
    (void)state;
    struct th_spool_message message = message_of("short", "");
    message.expires = true;
    message.expiry_s = 10;
    config.max_age_s = 100;
    open_it();
    assert_int_equal(append_message(message), TH_SPOOL_APPENDED);
    accept_one("long", "");
    now += 10;
    holds(&spool, "long", "");
    assert_string_equal(dropped, "1:short:expired ");
    accept_one("later", "");
    open_again();
    now += 95;
    holds(&spool, "later", ""); /* the other was taken, but never sent, and is too old */
    assert_string_equal(dropped, "1:short:expired 2:long:aged ");
    assert_int_equal(th_spool_sent(&spool, item.seq, 7, &fault), 0);
    open_again();
    now += 1000;
    holds(&spool, "later", ""); /* may have reached the broker */
    now -= 5000;
    accept_one("x", "");
    now -= 5000; /* a clock that goes back ages nothing */
    holds(&spool, "x", "");
}

/* A board without a battery begins in 1970, and then the clock is set. */
static void test_a_clock_that_was_not_set(void **state)
{
    (void)state;
    uint64_t real_s = now;
    struct th_spool_message message = message_of("short", "");
    message.expires = true;
    message.expiry_s = 10;
    config.max_age_s = 100;
    now = 60;
    open_it();
    assert_int_equal(append_message(message), TH_SPOOL_APPENDED);
    accept_one("long", "");
    now = real_s;
    open_again();
    holds(&spool, "short", "");
    assert_int_equal(item.message.expiry_s, 10);
    holds(&spool, "long", "");
    assert_string_equal(dropped, "");
    accept_one("known", "");
    now += 101;
    assert_int_equal(next(&spool), 0);
    assert_string_equal(dropped, "3:known:aged ");
}

static void append_conflated(const char *topic, const char *payload)
{
    struct th_spool_message message = message_of(topic, payload);
    message.conflate = true;
    assert_int_equal(append_message(message), TH_SPOOL_APPENDED);
}

static void test_conflation(void **state)
{
    (void)state;
    open_it();
    append_conflated("status", "1");
    accept_one("other", "2");
    append_conflated("status", "3");
    append_conflated("alarm", "4");
    append_conflated("status", "5");
    open_again();
    holds(&spool, "other", "2");
    holds(&spool, "alarm", "4");
    holds(&spool, "status", "5");
    assert_string_equal(dropped, "1:status:superseded 3:status:superseded ");
    append_conflated("status", "6");
    th_spool_rewind(&spool);
    assert_int_equal(next(&spool), 1);
}

static void test_daily_budget(void **state)
{
    (void)state;
    config.daily_bytes = 5000;
    now = now / 86400 * 86400;
    open_it();
    int accepted = 0;
    while (append("t", "0123456789") == TH_SPOOL_APPENDED && accepted < 1000) {
        sync_it();
        accepted++;
    }
    assert_in_range(accepted, 50, 100);
    assert_non_null(strstr(fault.text, "today"));
    open_again(); /* the meter is on the disk */
    assert_int_equal(append("t", "0123456789"), TH_E_SEND_FULL);
    assert_in_range(stat_of(&spool).written_today_bytes, 4000, 6000);
    now += 86400;
    accept_one("t", "0123456789");
    assert_in_range(stat_of(&spool).written_today_bytes, 10, 3000);
}

static void test_drop(void **state)
{
    (void)state;
    open_it();
    for (int i = 0; i < 10; i++)
        accept_one("t", "x");
    assert_int_equal(next(&spool), 1);
    assert_int_equal(th_spool_sent(&spool, 1, 1, &fault), 0);
    open_again();
    assert_int_equal(th_spool_drop(&spool, 4, &fault), 4);
    open_again();
    assert_int_equal(next(&spool), 1);
    assert_int_equal(item.seq, 5);
    assert_int_equal(th_spool_drop(&spool, UINT64_MAX, &fault), 5); /* 5 is taken */
    finish();
    assert_int_equal(stat_of(&spool).dropped[TH_SPOOL_REMOVED], 9);
    is_empty();
}

/* ---- others ---------------------------------------------------------------------------------- */

static void test_one_owner(void **state)
{
    (void)state;
    char expected[32];
    open_it();
    accept_one("t", "x");
    assert_int_equal(th_spool_open(&second, &config, TH_SPOOL_TAKE, now, &fault), TH_E_FILE);
    snprintf(expected, sizeof expected, "process %d has", (int)getpid());
    assert_non_null(strstr(fault.text, expected));
    assert_int_equal(fault.sys_errno, EAGAIN);
    fault = (struct th_fault){0};
    assert_int_equal(th_spool_open(&second, &config, TH_SPOOL_LOOK, now, &fault), 0);
    holds(&second, "t", "x");
    assert_int_equal(next(&second), 0);
    assert_int_equal(stat_of(&second).messages, 1);
    holds(&spool, "t", "x"); /* it did not notice */
}

static void test_looking_changes_nothing(void **state)
{
    (void)state;
    open_it();
    for (int i = 0; i < 200; i++)
        accept_one("t", "0123456789012345678901234567890123456789");
    th_spool_close(&spool);
    char command[200], before[80], after[80];
    snprintf(command, sizeof command, "cd %s && ls -l --time-style=full-iso | md5sum", place);
    FILE *out = popen(command, "r");
    assert_non_null(fgets(before, sizeof before, out));
    pclose(out);
    assert_int_equal(th_spool_open(&second, &config, TH_SPOOL_LOOK, now, &fault), 0);
    unsigned count = 0;
    while (next(&second) == 1)
        assert_int_equal(item.seq, ++count);
    assert_int_equal(count, 200);
    th_spool_close(&second);
    out = popen(command, "r");
    assert_non_null(fgets(after, sizeof after, out));
    pclose(out);
    assert_string_equal(before, after);
}

static void test_files_are_ours_alone(void **state)
{
    (void)state;
    struct stat about;
    char path[128], other[128];
    open_it();
    accept_one("t", "x");
    th_spool_close(&spool);
    assert_int_equal(stat(place, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0700);
    snprintf(path, sizeof path, "%s/00000001.seg", place);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    chmod(path, 0640);
    assert_int_equal(th_spool_open(&spool, &config, TH_SPOOL_OWN, now, &fault), TH_E_FILE);
    assert_int_equal(fault.reason, TH_BAD_PERMISSIONS);
    chmod(path, 0600);
    snprintf(other, sizeof other, "%s/elsewhere", top);
    rename(path, other);
    assert_int_equal(symlink(other, path), 0);
    fault = (struct th_fault){0};
    assert_int_equal(th_spool_open(&spool, &config, TH_SPOOL_OWN, now, &fault), TH_E_FILE);
    unlink(path);
    rename(other, path);
    chmod(place, 0755);
    fault = (struct th_fault){0};
    assert_int_equal(th_spool_open(&spool, &config, TH_SPOOL_OWN, now, &fault), TH_E_FILE);
    chmod(place, 0700);
    fault = (struct th_fault){0};
    open_it();
    snprintf(other, sizeof other, "%s/none", top);
    config.path = other;
    th_spool_close(&spool);
    assert_int_equal(th_spool_open(&spool, &config, TH_SPOOL_TAKE, now, &fault), TH_E_FILE);
    assert_int_equal(fault.reason, TH_MISSING);
}

/* ---- damage ---------------------------------------------------------------------------------- */

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
        cmocka_unit_test_setup_teardown(test_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_sync_for_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_of_a_message, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_states_of_qos_2, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_more_than_64_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_segments_come_and_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_id_is_accepted_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_oldest_is_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_newest_is_dropped_or_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits_that_cannot_be, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bytes_on_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_can_never_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_age_and_expiry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_clock_that_was_not_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_conflation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_daily_budget, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_drop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_owner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_looking_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_are_ours_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_page_that_cannot_be_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_it_is_opened_all_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_message_becomes_unreadable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bit_anywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_torn_tail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_segment_that_is_missing, set_up, tear_down),
    };
    spool.dir = second.dir = -1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

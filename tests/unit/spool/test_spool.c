/* The queue on disk: what was accepted comes out again, once, in order, whatever was closed
 * between. Damage, power cuts and failing disks have tests of their own beside this. */
#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <thimble/identity.h>

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
    };
    spool.dir = second.dir = -1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

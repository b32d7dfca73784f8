/* The agent's queue between a spool and a connection that is played here. */
#include "agent/queue.h"

#include "agent/plain.h"
#include "cli/connection.h"
#include "cli/say.h"
#include "spool/record.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MOST 200

/* ---- the connection -------------------------------------------------------------------------- */

static struct th_message published[MOST];
static unsigned count, room, releases;
static char said[300];

struct th_client *th_cli_connection_client(void)
{
    return (struct th_client *)published;
}

struct th_client *th_agent_plain_carrier(struct th_slice topic, uint8_t qos)
{
    (void)topic, (void)qos;
    return th_cli_connection_client();
}

static const struct th_received *received;

void th_cli_connection_keep(const struct th_received *lent)
{
    received = lent;
}

void th_cli_out_flush(void)
{
}

bool th_cli_connection_is_ending(void)
{
    return false;
}

void th_cli_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(said, sizeof said, format, args);
    va_end(args);
}

void th_cli_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(said, sizeof said, format, args);
    va_end(args);
}

int th_cli_say_fault(const struct th_fault *fault)
{
    fail_msg("%s", fault->text);
    return 1;
}

bool th_room_for(const struct th_client *client, size_t message_bytes)
{
    (void)client;
    return message_bytes < room;
}

int th_publish(struct th_client *client, const struct th_message *message)
{
    (void)client;
    published[count++] = *message;
    return message->packet_id;
}

const struct th_fault *th_request_fault(const struct th_client *client)
{
    static const struct th_fault none;
    (void)client;
    return &none;
}

enum th_phase th_phase(const struct th_client *client)
{
    (void)client;
    return TH_PHASE_UP;
}

void th_release(struct th_client *client)
{
    (void)client;
    releases++;
}

static const void *withdrawn;

bool th_withdraw(struct th_client *client, const void *source_arg)
{
    (void)client;
    withdrawn = source_arg;
    return true;
}

static bool sync_fails;

int fdatasync(int fd)
{
    errno = EIO;
    return sync_fails ? -1 : fsync(fd);
}

/* ---- a queue --------------------------------------------------------------------------------- */

static char path[64];
static struct th_cli_settings settings;

static void work(void)
{
    while (th_agent_queue.turn())
        ;
}

static int begin(void **state)
{
    (void)state;
    strcpy(path, "/tmp/thimble-queue-XXXXXX");
    assert_non_null(mkdtemp(path));
    settings = (struct th_cli_settings){.spool = path, .version = TH_MQTT_3_1_1};
    count = releases = 0;
    withdrawn = NULL;
    room = 1 << 20;
    return th_agent_queue.open(&settings);
}

static void hear(enum th_event_kind kind, unsigned seq)
{
    struct th_event event = {.kind = kind, .packet_id = (uint16_t)(TH_PACKET_ID_OWN + seq)};
    th_agent_queue.event(&event);
}

/* Nothing may be on its way then. */
static int end(void **state)
{
    char command[96];
    (void)state;
    for (unsigned seq = 1; seq <= MOST; seq++)
        hear(TH_EVENT_PUBLISHED, seq);
    th_agent_queue.close();
    snprintf(command, sizeof command, "rm -r %s", path);
    return system(command);
}

static void put(unsigned messages)
{
    static const struct th_spool_message message = {.topic = {(const uint8_t *)"t", 1}, .qos = 2};
    struct th_fault fault = {0};
    uint64_t seq;
    while (messages-- > 0)
        assert_int_equal(th_agent_queue_put(&message, &seq, &fault), TH_SPOOL_APPENDED);
}

/* Numbers of the records of this type in the first segment, in their order. */
static unsigned records(uint8_t type, uint64_t *seqs)
{
    static uint8_t bytes[1 << 16];
    char name[96];
    unsigned found = 0;
    struct th_spool_record record;
    snprintf(name, sizeof name, "%s/00000001.seg", path);
    FILE *file = fopen(name, "rb");
    size_t end = fread(bytes, 1, sizeof bytes, file);
    const uint8_t *at = bytes + 12;
    uint32_t salt = (uint32_t)th_spool_get(&at, 4);
    fclose(file);
    for (size_t i = TH_SPOOL_BEGIN_BYTES; i + TH_SPOOL_HEAD_BYTES <= end; i += record.bytes) {
        assert_true(th_spool_head_get(bytes + i, &record, salt, (uint32_t)(end - i)));
        if (record.type == type)
            seqs[found++] = record.seq;
    }
    return found;
}

static void assert_ascending(uint8_t type, unsigned wanted)
{
    uint64_t seqs[MOST];
    assert_int_equal(records(type, seqs), wanted);
    for (unsigned i = 1; i < wanted; i++)
        assert_true(seqs[i - 1] < seqs[i]);
}

/* ---- the tests ------------------------------------------------------------------------------- */

static void finish(unsigned seq)
{
    hear(TH_EVENT_RECEIVED, seq);
    work();
    hear(TH_EVENT_PUBLISHED, seq);
    work();
}

/* Kill -9 keeps a part of what is written, from its beginning: whoever is released there must have
 * all that are older released, or their PUBLISH comes behind its PUBREL. */
static void test_it_is_written_in_order(void **state)
{
    (void)state;
    put(3);
    work();
    assert_int_equal(count, 3);
    finish(1);
    put(30); /* one of them takes the place of the first */
    work();
    assert_int_equal(count, 33);
    for (unsigned seq = 2; seq <= 33; seq++)
        hear(TH_EVENT_RECEIVED, seq);
    work();
    assert_ascending(TH_SPOOL_IS_SENT, 33);
    assert_ascending(TH_SPOOL_IS_RELEASED, 33);
}

/* More than can be on their way at once, the oldest of them last. */
static void test_all_have_their_turn(void **state)
{
    (void)state;
    put(MOST);
    work();
    assert_int_equal(count, TH_SPOOL_OPEN_MAX);
    for (unsigned seq = 2; seq <= TH_SPOOL_OPEN_MAX; seq++)
        finish(seq);
    for (unsigned seq = 1; seq <= MOST; seq++)
        finish(seq);
    assert_int_equal(count, MOST);
    for (unsigned i = 0; i < MOST; i++)
        assert_int_equal(published[i].packet_id, TH_PACKET_ID_OWN + i + 1);
}

/* "Released" is known, but not on the disk: neither PUBREL nor, over a new connection, what resumes
 * with PUBREL may go out. */
static void test_a_new_connection_waits_for_the_disk(void **state)
{
    (void)state;
    put(1);
    work();
    sync_fails = true;
    hear(TH_EVENT_RECEIVED, 1);
    work();
    th_agent_queue_look_again(true);
    work();
    assert_int_equal(releases, 0);
    assert_int_equal(count, 1);
    sync_fails = false;
    usleep(1100000);
    work();
    assert_int_equal(count, 2);
    assert_int_equal(published[1].taken_up, TH_TAKEN_RELEASED);
}

static void break_off(enum th_phase phase)
{
    struct th_fault fault = {.code = TH_E_CLOSED, .phase = phase};
    struct th_event event = {.kind = TH_EVENT_DISCONNECTED, .fault = &fault};
    th_agent_queue.event(&event);
}

/* Three connections that the broker had accepted, in a row, without an acknowledgement; told once. */
static void test_a_message_that_may_be_refused(void **state)
{
    (void)state;
    *said = 0;
    for (unsigned i = 0; i < 5; i++)
        break_off(TH_PHASE_UP);
    assert_false(th_agent_queue_is_stuck());
    put(2);
    work();
    for (unsigned i = 0; i < 5; i++)
        break_off(TH_PHASE_GREETING);
    break_off(TH_PHASE_UP), break_off(TH_PHASE_UP);
    hear(TH_EVENT_RECEIVED, 2);
    work();
    break_off(TH_PHASE_UP), break_off(TH_PHASE_UP);
    assert_false(th_agent_queue_is_stuck());
    assert_string_equal(said, "");
    break_off(TH_PHASE_UP);
    assert_true(th_agent_queue_is_stuck());
    assert_non_null(strstr(said, "message 1 to "));
    *said = 0;
    break_off(TH_PHASE_UP);
    assert_true(th_agent_queue_is_stuck());
    assert_string_equal(said, "");
    hear(TH_EVENT_RECEIVED, 1);
    assert_false(th_agent_queue_is_stuck());
    assert_null(withdrawn);
}

/* After so many connections, and that one only; what stands behind it goes on. */
static void test_a_message_is_given_up_where_that_is_wanted(void **state)
{
    (void)state;
    struct th_spool_stat stat;
    settings.spool_attempts = 4;
    th_agent_queue.renew(&settings);
    put(2);
    work();
    for (unsigned i = 0; i < 3; i++)
        break_off(TH_PHASE_UP);
    work();
    assert_null(withdrawn);
    break_off(TH_PHASE_UP);
    work();
    assert_ptr_equal(withdrawn, published[0].source.arg);
    assert_non_null(strstr(said, "message 1 to t is given up: "));
    assert_true(th_agent_queue_look(&stat));
    assert_int_equal(stat.messages, 1);
    assert_false(th_agent_queue_is_stuck());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_it_is_written_in_order, begin, end),
        cmocka_unit_test_setup_teardown(test_all_have_their_turn, begin, end),
        cmocka_unit_test_setup_teardown(test_a_new_connection_waits_for_the_disk, begin, end),
        cmocka_unit_test_setup_teardown(test_a_message_that_may_be_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_a_message_is_given_up_where_that_is_wanted, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

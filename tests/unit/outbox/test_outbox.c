/* One rule each. What random operations find is in test_model.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "base/err.h"

#define BLOCK_BYTES 2048

struct bench {
    struct th_outbox outbox;
    uint64_t block[BLOCK_BYTES / 8];
    struct th_fault fault;
    uint64_t now_ms;
    char sent[4 * BLOCK_BYTES]; /* a word for each packet the peer got */
};

static const struct th_outbox_limits no_limits = {UINT32_MAX, UINT16_MAX, 2, true, 0};

static void check(const struct bench *bench)
{
    const char *problem = check_outbox(&bench->outbox);
    if (problem)
        fail_msg("%s", problem);
}

static int set_up(void **state)
{
    static struct bench bench;
    memset(&bench, 0, sizeof bench);
    assert_int_equal(th_outbox_open(&bench.outbox, bench.block, BLOCK_BYTES, 0, &bench.fault), 0);
    th_outbox_resume(&bench.outbox, true, &no_limits);
    *state = &bench;
    return 0;
}

/* ---- verbs: packets of 10 bytes whose third is a letter ------------------------------------- */

static int try_put(struct bench *bench, enum th_outbox_kind kind, uint16_t id, size_t bytes)
{
    static const uint8_t first[] = {0x30, 0x32, 0x34, 0x82, 0xa2, 0xe0};
    uint8_t *place;
    int result = th_outbox_reserve(&bench->outbox, kind, bytes, &place, &bench->fault);
    if (result < 0)
        return result;
    memset(place, 'a' + id, bytes);
    place[0] = first[kind];
    th_outbox_commit(&bench->outbox, kind, bytes, id, 1);
    check(bench);
    return 0;
}

static void put(struct bench *bench, enum th_outbox_kind kind, uint16_t id)
{
    assert_int_equal(try_put(bench, kind, id, 10), 0);
}

static void put_control(struct bench *bench, char letter)
{
    uint8_t *place = th_outbox_control(&bench->outbox, 4);
    assert_non_null(place);
    memcpy(place, (uint8_t[]){0x40, 2, (uint8_t)letter, 0}, 4);
}

static void note(struct bench *bench, const uint8_t *packet)
{
    char word[8];
    if (packet[0] == 0x40)
        snprintf(word, sizeof word, "!%c ", packet[2]);
    else if (packet[0] == 0x62)
        snprintf(word, sizeof word, "R%c ", 'a' + packet[3]);
    else
        snprintf(word, sizeof word, "%02x%c ", packet[0], packet[2]);
    strcat(bench->sent, word);
}

static void note_all(struct bench *bench, struct th_slice lent)
{
    for (size_t at = 0; at < lent.len_bytes;) {
        const uint8_t *packet = lent.data + at;
        note(bench, packet);
        at += packet[0] == 0x40 || packet[0] == 0x62 ? 4 : 10;
    }
}

/* Sends all that may go; what the peer got, packets side by side in one write between bars. */
static const char *flow(struct bench *bench)
{
    bench->sent[0] = '\0';
    for (;;) {
        struct th_slice lent = th_outbox_next(&bench->outbox);
        if (!lent.len_bytes)
            return bench->sent;
        if (bench->sent[0])
            strcat(bench->sent, "| ");
        note_all(bench, lent);
        th_outbox_sent(&bench->outbox, lent.len_bytes, bench->now_ms);
        check(bench);
    }
}

static void send_bytes(struct bench *bench, size_t bytes)
{
    assert_true(th_outbox_next(&bench->outbox).len_bytes >= bytes);
    th_outbox_sent(&bench->outbox, bytes, bench->now_ms);
    check(bench);
}

static void answer(struct bench *bench, enum th_outbox_ack ack, uint16_t id,
                   enum th_outbox_answer expected)
{
    assert_int_equal(th_outbox_acknowledge(&bench->outbox, ack, id), expected);
    check(bench);
}

static void reconnect(struct bench *bench, bool session_present)
{
    th_outbox_rewind(&bench->outbox);
    check(bench);
    th_outbox_resume(&bench->outbox, session_present, &no_limits);
    check(bench);
}

static void limit_receive_maximum(struct bench *bench, uint16_t receive_maximum)
{
    struct th_outbox_limits limits = no_limits;
    limits.receive_maximum = receive_maximum;
    th_outbox_resume(&bench->outbox, true, &limits);
}

/* ---- memory ------------------------------------------------------------------------------- */

static void test_open_says_what_it_needs(void **state)
{
    struct bench *bench = *state;
    struct th_fault fault = {0};
    assert_int_equal(th_outbox_open(&bench->outbox, bench->block, 800, 0, &fault), TH_E_MEMORY);
    assert_non_null(strstr(fault.text, "800"));
    assert_non_null(strstr(fault.text, "824"));
    assert_int_equal(th_outbox_open(&bench->outbox, bench->block, 824, 0, NULL), 0);
    assert_int_equal(th_outbox_packet_max_bytes(&bench->outbox), 256);
}

static void test_control_part_grows_for_connect(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(th_outbox_open(&bench->outbox, bench->block, BLOCK_BYTES, 1000, NULL), 0);
    assert_non_null(th_outbox_control(&bench->outbox, 1000));
    assert_null(th_outbox_control(&bench->outbox, 1));
}

static void test_too_large_is_not_full(void **state)
{
    struct bench *bench = *state;
    size_t most = th_outbox_packet_max_bytes(&bench->outbox);
    assert_int_equal(most, BLOCK_BYTES - 512 - 24 - 32);
    assert_int_equal(try_put(bench, TH_SLOT_PUBLISH_0, 0, most + 1), TH_E_TOO_LARGE);
    assert_non_null(strstr(bench->fault.text, "1481"));
    assert_non_null(strstr(bench->fault.text, "1480"));
    assert_false(th_outbox_room_for(&bench->outbox, most + 1));
    assert_true(th_outbox_room_for(&bench->outbox, most));
    assert_int_equal(try_put(bench, TH_SLOT_PUBLISH_0, 0, most), 0);
}

static void test_full_changes_nothing(void **state)
{
    struct bench *bench = *state;
    uint16_t id = 1;
    while (!try_put(bench, TH_SLOT_PUBLISH_1, id, 10))
        id++;
    struct th_outbox before = bench->outbox;
    assert_int_equal(try_put(bench, TH_SLOT_PUBLISH_1, id, 10), TH_E_SEND_FULL);
    assert_memory_equal(&before, &bench->outbox, sizeof before);
    assert_int_equal(bench->fault.code, 0);
    assert_int_equal(th_outbox_pending(&bench->outbox), id - 1u);
}

static void test_farewell_always_fits(void **state)
{
    struct bench *bench = *state;
    uint16_t id = 1;
    while (!try_put(bench, TH_SLOT_PUBLISH_1, id, 9))
        id++;
    assert_int_equal(try_put(bench, TH_SLOT_DISCONNECT, 0, 8), 0);
    assert_int_equal(try_put(bench, TH_SLOT_DISCONNECT, 0, 8), TH_E_SEND_FULL);
    assert_int_equal(th_outbox_pending(&bench->outbox), id - 1u);
    assert_int_equal(th_outbox_queued(&bench->outbox), id - 1u);
}

static void test_holes_are_closed_only_when_room_is_short(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(try_put(bench, TH_SLOT_PUBLISH_1, 1, 700), 0);
    assert_int_equal(try_put(bench, TH_SLOT_PUBLISH_1, 2, 600), 0);
    send_bytes(bench, 1300);
    answer(bench, TH_ACK_PUBACK, 1, TH_ACK_FINISHED);
    uint32_t offset = th_outbox_find(&bench->outbox, 2)->offset_bytes;
    put(bench, TH_SLOT_PUBLISH_1, 3);
    assert_int_equal(th_outbox_find(&bench->outbox, 2)->offset_bytes, offset);
    assert_int_equal(try_put(bench, TH_SLOT_PUBLISH_1, 4, 500), 0);
    const struct th_outbox_slot *moved = th_outbox_find(&bench->outbox, 2);
    assert_int_equal(moved->offset_bytes, 512);
    assert_int_equal(bench->outbox.memory[moved->offset_bytes], 0x32);
    assert_int_equal(bench->outbox.memory[moved->offset_bytes + 599], 'a' + 2);
}

static void test_lent_bytes_do_not_move(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(try_put(bench, TH_SLOT_PUBLISH_1, 1, 900), 0);
    send_bytes(bench, 900);
    put(bench, TH_SLOT_PUBLISH_1, 2);
    answer(bench, TH_ACK_PUBACK, 1, TH_ACK_FINISHED);
    struct th_slice lent = th_outbox_next(&bench->outbox);
    assert_false(th_outbox_room_for(&bench->outbox, 900));
    assert_int_equal(try_put(bench, TH_SLOT_PUBLISH_1, 3, 900), TH_E_SEND_FULL);
    assert_ptr_equal(th_outbox_next(&bench->outbox).data, lent.data);
    th_outbox_sent(&bench->outbox, lent.len_bytes, 0);
    assert_true(th_outbox_room_for(&bench->outbox, 900));
    assert_int_equal(try_put(bench, TH_SLOT_PUBLISH_1, 3, 900), 0);
}

static void test_sent_control_bytes_are_wiped(void **state)
{
    struct bench *bench = *state;
    uint8_t *memory = bench->outbox.memory;
    memcpy(th_outbox_control(&bench->outbox, 12), "my password.", 12);
    send_bytes(bench, 3);
    assert_memory_equal(memory, "password.\0\0\0", 12);
    th_outbox_rewind(&bench->outbox);
    assert_memory_equal(memory, (uint8_t[12]){0}, 12);
    memcpy(th_outbox_control(&bench->outbox, 12), "my password.", 12);
    send_bytes(bench, 12);
    assert_memory_equal(memory, (uint8_t[12]){0}, 12);
}

/* ---- order -------------------------------------------------------------------------------- */

static void test_packets_go_out_together_control_first(void **state)
{
    struct bench *bench = *state;
    put(bench, TH_SLOT_PUBLISH_1, 1);
    put(bench, TH_SLOT_SUBSCRIBE, 2);
    put(bench, TH_SLOT_PUBLISH_0, 0);
    put_control(bench, 'x');
    put_control(bench, 'y');
    assert_string_equal(flow(bench), "!x !y | 32b 82c 30a ");
    assert_string_equal(flow(bench), "");
}

/* TLS may have encrypted more of it than it could send, and takes no less when asked again. */
static void test_what_was_lent_is_finished_first(void **state)
{
    struct bench *bench = *state;
    put(bench, TH_SLOT_PUBLISH_1, 1);
    put(bench, TH_SLOT_PUBLISH_1, 2);
    send_bytes(bench, 4);
    put_control(bench, 'x');
    put(bench, TH_SLOT_PUBLISH_1, 3);
    struct th_slice rest = th_outbox_next(&bench->outbox);
    assert_int_equal(rest.len_bytes, 16);
    assert_int_equal(rest.data[0], 'b');
    send_bytes(bench, 6);
    assert_string_equal(flow(bench), "32c | !x | 32d ");
}

static void test_control_that_was_lent_is_finished_first(void **state)
{
    struct bench *bench = *state;
    put_control(bench, 'x');
    send_bytes(bench, 1);
    put_control(bench, 'y');
    struct th_slice rest = th_outbox_next(&bench->outbox);
    assert_int_equal(rest.len_bytes, 3);
    assert_int_equal(rest.data[1], 'x');
    send_bytes(bench, 3);
    assert_string_equal(flow(bench), "!y ");
}

static void test_receive_maximum_holds_only_qos_1_and_2(void **state)
{
    struct bench *bench = *state;
    limit_receive_maximum(bench, 2);
    put(bench, TH_SLOT_PUBLISH_2, 1);
    put(bench, TH_SLOT_PUBLISH_1, 2);
    put(bench, TH_SLOT_PUBLISH_1, 3);
    put(bench, TH_SLOT_SUBSCRIBE, 4);
    put(bench, TH_SLOT_PUBLISH_1, 5);
    put(bench, TH_SLOT_PUBLISH_0, 0);
    assert_string_equal(flow(bench), "34b 32c | 82e | 30a ");
    answer(bench, TH_ACK_PUBREC, 1, TH_ACK_GOES_ON);
    assert_string_equal(flow(bench), "Rb ");
    answer(bench, TH_ACK_PUBCOMP, 1, TH_ACK_FINISHED);
    assert_string_equal(flow(bench), "32d ");
    answer(bench, TH_ACK_PUBACK, 2, TH_ACK_FINISHED);
    assert_string_equal(flow(bench), "32f ");
}

static void test_refused_pubrec_ends_the_flow(void **state)
{
    struct bench *bench = *state;
    limit_receive_maximum(bench, 1);
    put(bench, TH_SLOT_PUBLISH_2, 1);
    put(bench, TH_SLOT_PUBLISH_2, 2);
    assert_string_equal(flow(bench), "34b ");
    answer(bench, TH_ACK_PUBREC_REFUSED, 1, TH_ACK_FINISHED);
    assert_string_equal(flow(bench), "34c ");
}

static void test_pubrels_follow_the_pubrecs(void **state)
{
    struct bench *bench = *state;
    put(bench, TH_SLOT_PUBLISH_2, 1);
    put(bench, TH_SLOT_PUBLISH_2, 2);
    put(bench, TH_SLOT_PUBLISH_2, 3);
    flow(bench);
    answer(bench, TH_ACK_PUBREC, 3, TH_ACK_GOES_ON);
    answer(bench, TH_ACK_PUBREC, 1, TH_ACK_GOES_ON);
    answer(bench, TH_ACK_PUBREC, 2, TH_ACK_GOES_ON);
    assert_int_equal(th_outbox_used_bytes(&bench->outbox), 512 + 3 * 24);
    assert_string_equal(flow(bench), "Rd Rb Rc ");
}

static void test_pubrels_leave_room_for_an_answer(void **state)
{
    struct bench *bench = *state;
    put(bench, TH_SLOT_PUBLISH_2, 1);
    flow(bench);
    answer(bench, TH_ACK_PUBREC, 1, TH_ACK_GOES_ON);
    while (th_outbox_control_room(&bench->outbox, TH_OUTBOX_CONTROL_ANSWER_BYTES + 4))
        put_control(bench, 'x');
    th_outbox_next(&bench->outbox);
    assert_true(th_outbox_control_room(&bench->outbox, TH_OUTBOX_CONTROL_ANSWER_BYTES));
    assert_non_null(strstr(flow(bench), "Rb"));
}

static void test_farewell_waits_for_everything_queued(void **state)
{
    struct bench *bench = *state;
    limit_receive_maximum(bench, 1);
    put(bench, TH_SLOT_PUBLISH_1, 1);
    put(bench, TH_SLOT_PUBLISH_1, 2);
    put(bench, TH_SLOT_DISCONNECT, 0);
    assert_string_equal(flow(bench), "32b ");
    answer(bench, TH_ACK_PUBACK, 1, TH_ACK_FINISHED);
    assert_false(th_outbox_ended(&bench->outbox));
    assert_string_equal(flow(bench), "32c | e0a ");
    assert_true(th_outbox_ended(&bench->outbox));
    put(bench, TH_SLOT_PUBLISH_1, 3);
    assert_null(th_outbox_control(&bench->outbox, 4));
    assert_string_equal(flow(bench), "");
    reconnect(bench, true);
    assert_string_equal(flow(bench), "3ac 32d ");
}

static void test_nothing_follows_a_farewell(void **state)
{
    struct bench *bench = *state;
    put(bench, TH_SLOT_DISCONNECT, 0);
    th_outbox_next(&bench->outbox);
    put_control(bench, 'x');
    assert_string_equal(flow(bench), "e0a ");
    assert_true(th_outbox_ended(&bench->outbox));
}

static void test_end_lets_control_out_and_nothing_else(void **state)
{
    struct bench *bench = *state;
    put(bench, TH_SLOT_PUBLISH_1, 1);
    put(bench, TH_SLOT_PUBLISH_1, 2);
    send_bytes(bench, 4);
    put_control(bench, 'x');
    th_outbox_end(&bench->outbox);
    assert_null(th_outbox_control(&bench->outbox, 2));
    put(bench, TH_SLOT_PUBLISH_1, 3);
    send_bytes(bench, 16);
    assert_false(th_outbox_ended(&bench->outbox));
    assert_string_equal(flow(bench), "!x ");
    assert_true(th_outbox_ended(&bench->outbox));
}

static void test_nothing_but_control_before_connack(void **state)
{
    struct bench *bench = *state;
    th_outbox_rewind(&bench->outbox);
    put(bench, TH_SLOT_PUBLISH_1, 1);
    put_control(bench, 'x');
    assert_string_equal(flow(bench), "!x ");
    th_outbox_resume(&bench->outbox, true, &no_limits);
    assert_string_equal(flow(bench), "32b ");
}

/* ---- acknowledgements --------------------------------------------------------------------- */

static void test_every_pair_of_packet_and_acknowledgement(void **state)
{
    struct bench *bench = *state;
    static const enum th_outbox_answer expected[][6] = {
        /*                PUBACK           PUBREC            refused          PUBCOMP
                          SUBACK           UNSUBACK */
        [TH_SLOT_PUBLISH_1] = {TH_ACK_FINISHED, TH_ACK_WRONG, TH_ACK_WRONG, TH_ACK_WRONG,
                               TH_ACK_WRONG, TH_ACK_WRONG},
        [TH_SLOT_PUBLISH_2] = {TH_ACK_WRONG, TH_ACK_GOES_ON, TH_ACK_FINISHED, TH_ACK_WRONG,
                               TH_ACK_WRONG, TH_ACK_WRONG},
        [TH_SLOT_SUBSCRIBE] = {TH_ACK_WRONG, TH_ACK_WRONG, TH_ACK_WRONG, TH_ACK_WRONG,
                               TH_ACK_FINISHED, TH_ACK_WRONG},
        [TH_SLOT_UNSUBSCRIBE] = {TH_ACK_WRONG, TH_ACK_WRONG, TH_ACK_WRONG, TH_ACK_WRONG,
                                 TH_ACK_WRONG, TH_ACK_FINISHED},
    };
    for (unsigned kind = TH_SLOT_PUBLISH_1; kind <= TH_SLOT_UNSUBSCRIBE; kind++)
        for (unsigned ack = 0; ack < 6; ack++) {
            set_up(state);
            put(bench, (enum th_outbox_kind)kind, 7);
            answer(bench, (enum th_outbox_ack)ack, 7, TH_ACK_UNKNOWN);
            flow(bench);
            answer(bench, (enum th_outbox_ack)ack, 8, TH_ACK_UNKNOWN);
            answer(bench, (enum th_outbox_ack)ack, 0, TH_ACK_UNKNOWN);
            answer(bench, (enum th_outbox_ack)ack, 7, expected[kind][ack]);
        }
}

static void test_after_pubrec_only_pubcomp(void **state)
{
    struct bench *bench = *state;
    put(bench, TH_SLOT_PUBLISH_2, 1);
    flow(bench);
    answer(bench, TH_ACK_PUBREC, 1, TH_ACK_GOES_ON);
    answer(bench, TH_ACK_PUBCOMP, 1, TH_ACK_WRONG);
    answer(bench, TH_ACK_PUBREC, 1, TH_ACK_AGAIN);
    flow(bench);
    answer(bench, TH_ACK_PUBREC, 1, TH_ACK_AGAIN);
    answer(bench, TH_ACK_PUBREC_REFUSED, 1, TH_ACK_WRONG);
    answer(bench, TH_ACK_PUBACK, 1, TH_ACK_WRONG);
    answer(bench, TH_ACK_PUBCOMP, 1, TH_ACK_FINISHED);
    answer(bench, TH_ACK_PUBCOMP, 1, TH_ACK_UNKNOWN);
}

/* One write may be several TLS records: the answer to the first can come before it is finished. */
static void test_answer_to_what_is_still_lent(void **state)
{
    struct bench *bench = *state;
    put(bench, TH_SLOT_PUBLISH_1, 1);
    put(bench, TH_SLOT_PUBLISH_2, 2);
    put(bench, TH_SLOT_PUBLISH_1, 3);
    th_outbox_next(&bench->outbox);
    answer(bench, TH_ACK_PUBACK, 1, TH_ACK_FINISHED);
    answer(bench, TH_ACK_PUBACK, 1, TH_ACK_UNKNOWN);
    answer(bench, TH_ACK_PUBREC, 2, TH_ACK_GOES_ON);
    answer(bench, TH_ACK_PUBREC, 2, TH_ACK_AGAIN);
    answer(bench, TH_ACK_PUBCOMP, 2, TH_ACK_WRONG);
    assert_int_equal(th_outbox_next(&bench->outbox).len_bytes, 30);
    send_bytes(bench, 30);
    assert_null(th_outbox_find(&bench->outbox, 1));
    assert_string_equal(flow(bench), "Rc ");
    answer(bench, TH_ACK_PUBCOMP, 2, TH_ACK_FINISHED);
    assert_int_equal(th_outbox_pending(&bench->outbox), 1);
}

static void test_early_answers_survive_a_lost_connection(void **state)
{
    struct bench *bench = *state;
    put(bench, TH_SLOT_PUBLISH_1, 1);
    put(bench, TH_SLOT_PUBLISH_2, 2);
    put(bench, TH_SLOT_PUBLISH_1, 3);
    th_outbox_next(&bench->outbox);
    answer(bench, TH_ACK_PUBACK, 1, TH_ACK_FINISHED);
    answer(bench, TH_ACK_PUBREC, 2, TH_ACK_GOES_ON);
    reconnect(bench, true);
    assert_string_equal(flow(bench), "Rc | 3ad ");
}

static void test_oldest_is_what_waits_longest(void **state)
{
    struct bench *bench = *state;
    assert_null(th_outbox_oldest(&bench->outbox));
    put(bench, TH_SLOT_PUBLISH_2, 1);
    assert_null(th_outbox_oldest(&bench->outbox));
    bench->now_ms = 100;
    flow(bench);
    bench->now_ms = 200;
    put(bench, TH_SLOT_PUBLISH_1, 2);
    put(bench, TH_SLOT_PUBLISH_0, 0);
    flow(bench);
    assert_int_equal(th_outbox_oldest(&bench->outbox)->packet_id, 1);
    answer(bench, TH_ACK_PUBREC, 1, TH_ACK_GOES_ON);
    assert_int_equal(th_outbox_oldest(&bench->outbox)->packet_id, 2);
    bench->now_ms = 300;
    flow(bench);
    answer(bench, TH_ACK_PUBACK, 2, TH_ACK_FINISHED);
    assert_int_equal(th_outbox_oldest(&bench->outbox)->sent_ms, 300);
    reconnect(bench, true);
    assert_null(th_outbox_oldest(&bench->outbox));
}

/* ---- connections -------------------------------------------------------------------------- */

static void test_live_connection_never_repeats(void **state)
{
    struct bench *bench = *state;
    put(bench, TH_SLOT_PUBLISH_1, 1);
    put(bench, TH_SLOT_SUBSCRIBE, 2);
    assert_string_equal(flow(bench), "32b 82c ");
    bench->now_ms = 1u << 30;
    assert_string_equal(flow(bench), "");
}

static void test_new_connection_repeats_in_order(void **state)
{
    struct bench *bench = *state;
    put(bench, TH_SLOT_PUBLISH_1, 1);
    put(bench, TH_SLOT_PUBLISH_2, 2);
    put(bench, TH_SLOT_SUBSCRIBE, 3);
    put(bench, TH_SLOT_PUBLISH_2, 4);
    flow(bench);
    put(bench, TH_SLOT_PUBLISH_1, 5);
    put(bench, TH_SLOT_PUBLISH_0, 0);
    put_control(bench, 'x');
    answer(bench, TH_ACK_PUBREC, 4, TH_ACK_GOES_ON);
    reconnect(bench, true);
    assert_string_equal(flow(bench), "Re | 3ab 3cc 82d | 32f 30a ");
    reconnect(bench, true);
    assert_string_equal(flow(bench), "Re | 3ab 3cc 82d | 3af ");
}

static void test_half_sent_packets_are_sent_whole(void **state)
{
    struct bench *bench = *state;
    put(bench, TH_SLOT_PUBLISH_0, 0);
    put(bench, TH_SLOT_PUBLISH_1, 1);
    send_bytes(bench, 3);
    reconnect(bench, true);
    assert_string_equal(flow(bench), "30a 3ab ");
    set_up(state);
    put(bench, TH_SLOT_PUBLISH_1, 1);
    put(bench, TH_SLOT_PUBLISH_0, 0);
    send_bytes(bench, 3);
    reconnect(bench, true);
    assert_string_equal(flow(bench), "3ab 30a ");
}

static void test_lost_session_makes_messages_new(void **state)
{
    struct bench *bench = *state;
    struct th_outbox_slot refused;
    put(bench, TH_SLOT_PUBLISH_1, 1);
    put(bench, TH_SLOT_PUBLISH_2, 2);
    put(bench, TH_SLOT_PUBLISH_2, 3);
    flow(bench);
    answer(bench, TH_ACK_PUBREC, 3, TH_ACK_GOES_ON);
    reconnect(bench, false);
    assert_string_equal(flow(bench), "32b 34c ");
    assert_int_equal(th_outbox_take_refused(&bench->outbox, &refused), 1);
    assert_int_equal(refused.packet_id, 3);
    assert_int_equal(refused.reason, 0xf2);
    assert_int_equal(th_outbox_take_refused(&bench->outbox, &refused), 0);
    assert_int_equal(th_outbox_pending(&bench->outbox), 2);
}

static void test_acknowledged_before_it_is_repeated(void **state)
{
    struct bench *bench = *state;
    put(bench, TH_SLOT_PUBLISH_1, 1);
    put(bench, TH_SLOT_PUBLISH_2, 2);
    put(bench, TH_SLOT_SUBSCRIBE, 3);
    flow(bench);
    reconnect(bench, true);
    answer(bench, TH_ACK_PUBACK, 1, TH_ACK_FINISHED);
    answer(bench, TH_ACK_PUBREC, 2, TH_ACK_GOES_ON);
    answer(bench, TH_ACK_SUBACK, 3, TH_ACK_UNKNOWN);
    assert_string_equal(flow(bench), "Rc | 82d ");
}

static void test_acknowledged_while_it_is_repeated(void **state)
{
    struct bench *bench = *state;
    put(bench, TH_SLOT_PUBLISH_1, 1);
    flow(bench);
    reconnect(bench, true);
    send_bytes(bench, 4);
    answer(bench, TH_ACK_PUBACK, 1, TH_ACK_FINISHED);
    put_control(bench, 'x');
    assert_int_equal(th_outbox_next(&bench->outbox).len_bytes, 6);
    send_bytes(bench, 6);
    assert_string_equal(flow(bench), "!x ");
    assert_int_equal(th_outbox_pending(&bench->outbox), 0);
}

static void test_broker_that_cannot_take_it(void **state)
{
    struct bench *bench = *state;
    struct th_outbox_slot refused;
    assert_int_equal(try_put(bench, TH_SLOT_PUBLISH_1, 1, 50), 0);
    put(bench, TH_SLOT_PUBLISH_2, 2);
    put(bench, TH_SLOT_PUBLISH_1, 3);
    bench->outbox.memory[th_outbox_find(&bench->outbox, 3)->offset_bytes] |= 1;
    put(bench, TH_SLOT_PUBLISH_1, 4);
    assert_int_equal(try_put(bench, TH_SLOT_SUBSCRIBE, 5, 50), 0);
    th_outbox_rewind(&bench->outbox);
    th_outbox_resume(&bench->outbox, true, &(struct th_outbox_limits){49, 10, 1, false, 0});
    reconnect(bench, true);
    static const uint8_t reasons[][2] = {{1, 0x95}, {2, 0x9b}, {3, 0x9a}, {5, 0x95}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(th_outbox_take_refused(&bench->outbox, &refused), 1);
        assert_int_equal(refused.packet_id, reasons[i][0]);
        assert_int_equal(refused.reason, reasons[i][1]);
    }
    assert_int_equal(th_outbox_take_refused(&bench->outbox, &refused), 0);
    assert_string_equal(flow(bench), "32e ");
}

static void test_farewell_belongs_to_its_connection(void **state)
{
    struct bench *bench = *state;
    put(bench, TH_SLOT_PUBLISH_1, 1);
    put(bench, TH_SLOT_DISCONNECT, 0);
    reconnect(bench, true);
    assert_string_equal(flow(bench), "32b ");
    assert_false(th_outbox_ended(&bench->outbox));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(test_##name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(open_says_what_it_needs),
        TEST(control_part_grows_for_connect),
        TEST(too_large_is_not_full),
        TEST(full_changes_nothing),
        TEST(farewell_always_fits),
        TEST(holes_are_closed_only_when_room_is_short),
        TEST(lent_bytes_do_not_move),
        TEST(sent_control_bytes_are_wiped),
        TEST(packets_go_out_together_control_first),
        TEST(what_was_lent_is_finished_first),
        TEST(control_that_was_lent_is_finished_first),
        TEST(receive_maximum_holds_only_qos_1_and_2),
        TEST(refused_pubrec_ends_the_flow),
        TEST(pubrels_follow_the_pubrecs),
        TEST(pubrels_leave_room_for_an_answer),
        TEST(farewell_waits_for_everything_queued),
        TEST(nothing_follows_a_farewell),
        TEST(end_lets_control_out_and_nothing_else),
        TEST(nothing_but_control_before_connack),
        TEST(every_pair_of_packet_and_acknowledgement),
        TEST(after_pubrec_only_pubcomp),
        TEST(answer_to_what_is_still_lent),
        TEST(early_answers_survive_a_lost_connection),
        TEST(oldest_is_what_waits_longest),
        TEST(live_connection_never_repeats),
        TEST(new_connection_repeats_in_order),
        TEST(half_sent_packets_are_sent_whole),
        TEST(lost_session_makes_messages_new),
        TEST(acknowledged_before_it_is_repeated),
        TEST(acknowledged_while_it_is_repeated),
        TEST(broker_that_cannot_take_it),
        TEST(farewell_belongs_to_its_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

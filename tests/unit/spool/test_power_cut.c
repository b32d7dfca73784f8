/* A power cut at every write, sync, rename and removal, and a disk that fails: no message that was
 * accepted is lost, and none is there that nobody gave.
 *
 * The spool's own code opens each image; what comes out is compared with a ledger.
 *
 * THIMBLE_CHECK=all: twelve times as many, and of failing disks 48 times. */
#include "power_cut.h"

/* ---- the ledger ------------------------------------------------------------------------------ */

#define MESSAGES 20000

enum fate { NOT_GIVEN, OFFERED, ACCEPTED, VOID, MAYBE };

struct entry {
    uint8_t fate, qos;
    bool dropped, done, done_begun, conflate;
    bool sent_synced, released_begun, released_synced;
    uint16_t packet_id, number; /* number: what its payload and id are made of */
};

static struct entry ledger[MESSAGES];
static uint64_t last_given, opened_behind; /* what was given before it was opened */
static uint64_t now = 1700000000;
static unsigned bad, voids_seen;
static bool told[MESSAGES]; /* dropped while an image was looked at */
static char why[128];

static void on_drop(void *arg, uint64_t seq, struct th_slice topic, enum th_spool_cause cause)
{
    (void)topic;
    if (seq > 0 && seq < MESSAGES && arg)
        told[seq] = true;
    else if (seq > 0 && cause != TH_SPOOL_CAUSES)
        ledger[seq].dropped = true;
}

static const struct th_spool_config config = {.path = "/virtual", .max_bytes = 16384,
                                              .max_messages = 55, .dropped = on_drop};

static struct th_spool_message message_of(uint16_t number, uint8_t qos, bool conflate)
{
    static struct {
        char topic[16], payload[600], id[16];
    } rooms[2]; /* the life's, and that of who looks at an image meanwhile */
    char *topic = rooms[disk == &main_disk].topic, *id = rooms[disk == &main_disk].id;
    char *payload = rooms[disk == &main_disk].payload;
    unsigned bytes = number % 7 == 0 ? number * 37u % 560 : number % 40;
    snprintf(topic, sizeof rooms->topic, "t/%u", number % 5u);
    snprintf(id, sizeof rooms->id, "n%u", (unsigned)number);
    for (unsigned i = 0; i < bytes; i++)
        payload[i] = (char)(number * 31u + i * 7u);
    return (struct th_spool_message){
        .topic = th_slice_text(topic), .payload = th_slice_of(payload, bytes),
        .id = th_slice_text(number % 3 ? id : ""), .qos = qos, .conflate = conflate};
}

static void blame(const char *what, uint64_t seq)
{
    if (bad++ == 0)
        snprintf(why, sizeof why, "%s %u, operation %u, image %u", what, (unsigned)seq, operations,
                 images);
}

/* ---- an image -------------------------------------------------------------------------------- */

static bool is_equal(const struct th_spool_item *item, struct th_slice wanted)
{
    uint8_t payload[600];
    return item->payload_bytes == wanted.len_bytes &&
           th_spool_payload(&found, item->seq, 0, payload, sizeof payload, &fault) ==
               (int)wanted.len_bytes &&
           th_slice_equal(th_slice_of(payload, wanted.len_bytes), wanted);
}

static void judge_state(const struct th_spool_item *item, const struct entry *entry)
{
    bool is_twice = entry->qos == 2 && entry->done_begun;
    if ((entry->released_synced || is_twice) && item->state != TH_SPOOL_RELEASED)
        blame("would be sent twice", item->seq);
    if (entry->sent_synced && item->state == TH_SPOOL_WAITING)
        blame("has forgotten its packet id", item->seq);
    if (item->state != TH_SPOOL_WAITING && item->packet_id != entry->packet_id)
        blame("has another packet id", item->seq);
    if (item->state == TH_SPOOL_RELEASED && !entry->released_begun)
        blame("was not released", item->seq);
}

static void judge_item(const struct th_spool_item *item)
{
    const struct entry *entry = &ledger[item->seq < MESSAGES ? item->seq : 0];
    struct th_spool_message wanted = message_of(entry->number, entry->qos, entry->conflate);
    if (entry->fate == NOT_GIVEN)
        blame("invented", item->seq);
    else if (entry->fate == VOID)
        blame("was not accepted", item->seq);
    else if (!th_slice_equal(item->message.topic, wanted.topic) ||
             item->message.qos != wanted.qos || !is_equal(item, wanted.payload))
        blame("is not what was given", item->seq);
    else
        judge_state(item, entry);
    voids_seen += entry->fate == MAYBE;
}

static bool may_be_missing(const struct entry *entry, uint64_t seq)
{
    return entry->fate != ACCEPTED || entry->dropped || entry->done_begun || told[seq];
}

static void drain(bool there[])
{
    struct th_spool_item item;
    uint64_t last = 0;
    int got;
    while ((got = th_spool_next(&found, now, &item, &fault)) == 1) {
        if (item.seq <= last || item.seq >= MESSAGES)
            blame("out of order", item.seq);
        last = item.seq;
        there[item.seq % MESSAGES] = true;
        judge_item(&item);
        if (th_spool_done(&found, item.seq, &fault) < 0)
            blame("cannot be done", item.seq);
    }
    if (got < 0)
        blame(fault.text, 0);
}

static void judge_ids(void)
{
    unsigned left = 20;
    for (uint64_t seq = last_given; seq > 0 && left > 0; seq--) {
        struct th_spool_message message = message_of(ledger[seq].number, 1, false);
        uint64_t unheard;
        if (ledger[seq].fate != ACCEPTED || !message.id.len_bytes)
            continue;
        if (th_spool_append(&found, &message, now, &unheard, &fault) != TH_SPOOL_KNOWN)
            blame("would be accepted twice", seq);
        left--;
    }
}

/* And it goes on: what is new stays, what is done does not come again. */
static void judge_future(void)
{
    uint64_t seq = 0;
    struct th_spool_item item;
    struct th_spool_message message = message_of(3, 1, false); /* without an id */
    if (th_spool_append(&found, &message, now, &seq, &fault) || seq <= th_spool_accepted(&found))
        blame("takes no more", seq);
    th_spool_close(&found);
    if (th_spool_open(&found, &config, TH_SPOOL_OWN, now, &fault) < 0 ||
        th_spool_next(&found, now, &item, &fault) != 1 || item.seq != seq ||
        th_spool_next(&found, now, &item, &fault) != 0)
        blame("does not come again", seq);
    th_spool_close(&found);
}

static void look_at(struct disk *what)
{
    static bool there[MESSAGES];
    static struct th_spool_config looking;
    images++;
    memset(there, 0, (last_given + 1) * sizeof *there);
    memset(told, 0, (last_given + 1) * sizeof *told);
    looking = config;
    looking.max_messages = 0;
    looking.arg = &looking;
    fault = (struct th_fault){0};
    disk = what;
    if (th_spool_open(&found, &looking, TH_SPOOL_OWN, now, &fault) < 0)
        blame(fault.text, 0);
    drain(there);
    for (uint64_t seq = 1; seq <= last_given; seq++)
        if (!there[seq] && !may_be_missing(&ledger[seq], seq))
            blame("lost", seq);
    judge_ids();
    judge_future();
}

/* ---- a life ---------------------------------------------------------------------------------- */

static void settle(bool is_good)
{
    for (uint64_t seq = 1; seq <= last_given; seq++)
        if (ledger[seq].fate == OFFERED)
            ledger[seq].fate = is_good || seq <= th_spool_accepted(&spool) ? ACCEPTED
                               : spool.tail >= 0                         ? VOID
                                                                         : MAYBE;
}

static bool sync_it(void)
{
    fault = (struct th_fault){0};
    bool is_good = th_spool_sync(&spool, now, &fault) == 0;
    settle(is_good);
    for (uint64_t seq = opened_behind + 1; is_good && seq <= last_given; seq++)
        if (ledger[seq].fate == MAYBE) /* where the segment ends that was left is on the disk */
            ledger[seq].fate = VOID;
    for (uint64_t seq = 1; is_good && seq <= last_given; seq++) {
        struct entry *entry = &ledger[seq];
        entry->sent_synced = entry->packet_id && entry->qos == 2;
        entry->released_synced |= entry->released_begun;
    }
    return is_good;
}

static void append(void)
{
    uint64_t seq = spool.next_seq;
    struct entry *entry = &ledger[seq];
    *entry = (struct entry){.qos = (uint8_t)chance(3), .conflate = chance(6) == 0,
                            .number = (uint16_t)seq};
    struct th_spool_message message = message_of(entry->number, entry->qos, entry->conflate);
    entry->fate = OFFERED;
    last_given = seq;
    fault = (struct th_fault){0};
    int result = th_spool_append(&spool, &message, now, &seq, &fault);
    if (result == TH_E_FILE)
        settle(false);
    else if (result != TH_SPOOL_APPENDED)
        entry->fate = NOT_GIVEN;
}

/* As a client does: a packet id that is on the disk before a byte goes out, and so on. */
static void acknowledge(const struct th_spool_open *open)
{
    struct entry *entry = &ledger[open->seq];
    fault = (struct th_fault){0};
    if (entry->qos == 2 && !entry->packet_id) {
        entry->packet_id = (uint16_t)(open->seq % 65535 + 1);
        th_spool_sent(&spool, open->seq, entry->packet_id, &fault);
    } else if (entry->qos == 2 && entry->sent_synced && !entry->released_begun) {
        entry->released_begun = true;
        th_spool_released(&spool, open->seq, &fault);
    } else if (entry->qos < 2 || entry->released_synced) {
        entry->done_begun = true;
        th_spool_done(&spool, open->seq, &fault);
    }
    if (fault.code)
        settle(false);
}

static void send(void)
{
    struct th_spool_item item;
    fault = (struct th_fault){0};
    if (th_spool_next(&spool, now, &item, &fault) < 0)
        settle(false);
    for (unsigned i = chance(4); i > 0 && spool.open_count; i--)
        acknowledge(&spool.open[chance(spool.open_count)]);
}

/* A new process knows what it reads: of what was never synced that may be less. */
static void learn(void)
{
    for (uint64_t seq = 1; seq <= last_given; seq++) {
        struct entry *entry = &ledger[seq];
        const struct th_spool_open *open = th_spool_entry(&spool, seq);
        if (!entry->sent_synced && !(open && open->state))
            entry->packet_id = 0;
        if (!entry->released_synced && !(open && open->state == TH_SPOOL_RELEASED))
            entry->released_begun = false;
    }
    opened_behind = last_given;
}

static void reopen(void)
{
    sync_it();
    th_spool_close(&spool);
    fault = (struct th_fault){0};
    cutting = false;
    if (th_spool_open(&spool, &config, TH_SPOOL_OWN, now, &fault) < 0) {
        fail_to = 0; /* the disk is well again */
        fault = (struct th_fault){0};
        if (th_spool_open(&spool, &config, TH_SPOOL_OWN, now, &fault) < 0)
            blame(fault.text, 0);
    }
    learn();
    cutting = true;
}

static void live(unsigned steps)
{
    for (unsigned step = 0; step < steps && last_given < MESSAGES - 2; step++) {
        unsigned what = chance(100);
        if (what < 40)
            append();
        else if (what < 55)
            sync_it();
        else if (what < 97)
            send();
        else if (what < 99)
            th_spool_rewind(&spool);
        else
            reopen();
        now += chance(3);
    }
}

static unsigned times(void)
{
    const char *check = getenv("THIMBLE_CHECK");
    return check && !strcmp(check, "all") ? 12 : 1;
}

static int begin(void **state)
{
    (void)state;
    empty(&main_disk);
    empty(&image);
    memset(ledger, 0, sizeof ledger);
    disk = &main_disk;
    last_given = opened_behind = 0;
    images = bad = operations = voids_seen = 0;
    fail_from = fail_to = short_at = 0;
    fail_syncs_only = lies_data = lies_names = false;
    seed = 7;
    fault = (struct th_fault){0};
    cutting = true;
    return th_spool_open(&spool, &config, TH_SPOOL_OWN, now, &fault);
}

/* ---- the tests ------------------------------------------------------------------------------- */

static void test_cut_at_every_change(void **state)
{
    (void)state;
    live(260 * times());
    print_message("power cuts: %u images after %u changes, %u messages; %u bad%s%s\n", images,
                  operations, (unsigned)last_given, bad, bad ? ", the first: " : "", why);
    assert_true(images > 900 * times() && last_given > 80);
    assert_int_equal(bad, 0);
}

static void test_that_a_lie_is_found(void **state)
{
    begin(state);
    lies_data = true;
    live(60);
    unsigned of_data = bad;
    end(state);
    begin(state);
    lies_names = true;
    live(60);
    print_message("a disk that lies about data: %u bad; about names: %u bad\n", of_data, bad);
    assert_true(of_data > 50 && bad > 50);
    why[0] = '\0';
}

/* A disk that fails for a while, by `number`; images are made all the time. */
static unsigned fail_for_a_while(void **state, int number, bool syncs_only, unsigned lives)
{
    static const unsigned first_seeds[] = {100, 1000, 5000, 9000};
    unsigned all_images = 0, all_bad = 0, runs = times() > 1 ? 4 : 1;
    for (unsigned life = 0; life < runs * lives; life++) {
        assert_int_equal(begin(state), 0);
        seed = first_seeds[life / lives] + life % lives;
        fail_errno = number;
        fail_syncs_only = syncs_only;
        fail_from = 5 + chance(60);
        fail_to = fail_from + 1 + chance(life % 2 ? 2 : 30);
        live(60);
        all_images += images;
        all_bad += bad;
        end(state);
    }
    print_message("%s%s: %u images, %u bad%s%s\n", strerror(number),
                  syncs_only ? " from syncs alone" : "", all_images, all_bad,
                  all_bad ? ", the first: " : "", all_bad ? why : "");
    return all_bad;
}

static void test_failing_disks(void **state)
{
    assert_int_equal(fail_for_a_while(state, EIO, true, 3 * times()), 0);
    assert_int_equal(fail_for_a_while(state, EIO, false, 2 * times()), 0);
    assert_int_equal(fail_for_a_while(state, ENOSPC, false, 2 * times()), 0);
    assert_int_equal(fail_for_a_while(state, EROFS, false, 2 * times()), 0);
    begin(state);
}

/* What is left of the disk if nothing that was not synced survives. */
static unsigned state_after_cut(void)
{
    struct th_spool_item item = {0};
    cutting = false;
    copy(&image, &main_disk);
    make_image(&image, SYNCED_ONLY);
    disk = &image;
    assert_int_equal(th_spool_open(&found, &config, TH_SPOOL_OWN, now, &fault), 0);
    assert_int_equal(th_spool_next(&found, now, &item, &fault), 1);
    th_spool_close(&found);
    disk = &main_disk;
    return item.state;
}

static void test_that_a_sync_owes_what_a_failed_one_lost(void **state)
{
    (void)state;
    struct th_spool_item item;
    struct th_spool_message message = message_of(3, 2, false);
    uint64_t seq;
    assert_int_equal(th_spool_append(&spool, &message, now, &seq, &fault), 0);
    assert_int_equal(th_spool_sync(&spool, now, &fault), 0);
    assert_int_equal(th_spool_next(&spool, now, &item, &fault), 1);
    fail_errno = EIO;
    fail_syncs_only = true;
    fail_from = operations;
    fail_to = operations + 1000;
    assert_int_equal(th_spool_sent(&spool, seq, 7, &fault), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(th_spool_sync(&spool, now, &fault), TH_E_FILE);
        assert_true(th_spool_is_dirty(&spool));
    }
    assert_int_equal(state_after_cut(), TH_SPOOL_WAITING);
    fail_to = 0;
    assert_int_equal(th_spool_sync(&spool, now, &fault), 0);
    assert_false(th_spool_is_dirty(&spool));
    assert_int_equal(state_after_cut(), TH_SPOOL_SENT);
}

static void test_short_writes(void **state)
{
    (void)state;
    short_at = 2;
    live(60);
    assert_true(images > 100);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cut_at_every_change, begin, end),
        cmocka_unit_test_setup_teardown(test_that_a_lie_is_found, NULL, end),
        cmocka_unit_test_setup_teardown(test_failing_disks, NULL, end),
        cmocka_unit_test_setup_teardown(test_that_a_sync_owes_what_a_failed_one_lost, begin, end),
        cmocka_unit_test_setup_teardown(test_short_writes, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A producer and sender in one process is killed with SIGKILL at any moment: what it had said to be
 * accepted is there, what it had not begun to finish too, and an id is accepted once.
 *
 * It proves the order of what the process does; what a disk may lose is test_power_cut.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"
#include "spool/spool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGES 1048576
#define NOW 1700000000

struct word {
    char what;       /* accepted; before it is finished: done */
    uint32_t number;
};

static char top[48];
static struct th_spool spool;
static struct th_spool_config config = {.path = top, .max_bytes = 65536, .max_messages = 40};
static uint8_t fate[MESSAGES]; /* of each number: 0, 'a', 'd' */
static uint32_t next_number = 1;

static struct th_spool_message message_of(uint32_t number)
{
    static char text[16];
    snprintf(text, sizeof text, "n%u", (unsigned)number);
    return (struct th_spool_message){.topic = th_slice_text("t"), .payload = th_slice_text(text),
                                     .id = th_slice_text(text), .qos = 1};
}

static uint32_t number_of(uint64_t seq)
{
    char text[16] = "";
    struct th_fault fault = {0};
    int got = th_spool_payload(&spool, seq, 0, (uint8_t *)text, sizeof text - 1, &fault);
    assert_true(got > 1 && text[0] == 'n');
    return (uint32_t)atoi(text + 1);
}

/* ---- who is killed --------------------------------------------------------------------------- */

static void say(int to, char what, uint32_t number)
{
    const struct word word = {what, number};
    if (write(to, &word, sizeof word) != sizeof word)
        _exit(1);
}

static void produce(int to, uint32_t first, uint32_t count)
{
    struct th_fault fault = {0};
    uint64_t seq;
    for (uint32_t i = 0; i < count; i++) {
        const struct th_spool_message message = message_of(first + i);
        if (th_spool_append(&spool, &message, NOW, &seq, &fault) < 0)
            return;
    }
    if (th_spool_sync(&spool, NOW, &fault) < 0)
        _exit(1);
    for (uint32_t i = 0; i < count; i++)
        say(to, 'a', first + i);
}

static void live(int to)
{
    struct th_fault fault = {0};
    struct th_spool_item item;
    config.policy = TH_SPOOL_REFUSE;
    if (th_spool_open(&spool, &config, TH_SPOOL_OWN, NOW, &fault) < 0)
        _exit(1);
    for (uint32_t number = next_number; number < MESSAGES - 8; number += 3) {
        produce(to, number, 3);
        for (int i = 0; i < 3 && th_spool_next(&spool, NOW, &item, &fault) == 1; i++) {
            say(to, 'd', number_of(item.seq));
            if (th_spool_done(&spool, item.seq, &fault) < 0)
                _exit(1);
        }
    }
    _exit(0);
}

/* ---- who looks ------------------------------------------------------------------------------- */

static void listen_to(int from)
{
    struct word word;
    while (read(from, &word, sizeof word) == sizeof word) {
        assert_true(word.number < MESSAGES && strchr("ad", word.what));
        if (fate[word.number] != 'd')
            fate[word.number] = (uint8_t)word.what;
        if (word.number >= next_number)
            next_number = word.number + 1;
    }
}

static void kill_once(unsigned after_us)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        live(ends[1]);
    }
    close(ends[1]);
    usleep(after_us);
    kill(child, SIGKILL);
    listen_to(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    close(ends[0]);
}

/* Leaves all as it is. */
static unsigned look(void)
{
    static bool there[MESSAGES];
    struct th_fault fault = {0};
    struct th_spool_item item;
    unsigned lost = 0;
    memset(there, 0, sizeof there);
    assert_int_equal(th_spool_open(&spool, &config, TH_SPOOL_LOOK, NOW, &fault), 0);
    while (th_spool_next(&spool, NOW, &item, &fault) == 1) {
        uint32_t number = number_of(item.seq);
        assert_false(there[number]);
        there[number] = true;
    }
    for (uint32_t number = 1; number < next_number; number++)
        lost += fate[number] == 'a' && !there[number];
    th_spool_close(&spool);
    return lost;
}

/* Those that were not answered are given again with their ids, and those before, too. */
static void give_again(void)
{
    struct th_fault fault = {0};
    uint64_t seq;
    assert_int_equal(th_spool_open(&spool, &config, TH_SPOOL_OWN, NOW, &fault), 0);
    uint32_t first = next_number > 20 ? next_number - 20 : 1;
    for (uint32_t number = first; number < next_number; number++) {
        const struct th_spool_message message = message_of(number);
        if (fate[number])
            assert_int_equal(th_spool_append(&spool, &message, NOW, &seq, &fault), TH_SPOOL_KNOWN);
    }
    th_spool_close(&spool);
    next_number += 3; /* the batch that was cut off: its ids may be known or not */
}

static void test_killed_at_any_moment(void **state)
{
    (void)state;
    const char *check = getenv("THIMBLE_CHECK");
    unsigned kills = check && !strcmp(check, "all") ? 1000 : 60, lost = 0, accepted = 0;
    bool has_memory = access("/dev/shm", W_OK) == 0;
    snprintf(top, sizeof top, "%s/thimble-kill-XXXXXX", has_memory ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(top));
    for (unsigned i = 0; i < kills && next_number < MESSAGES - 1000; i++) {
        kill_once(2000 + (unsigned)rand() % 15000);
        lost += look();
        give_again();
    }
    for (uint32_t number = 1; number < next_number; number++)
        accepted += fate[number] != 0;
    print_message("%u kills, %u messages accepted, %u lost\n", kills, accepted, lost);
    char command[80];
    snprintf(command, sizeof command, "rm -rf %s", top);
    assert_int_equal(system(command), 0);
    assert_int_equal(lost, 0);
    assert_true(accepted > kills);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_killed_at_any_moment)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* pub and sub against a client that does what a script says: what they ask of it, print, say, and
 * exit with. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/command.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/say.h"
#include <thimble/report.h>

/* ---- the client that only acts ------------------------------------------------------------- */

typedef void act(void);

static struct {
    const struct th_config *config;
    const struct th_context_config *context;
    act *const *script; /* one act for each step; ends with NULL */
    int disconnects;
    int connects;
    bool closed;
    size_t pending;
    size_t room;         /* messages it still takes */
    int result;          /* of th_step() when the script is over */
    int publish_result;
    int steps_too_many;
    struct th_fault fault;
    struct th_fault request_fault;
    char log[4096];      /* what was asked of it */
} client;

static void note(const char *format, ...)
{
    size_t used = strlen(client.log);
    va_list args;
    va_start(args, format);
    vsnprintf(client.log + used, sizeof client.log - used, format, args);
    va_end(args);
}

static struct th_client *const handle = (struct th_client *)&client;

size_t th_need_bytes(void) { return 1; }
size_t th_context_need_bytes(void) { return 1; }

int th_context_open(struct th_context **context, void *block, size_t block_bytes,
                    const struct th_context_config *config, struct th_fault *fault)
{
    (void)block_bytes;
    static struct th_context_config kept;
    kept = *config;
    client.context = &kept;
    *context = block;
    *fault = client.fault;
    return client.fault.code;
}

void th_context_close(struct th_context *context) { (void)context; }

int th_open(struct th_client **opened, void *block, size_t block_bytes, struct th_context *context,
            const struct th_config *config, struct th_fault *fault)
{
    (void)context;
    (void)fault;
    assert_int_equal((uintptr_t)block % 16, 0);
    assert_true(block_bytes > 0);
    client.config = config;
    *opened = handle;
    return 0;
}

int th_connect(struct th_client *it)
{
    assert_ptr_equal(it, handle);
    client.connects++;
    return 0;
}

/* The command should have ended by now. */
static int goes_on(void)
{
    client.fault = (struct th_fault){.code = TH_E_PROTOCOL, .text = "the script is over"};
    return TH_E_PROTOCOL;
}

int th_step(struct th_client *it)
{
    assert_ptr_equal(it, handle);
    if (*client.script) {
        (*client.script++)();
        return 0;
    }
    if (client.disconnects || client.result < 0)
        return client.disconnects ? TH_E_CLOSED : client.result;
    return client.steps_too_many++ < 2 ? 0 : goes_on();
}

int th_fd(const struct th_client *it) { (void)it; return -1; }
short th_poll_events(const struct th_client *it) { (void)it; return 0; }
int th_wait_ms(const struct th_client *it) { (void)it; return *client.script ? 0 : 5000; }
const struct th_fault *th_fault(const struct th_client *it) { (void)it; return &client.fault; }
size_t th_pending(const struct th_client *it) { (void)it; return client.pending; }

const struct th_fault *th_request_fault(const struct th_client *it)
{
    (void)it;
    return &client.request_fault;
}

bool th_room_for(const struct th_client *it, size_t message_bytes)
{
    (void)it;
    (void)message_bytes;
    return client.room > 0;
}

int th_publish(struct th_client *it, const struct th_message *message)
{
    (void)it;
    if (client.publish_result < 0)
        return client.publish_result;
    note("publish %.*s=%.*s q%u%s;", (int)message->topic.len_bytes, message->topic.data,
         (int)message->payload.len_bytes, (const char *)message->payload.data, message->qos,
         message->retain ? " r" : "");
    client.pending++;
    client.room--;
    return 1;
}

int th_subscribe(struct th_client *it, const struct th_filter *filters, size_t count,
                 const struct th_properties *properties)
{
    (void)it;
    (void)properties;
    note("subscribe");
    for (size_t i = 0; i < count; i++)
        note(" %.*s q%u", (int)filters[i].filter.len_bytes, filters[i].filter.data, filters[i].qos);
    note(";");
    return client.publish_result < 0 ? client.publish_result : 1;
}

int th_unsubscribe(struct th_client *it, const struct th_slice *filters, size_t count,
                   const struct th_properties *properties)
{
    (void)it;
    (void)properties;
    note("unsubscribe");
    for (size_t i = 0; i < count; i++)
        note(" %.*s", (int)filters[i].len_bytes, filters[i].data);
    note(";");
    return 2;
}

int th_disconnect(struct th_client *it, uint8_t reason, const struct th_properties *properties)
{
    (void)it;
    (void)properties;
    note("disconnect %u;", reason);
    client.disconnects++;
    return 0;
}

void th_close(struct th_client *it)
{
    client.closed = it == handle;
}

void th_report(const struct th_client *it, struct th_report *report)
{
    (void)it;
    memset(report, 0, sizeof *report);
}

/* ---- acts ------------------------------------------------------------------------------------ */

static void tell(const struct th_event *event)
{
    client.config->on_event(client.config->arg, event);
}

static void connected(void)
{
    tell(&(struct th_event){.kind = TH_EVENT_CONNECTED});
}

static void connected_to_session(void)
{
    tell(&(struct th_event){.kind = TH_EVENT_CONNECTED, .session_present = true});
}

static void lost(void)
{
    static const struct th_fault fault = {.code = TH_E_CLOSED, .text = "the line is dead"};
    tell(&(struct th_event){.kind = TH_EVENT_DISCONNECTED, .redial_in_ms = 1234, .fault = &fault});
}

static void idle(void)
{
}

static void acknowledged_with(uint8_t reason)
{
    client.pending--;
    client.room++;
    tell(&(struct th_event){.kind = TH_EVENT_PUBLISHED, .packet_id = 1, .reason = reason});
}

static void acknowledged(void)
{
    acknowledged_with(0);
}

static void nobody_listens(void)
{
    acknowledged_with(0x10);
}

static void not_authorized(void)
{
    acknowledged_with(0x87);
}

static void answered(enum th_event_kind kind, const char *codes)
{
    tell(&(struct th_event){.kind = kind, .packet_id = 1,
                            .codes = {(const uint8_t *)codes, strlen(codes)}});
}

static void subscribed(void)
{
    answered(TH_EVENT_SUBSCRIBED, "\1\1");
}

static void one_refused(void)
{
    answered(TH_EVENT_SUBSCRIBED, "\1\x87");
}

static void unsubscribed(void)
{
    answered(TH_EVENT_UNSUBSCRIBED, "\x11");
}

static void deliver(const char *topic, const char *payload, size_t offset, size_t total,
                    bool retain)
{
    client.config->on_delivery(client.config->arg, &(struct th_delivery){
        .topic = {(const uint8_t *)topic, strlen(topic)},
        .payload = {(const uint8_t *)payload, strlen(payload)},
        .offset_bytes = offset,
        .total_bytes = total,
        .retain = retain,
    });
}

static void message_one(void)
{
    deliver("t/1", "one", 0, 3, false);
}

static void message_two(void)
{
    deliver("t/2", "two", 0, 3, false);
}

static void message_empty(void)
{
    deliver("t/e", "", 0, 0, false);
}

static void message_retained(void)
{
    deliver("t/r", "old", 0, 3, true);
}

static void pieces(void)
{
    deliver("t/p", "first", 0, 12, false);
    deliver("t/p", " then", 5, 12, false);
    deliver("t/p", "\r\n", 10, 12, false);
}

static void half_a_message(void)
{
    deliver("t/h", "half", 0, 8, false);
}

static void two_at_once(void)
{
    message_one();
    message_two();
}

static void terminated(void)
{
    kill(getpid(), SIGTERM);
}

static void interrupted(void)
{
    kill(getpid(), SIGINT);
}

/* ---- running a command ----------------------------------------------------------------------- */

static char printed[8192];
static char said[8192];
static int input[2] = {-1, -1};

static int capture(int fd, FILE *file)
{
    int saved = dup(fd);
    assert_true(saved >= 0 && dup2(fileno(file), fd) >= 0);
    return saved;
}

static void restore(int fd, int saved)
{
    dup2(saved, fd);
    close(saved);
}

static void read_back(FILE *file, char *text)
{
    rewind(file);
    text[fread(text, 1, 8191, file)] = '\0';
    fclose(file);
}

static int run_to(FILE *out, int command, const char *words, act *const *script)
{
    static char text[1024];
    char *argv[40];
    int argc = 0;
    strcpy(text, words);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    client.script = script;
    FILE *err = tmpfile();
    fflush(stdout);
    fflush(stderr);
    int saved_in = dup(0), saved_out = capture(1, out), saved_err = capture(2, err);
    if (input[0] >= 0)
        dup2(input[0], 0);
    int status = command == TH_CLI_PUB ? th_cli_pub(argc, argv) : th_cli_sub(argc, argv);
    restore(0, saved_in);
    restore(1, saved_out);
    restore(2, saved_err);
    read_back(err, said);
    return status;
}

static int run(int command, const char *words, act *const *script)
{
    FILE *out = tmpfile();
    int status = run_to(out, command, words, script);
    read_back(out, printed);
    return status;
}

#define SCRIPT(...) ((act *const[]){__VA_ARGS__, NULL})
#define PLAIN "--no-tls -t t/# "

static int fresh_client(void **state)
{
    (void)state;
    memset(&client, 0, sizeof client);
    client.room = 100;
    return 0;
}

/* ---- sub ------------------------------------------------------------------------------------- */

static void test_sub_prints_what_comes(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-t u -q 1 -C 2",
                         SCRIPT(connected, subscribed, message_one, message_two)), 0);
    assert_string_equal(printed, "one\ntwo\n");
    assert_string_equal(said, "");
    assert_string_equal(client.log, "subscribe t/# q1 u q1;disconnect 0;");
    assert_true(client.closed);
    assert_int_equal(client.connects, 1);
}

static void test_sub_prints_no_more_than_count(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 1", SCRIPT(connected, two_at_once, message_two)), 0);
    assert_string_equal(printed, "one\n");
}

static void test_sub_verbose_and_without_newline(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-v -C 3", SCRIPT(connected, message_one, message_empty,
                                                           message_two)), 0);
    assert_string_equal(printed, "t/1 one\nt/e (null)\nt/2 two\n");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-N -C 3", SCRIPT(connected, message_one, message_empty,
                                                           message_two)), 0);
    assert_string_equal(printed, "onetwo");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 2", SCRIPT(connected, message_empty,
                                                        message_one)), 0);
    assert_string_equal(printed, "one\n");
}

static void test_sub_puts_pieces_together(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-v -C 2", SCRIPT(connected, pieces, message_one)), 0);
    assert_string_equal(printed, "t/p first then\r\n\nt/1 one\n");
    assert_string_equal(said, "");
}

static void test_sub_tells_of_a_message_cut_off(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 1",
                         SCRIPT(connected, half_a_message, lost, connected, message_one)), 0);
    assert_string_equal(printed, "halfone\n");
    assert_string_equal(said,
                        "thimble sub: the line is dead; trying again in 1.2 s\n"
                        "thimble sub: connected again\n"
                        "thimble sub: the message before was cut off after 4 bytes: the connection "
                        "was lost\n");
}

static void test_sub_retained(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-R -C 1", SCRIPT(connected, message_retained,
                                                           message_one)), 0);
    assert_string_equal(printed, "one\n");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "--retained-only", SCRIPT(connected, message_retained,
                                                                   message_one)), 0);
    assert_string_equal(printed, "old\n");
}

static void test_sub_filters_out(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-T t/1 -T x -C 1", SCRIPT(connected, message_one,
                                                                    message_two)), 0);
    assert_string_equal(printed, "two\n");
}

static void test_sub_ends_after_subscribing(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-U old -E", SCRIPT(connected, subscribed, idle,
                                                             unsubscribed)), 0);
    assert_string_equal(client.log, "subscribe t/# q0;unsubscribe old;disconnect 0;");
}

static void test_sub_refused(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-t secret", SCRIPT(connected, one_refused)), 58);
    assert_string_equal(said, "thimble sub: the broker refused the subscription to secret, reason "
                              "code 135 (58 subscription-refused)\n");
}

static void test_sub_subscribes_again_without_session(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 1", SCRIPT(connected, subscribed, lost, connected,
                                                        message_one)), 0);
    assert_string_equal(client.log, "subscribe t/# q0;subscribe t/# q0;disconnect 0;");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 1", SCRIPT(connected, subscribed, lost,
                                                        connected_to_session, message_one)), 0);
    assert_string_equal(client.log, "subscribe t/# q0;disconnect 0;");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-C 1", SCRIPT(connected_to_session, message_one)), 0);
    assert_string_equal(client.log, "subscribe t/# q0;disconnect 0;");
}

static void test_sub_time_is_up(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN "-W 1", SCRIPT(idle, connected, message_one)), 27);
    assert_string_equal(printed, "one\n");
    assert_string_equal(said, "thimble sub: time is up after 1 s (27 timeout)\n");
}

static void test_sub_signals(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_SUB, PLAIN, SCRIPT(connected, message_one, terminated, idle)), 0);
    assert_string_equal(printed, "one\n");
    assert_string_equal(client.log, "subscribe t/# q0;disconnect 0;");
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN, SCRIPT(idle, interrupted, idle)), 130);
    fresh_client(NULL);
    assert_int_equal(run(TH_CLI_SUB, PLAIN, SCRIPT(idle, terminated, idle)), 143);
}

static void test_sub_request_fails(void **state)
{
    (void)state;
    client.publish_result = TH_E_TOO_LARGE;
    client.request_fault = (struct th_fault){.code = TH_E_TOO_LARGE, .text = "too many filters"};
    assert_int_equal(run(TH_CLI_SUB, PLAIN, SCRIPT(connected)), 25);
    assert_string_equal(said, "thimble sub: too many filters (25 too-large)\n");
}

/* ---- pub ------------------------------------------------------------------------------------- */

#define PUB "--no-tls -t a "

static void test_pub_waits_for_the_acknowledgement(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m hello -q 1 -r", SCRIPT(idle, connected, idle, idle,
                                                                  acknowledged)), 0);
    assert_string_equal(client.log, "publish a=hello q1 r;disconnect 0;");
    assert_string_equal(said, "");
    assert_int_equal(client.config->redial.attempts, 10);
    assert_false(client.config->redial.first_too);
}

static void test_pub_nobody_listens(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-n -q 1", SCRIPT(connected, nobody_listens)), 0);
    assert_string_equal(client.log, "publish a= q1;disconnect 0;");
}

static void test_pub_refused(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x -q 1", SCRIPT(connected, not_authorized)), 51);
    assert_string_equal(said, "thimble pub: the broker refused message 1, reason code 135 "
                              "(51 not-authorized)\n");
}

static void test_pub_too_large(void **state)
{
    (void)state;
    client.publish_result = TH_E_TOO_LARGE;
    client.request_fault = (struct th_fault){.code = TH_E_TOO_LARGE, .text = "17 of 16 bytes"};
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x", SCRIPT(connected)), 25);
    assert_string_equal(said, "thimble pub: 17 of 16 bytes (25 too-large)\n");
}

static void test_pub_fails(void **state)
{
    (void)state;
    client.result = TH_E_TCP;
    client.fault = (struct th_fault){.code = TH_E_TCP, .text = "nobody there"};
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x", SCRIPT(idle)), 4);
    assert_string_equal(said, "thimble pub: nobody there (4 not-connected)\n");
    assert_string_equal(client.log, "");
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x --quiet", SCRIPT(idle)), 4);
    assert_string_equal(said, "");
    assert_true(client.closed);
}

static void test_pub_danger_is_named(void **state)
{
    (void)state;
    client.fault = (struct th_fault){.code = TH_E_FILE, .sys_errno = 2, .text = "no ca"};
    assert_int_equal(run(TH_CLI_PUB, "--cafile ca -t a -m x --insecure", SCRIPT(idle)), 66);
    assert_string_equal(said, "thimble pub: [insecure] no ca (66 file-unusable)\n");
    assert_true(client.context->insecure_no_name_check);
    assert_false(client.context->insecure_no_verify);
    assert_int_equal(run(TH_CLI_PUB, "-t a -m x --insecure-no-verify", SCRIPT(idle)), 66);
    assert_string_equal(said, "thimble pub: [insecure-no-verify] no ca (66 file-unusable)\n");
    assert_true(client.context->insecure_no_verify);
}

static void test_pub_interrupted(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x -q 1", SCRIPT(connected, interrupted, idle)), 130);
    assert_string_equal(client.log, "publish a=x q1;disconnect 0;");
}

static void test_pub_second_signal_ends_at_once(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x -q 1", SCRIPT(connected, interrupted, idle,
                                                           terminated, idle, idle, idle, idle)),
                     130);
    assert_true(client.closed);
    assert_non_null(*client.script);
}

static void test_pub_report_to_nowhere(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x --mem-report=json:/nonexistent/r",
                         SCRIPT(connected, acknowledged)), 66);
    assert_non_null(strstr(said, "/nonexistent/r"));
}

static void test_pub_configures(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x -V 5 -c -i me -u you -k 7 --retry 3 --timeout 2 "
                         "--timeout-ack 4 --will-topic w --will-payload gone --will-qos 2 "
                         "--will-retain --heap-budget 1k --window-budget 2k --outbox-budget 3k",
                         SCRIPT(connected, acknowledged)), 0);
    const struct th_config *config = client.config;
    assert_string_equal(config->host, "localhost");
    assert_true(config->insecure_plaintext);
    assert_int_equal(config->version, TH_MQTT_5);
    assert_string_equal(config->client_id, "me");
    assert_string_equal(config->username, "you");
    assert_false(config->clean_start);
    assert_int_equal(config->keep_alive_s, 7);
    assert_int_equal(config->redial.attempts, 3);
    assert_true(config->redial.first_too);
    assert_int_equal(config->deadlines.tcp_ms, 2000);
    assert_int_equal(config->deadlines.ack_ms, 4000);
    assert_memory_equal(config->will.message.topic.data, "w", 1);
    assert_memory_equal(config->will.message.payload.data, "gone", 4);
    assert_int_equal(config->will.message.qos, 2);
    assert_true(config->will.message.retain);
    assert_int_equal(config->properties.count, 1);
    assert_int_equal(config->properties.list[0].id, 0x11);
    assert_int_equal(config->properties.list[0].number, UINT32_MAX);
    assert_int_equal(config->heap_budget_bytes, 1024);
    assert_int_equal(config->window_budget_bytes, 2048);
    assert_int_equal(config->outbox_budget_bytes, 3072);
}

static void test_pub_client_id_prefix(void **state)
{
    (void)state;
    char expected[32];
    snprintf(expected, sizeof expected, "pre%d", (int)getpid());
    assert_int_equal(run(TH_CLI_PUB, PUB "-m x -I pre", SCRIPT(connected, acknowledged)), 0);
    assert_string_equal(client.config->client_id, expected);
}

/* ---- pub with standard input ----------------------------------------------------------------- */

static void give_input(const char *text)
{
    assert_int_equal(pipe(input), 0);
    assert_int_equal(write(input[1], text, strlen(text)), strlen(text));
}

static void end_of_input(void)
{
    close(input[1]);
}

static int drop_input(void **state)
{
    (void)state;
    close(input[0]);
    input[0] = input[1] = -1;
    return 0;
}

static void room_for_two(void)
{
    client.room = 2;
    connected();
}

static void test_pub_lines(void **state)
{
    (void)state;
    give_input("one\n\nlast");
    end_of_input();
    assert_int_equal(run(TH_CLI_PUB, PUB "-l", SCRIPT(idle, connected, idle, idle, idle, idle,
                                                    acknowledged, acknowledged, acknowledged)), 0);
    assert_string_equal(client.log, "publish a=one q0;publish a= q0;publish a=last q0;"
                                    "disconnect 0;");
}

static size_t unread;

static void measure_unread(void)
{
    char rest[64];
    ssize_t got = read(input[0], rest, sizeof rest);
    unread = got > 0 ? (size_t)got : 0;
}

static void test_pub_lines_are_read_as_there_is_room(void **state)
{
    (void)state;
    give_input("1\n2\n");
    end_of_input();
    assert_int_equal(run(TH_CLI_PUB, PUB "-l -q 1", SCRIPT(room_for_two, idle, idle, idle, idle,
                                                         acknowledged, acknowledged)), 0);
    assert_string_equal(client.log, "publish a=1 q1;publish a=2 q1;disconnect 0;");
}

static void no_room(void)
{
    client.room = 0;
    client.pending = 1;
    connected();
}

static void room_again(void)
{
    measure_unread();
    assert_int_equal(unread, 6);
    assert_int_equal(write(input[1], "later\n", 6), 6);
    end_of_input();
    client.pending = 0;
    client.room = 5;
}

static void test_pub_reads_nothing_without_room(void **state)
{
    (void)state;
    give_input("never\n");
    assert_int_equal(run(TH_CLI_PUB, PUB "-l -q 1", SCRIPT(no_room, idle, idle, idle, room_again,
                                                         idle, idle, idle, acknowledged)), 0);
    assert_string_equal(client.log, "publish a=later q1;disconnect 0;");
}

static void test_pub_reads_nothing_before_the_connection(void **state)
{
    (void)state;
    give_input("kept\n");
    client.result = TH_E_LOOKUP;
    client.fault = (struct th_fault){.code = TH_E_LOOKUP, .text = "no such name"};
    assert_int_equal(run(TH_CLI_PUB, PUB "-l", SCRIPT(idle, idle, idle)), 20);
    measure_unread();
    assert_int_equal(unread, 5);
    end_of_input();
}

static void test_pub_line_too_long(void **state)
{
    (void)state;
    static char text[TH_OUTBOX_BYTES + 100];
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "ok\n", 3);
    give_input(text);
    end_of_input();
    act *script[32];
    for (size_t i = 0; i < 31; i++)
        script[i] = i == 0 ? connected : idle;
    script[31] = NULL;
    assert_int_equal(run(TH_CLI_PUB, PUB "-l", script), 25);
    assert_non_null(strstr(said, "line 2 of standard input is longer than the outbox of"));
}

static void test_pub_whole_input(void **state)
{
    (void)state;
    give_input("two\nlines\n");
    end_of_input();
    assert_int_equal(run(TH_CLI_PUB, PUB "-s", SCRIPT(connected, acknowledged)), 0);
    assert_string_equal(client.log, "publish a=two\nlines\n q0;disconnect 0;");
}

static void test_pub_empty_input(void **state)
{
    (void)state;
    give_input("");
    end_of_input();
    assert_int_equal(run(TH_CLI_PUB, PUB "-s", SCRIPT(idle)), 67);
    assert_int_equal(client.connects, 0);
}

/* ---- wrong command lines touch nothing ------------------------------------------------------- */

static void test_usage_touches_nothing(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, "-t a -f /nonexistent -q 9", SCRIPT(idle)), 64);
    assert_string_equal(said, "thimble pub: -q 9: give a whole number from 0 to 2\n");
    assert_int_equal(run(TH_CLI_SUB, "--quiet -t a", SCRIPT(idle)), 64);
    assert_non_null(strstr(said, "--cafile: TLS needs"));
    assert_int_equal(client.connects, 0);
    assert_null(client.context);
    assert_null(client.config);
}

/* ---- the other commands ---------------------------------------------------------------------- */

static int run_words(const char *words)
{
    static char text[256];
    char *argv[10];
    int argc = 0;
    strcpy(text, words);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    FILE *out = tmpfile(), *err = tmpfile();
    fflush(stdout);
    fflush(stderr);
    int saved_out = capture(1, out), saved_err = capture(2, err);
    th_cli_voice_set(&(struct th_cli_voice){.command = "", .danger = ""});
    int status = th_cli_run(argc, argv);
    restore(1, saved_out);
    restore(2, saved_err);
    read_back(out, printed);
    read_back(err, said);
    return status;
}

static void test_wrong_commands(void **state)
{
    (void)state;
    assert_int_equal(run_words("thimble"), 64);
    assert_string_equal(said, "thimble: the command is missing; see thimble --help\n");
    assert_int_equal(run_words("thimble pbu"), 64);
    assert_string_equal(said, "thimble: pbu: no such command; did you mean thimble pub?\n");
    assert_int_equal(run_words("thimble vresion"), 64);
    assert_string_equal(said, "thimble: vresion: no such command; did you mean thimble version?\n");
    assert_int_equal(run_words("thimble elephant"), 64);
    assert_string_equal(said, "thimble: elephant: no such command; see thimble --help\n");
    assert_string_equal(printed, "");
}

static void test_explain(void **state)
{
    (void)state;
    assert_int_equal(run_words("thimble explain 72"), 0);
    assert_memory_equal(printed, "72 unknown-ca\n", 14);
    assert_int_equal(run_words("thimble explain unknown-ca"), 0);
    assert_memory_equal(printed, "72 unknown-ca\n", 14);
    assert_int_equal(run_words("thimble explain 1"), 64);
    assert_int_equal(run_words("thimble explain 072x"), 64);
    assert_int_equal(run_words("thimble explain"), 0);
    unsigned lines = 0;
    for (const char *at = printed; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, th_cli_exits_count);
}

static unsigned count_lines_beginning_with(const char *start)
{
    unsigned found = 0;
    for (const char *at = printed; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
        found += !strncmp(at, start, strlen(start));
    return found;
}

/* Every option has a line: "  -x" or "      --name". */
static void test_help(void **state)
{
    (void)state;
    static const char *const words[] = {"thimble pub --help", "thimble help sub"};
    for (int i = 0; i < 2; i++) {
        unsigned expected = 0;
        for (size_t o = 0; o < th_cli_options_count; o++)
            expected += (th_cli_options[o].commands & (i == 0 ? TH_CLI_PUB : TH_CLI_SUB)) != 0;
        assert_int_equal(run_words(words[i]), 0);
        assert_int_equal(count_lines_beginning_with("  -") +
                         count_lines_beginning_with("      --"), expected);
        assert_string_equal(said, "");
    }
    assert_int_equal(run_words("thimble --help"), 0);
    assert_int_equal(count_lines_beginning_with("  thimble "), th_cli_commands_count);
}

static void test_version(void **state)
{
    (void)state;
    assert_int_equal(run_words("thimble pub --version"), 0);
    assert_string_equal(printed, "thimble " TH_VERSION "\n");
    assert_int_equal(run_words("thimble version"), 0);
    assert_int_equal(count_lines_beginning_with("wolfssl "), 1);
    assert_int_equal(count_lines_beginning_with("tls_heap_bytes "), 1);
}

/* ---- standard output, last: a failure of it is for ever -------------------------------------- */

static void test_full_disk(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    assert_int_equal(run_to(full, TH_CLI_SUB, PLAIN, SCRIPT(connected, message_one, idle)), 14);
    assert_string_equal(said, "thimble sub: cannot write to standard output: No space left on "
                              "device\n");
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sub_prints_what_comes, fresh_client),
        cmocka_unit_test_setup(test_sub_prints_no_more_than_count, fresh_client),
        cmocka_unit_test_setup(test_sub_verbose_and_without_newline, fresh_client),
        cmocka_unit_test_setup(test_sub_puts_pieces_together, fresh_client),
        cmocka_unit_test_setup(test_sub_tells_of_a_message_cut_off, fresh_client),
        cmocka_unit_test_setup(test_sub_retained, fresh_client),
        cmocka_unit_test_setup(test_sub_filters_out, fresh_client),
        cmocka_unit_test_setup(test_sub_ends_after_subscribing, fresh_client),
        cmocka_unit_test_setup(test_sub_refused, fresh_client),
        cmocka_unit_test_setup(test_sub_subscribes_again_without_session, fresh_client),
        cmocka_unit_test_setup(test_sub_time_is_up, fresh_client),
        cmocka_unit_test_setup(test_sub_signals, fresh_client),
        cmocka_unit_test_setup(test_sub_request_fails, fresh_client),
        cmocka_unit_test_setup(test_pub_waits_for_the_acknowledgement, fresh_client),
        cmocka_unit_test_setup(test_pub_nobody_listens, fresh_client),
        cmocka_unit_test_setup(test_pub_refused, fresh_client),
        cmocka_unit_test_setup(test_pub_too_large, fresh_client),
        cmocka_unit_test_setup(test_pub_fails, fresh_client),
        cmocka_unit_test_setup(test_pub_danger_is_named, fresh_client),
        cmocka_unit_test_setup(test_pub_interrupted, fresh_client),
        cmocka_unit_test_setup(test_pub_second_signal_ends_at_once, fresh_client),
        cmocka_unit_test_setup(test_pub_report_to_nowhere, fresh_client),
        cmocka_unit_test_setup(test_pub_configures, fresh_client),
        cmocka_unit_test_setup(test_pub_client_id_prefix, fresh_client),
        cmocka_unit_test_setup_teardown(test_pub_lines, fresh_client, drop_input),
        cmocka_unit_test_setup_teardown(test_pub_lines_are_read_as_there_is_room, fresh_client,
                                        drop_input),
        cmocka_unit_test_setup_teardown(test_pub_reads_nothing_without_room, fresh_client,
                                        drop_input),
        cmocka_unit_test_setup_teardown(test_pub_reads_nothing_before_the_connection, fresh_client,
                                        drop_input),
        cmocka_unit_test_setup_teardown(test_pub_line_too_long, fresh_client, drop_input),
        cmocka_unit_test_setup_teardown(test_pub_whole_input, fresh_client, drop_input),
        cmocka_unit_test_setup_teardown(test_pub_empty_input, fresh_client, drop_input),
        cmocka_unit_test_setup(test_usage_touches_nothing, fresh_client),
        cmocka_unit_test(test_wrong_commands),
        cmocka_unit_test(test_explain),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_version),
        cmocka_unit_test_setup(test_full_disk, fresh_client),
    };
    clearenv();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A client that does what a script says, in the place of the real one, and a command run against
 * it: what it asks for, prints, says, and exits with. For one test program each. */
#ifndef TH_TESTS_ACTING_CLIENT_H
#define TH_TESTS_ACTING_CLIENT_H

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
#include <thimble/identity.h>
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
    size_t pending, unreleased;
    size_t room;         /* messages it still takes */
    size_t outbox_bytes; /* longer payloads must be streamed */
    struct th_payload_source source; /* of the last message that was */
    int result;          /* of th_step() when the script is over */
    int publish_result;
    int steps_too_many;
    struct th_fault fault;
    struct th_fault request_fault;
    char log[4096];      /* what was asked of it */
} client;

static inline void note(const char *format, ...)
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

int th_identity_judge(void *block, size_t block_bytes, const struct th_context_config *config,
                      void (*on_leaf)(void *arg, const struct th_certificate *leaf), void *arg,
                      struct th_fault *fault)
{
    (void)block, (void)block_bytes, (void)config, (void)on_leaf, (void)arg, (void)fault;
    return 0;
}

int th_chain_verify(void *block, size_t block_bytes, const struct th_context_config *config,
                    const char *host, struct th_fault *fault)
{
    (void)block, (void)block_bytes, (void)config, (void)host, (void)fault;
    return 0;
}

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

int th_context_renew(struct th_context *context, const struct th_context_config *config,
                     struct th_fault *fault)
{
    (void)context, (void)config, (void)fault;
    return 0;
}

bool th_context_rereads(const struct th_context *context)
{
    (void)context;
    return false;
}

void th_context_settle(struct th_context *context, bool renewed) { (void)context, (void)renewed; }
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
static inline int goes_on(void)
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
enum th_phase th_phase(const struct th_client *it) { (void)it; return TH_PHASE_UP; }
const struct th_fault *th_fault(const struct th_client *it) { (void)it; return &client.fault; }
size_t th_pending(const struct th_client *it) { (void)it; return client.pending; }
void th_release(struct th_client *it) { (void)it; }
bool th_withdraw(struct th_client *it, const void *arg) { (void)it, (void)arg; return false; }

int th_redirect(struct th_client *it, const char *host, uint16_t port)
{
    (void)it, (void)host, (void)port;
    return 0;
}

int th_reconfigure(struct th_client *it, const struct th_config *config)
{
    (void)it, (void)config;
    return 0;
}

size_t th_unreleased(const struct th_client *it) { (void)it; return client.unreleased; }

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

static inline void note_properties(const struct th_properties *properties)
{
    for (size_t i = 0; properties && i < properties->count; i++) {
        const struct th_property *property = &properties->list[i];
        note(" %u:%u%.*s%s%.*s", property->id, property->number, (int)property->text.len_bytes,
             property->text.data ? (const char *)property->text.data : "",
             property->value.data ? "=" : "", (int)property->value.len_bytes,
             property->value.data ? (const char *)property->value.data : "");
    }
}

int th_publish(struct th_client *it, const struct th_message *message)
{
    (void)it;
    if (client.publish_result < 0)
        return client.publish_result;
    if (message->payload.len_bytes > client.outbox_bytes)
        return TH_E_TOO_LARGE;
    note("publish %.*s=%.*s", (int)message->topic.len_bytes, message->topic.data,
         (int)message->payload.len_bytes, (const char *)message->payload.data);
    if (message->source.read)
        note("(%u bytes)", message->source.total_bytes);
    client.source = message->source;
    note(" q%u%s", message->qos, message->retain ? " r" : "");
    note_properties(&message->properties);
    note(";");
    client.pending++;
    client.room--;
    return 1;
}

int th_subscribe(struct th_client *it, const struct th_filter *filters, size_t count,
                 const struct th_properties *properties)
{
    (void)it;
    note("subscribe");
    for (size_t i = 0; i < count; i++) {
        note(" %.*s q%u", (int)filters[i].filter.len_bytes, filters[i].filter.data, filters[i].qos);
        if (filters[i].retain_as_published)
            note(" as-published");
        if (filters[i].retain_handling)
            note(" handling%u", filters[i].retain_handling);
    }
    note_properties(properties);
    note(";");
    return client.publish_result < 0 ? client.publish_result : 1;
}

int th_unsubscribe(struct th_client *it, const struct th_slice *filters, size_t count,
                   const struct th_properties *properties)
{
    (void)it;
    note("unsubscribe");
    for (size_t i = 0; i < count; i++)
        note(" %.*s", (int)filters[i].len_bytes, filters[i].data);
    note_properties(properties);
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

static inline void tell(const struct th_event *event)
{
    client.config->on_event(client.config->arg, event);
}

static inline void connected(void)
{
    tell(&(struct th_event){.kind = TH_EVENT_CONNECTED});
}

static inline void connected_to_session(void)
{
    tell(&(struct th_event){.kind = TH_EVENT_CONNECTED, .session_present = true});
}

static inline void lost(void)
{
    static const struct th_fault fault = {.code = TH_E_CLOSED, .text = "the line is dead"};
    tell(&(struct th_event){.kind = TH_EVENT_DISCONNECTED, .redial_in_ms = 1234, .fault = &fault});
}

static inline void idle(void)
{
}

static inline void acknowledged_with(uint8_t reason)
{
    client.pending--;
    client.room++;
    tell(&(struct th_event){.kind = TH_EVENT_PUBLISHED, .packet_id = 1, .reason = reason});
}

static inline void acknowledged(void)
{
    acknowledged_with(0);
}

static inline void nobody_listens(void)
{
    acknowledged_with(0x10);
}

static inline void not_authorized(void)
{
    acknowledged_with(0x87);
}

static inline void answered(enum th_event_kind kind, const char *codes)
{
    tell(&(struct th_event){.kind = kind, .packet_id = 1,
                            .codes = {(const uint8_t *)codes, strlen(codes)}});
}

static inline void subscribed(void)
{
    answered(TH_EVENT_SUBSCRIBED, "\1\1");
}

static inline void one_refused(void)
{
    answered(TH_EVENT_SUBSCRIBED, "\1\x87");
}

static inline void unsubscribed(void)
{
    answered(TH_EVENT_UNSUBSCRIBED, "\x11");
}

static inline void secret_kept(void)
{
    answered(TH_EVENT_UNSUBSCRIBED, "\x87");
}

static inline void deliver(const char *topic, const char *payload, size_t offset, size_t total,
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

static inline void message_one(void)
{
    deliver("t/1", "one", 0, 3, false);
}

/* Of QoS 2: it is not over. */
static inline void message_kept_back(void)
{
    client.unreleased = 1;
    message_one();
}

static inline void released(void)
{
    client.unreleased = 0;
}

static inline void message_two(void)
{
    deliver("t/2", "two", 0, 3, false);
}

static inline void message_empty(void)
{
    deliver("t/e", "", 0, 0, false);
}

static inline void message_retained(void)
{
    deliver("t/r", "old", 0, 3, true);
}

static inline void pieces(void)
{
    deliver("t/p", "first", 0, 12, false);
    deliver("t/p", " then", 5, 12, false);
    deliver("t/p", "\r\n", 10, 12, false);
}

static inline void half_a_message(void)
{
    deliver("t/h", "half", 0, 8, false);
}

static inline void two_at_once(void)
{
    message_one();
    message_two();
}

static inline void terminated(void)
{
    kill(getpid(), SIGTERM);
}

static inline void interrupted(void)
{
    kill(getpid(), SIGINT);
}

/* ---- running a command ----------------------------------------------------------------------- */

static char printed[8192];
static char said[8192];
static int input[2] = {-1, -1};

static inline int capture(int fd, FILE *file)
{
    int saved = dup(fd);
    assert_true(saved >= 0 && dup2(fileno(file), fd) >= 0);
    return saved;
}

static inline void restore(int fd, int saved)
{
    dup2(saved, fd);
    close(saved);
}

static inline void read_back(FILE *file, char *text)
{
    rewind(file);
    text[fread(text, 1, 8191, file)] = '\0';
    fclose(file);
}

static inline int run_to(FILE *out, int command, const char *words, act *const *script)
{
    static char text[1024];
    char *argv[40] = {0};
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
    int status = command == TH_CLI_PUB   ? th_cli_pub(argc, argv)
                 : command == TH_CLI_SUB ? th_cli_sub(argc, argv)
                                         : th_cli_rr(argc, argv);
    restore(0, saved_in);
    restore(1, saved_out);
    restore(2, saved_err);
    read_back(err, said);
    return status;
}

static inline int run(int command, const char *words, act *const *script)
{
    FILE *out = tmpfile();
    int status = run_to(out, command, words, script);
    read_back(out, printed);
    return status;
}

static inline void give_input(const char *text)
{
    assert_int_equal(pipe(input), 0);
    assert_int_equal(write(input[1], text, strlen(text)), strlen(text));
}

static inline void end_of_input(void)
{
    close(input[1]);
}

static inline int drop_input(void **state)
{
    (void)state;
    close(input[0]);
    input[0] = input[1] = -1;
    return 0;
}

#define SCRIPT(...) ((act *const[]){__VA_ARGS__, NULL})

static inline int fresh_client(void **state)
{
    (void)state;
    memset(&client, 0, sizeof client);
    client.room = 100;
    client.outbox_bytes = TH_OUTBOX_BYTES - 1000;
    return 0;
}

#endif

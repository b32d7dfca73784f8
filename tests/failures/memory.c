/* One sweep: a flow is lived again and again, each time in a process of its own, with the N-th
 * allocation refused, or all from the N-th on, until there was nothing left to refuse.
 *
 *     memory flow=NAME broker=good|name|authority|stranger mode=once|from tls=12|13 ...
 *
 * Every life must end well or with the documented error, hold nothing afterwards, never be taken in
 * by a broker that is not ours, and be followed by a good one in the same process. Each line of
 * the output is a word, a number and what belongs to it; tools/failures.py reads them. */
#include "client/client.h"
#include "cli/exit.h"
#include "mem/failing.h"

#include <execinfo.h>
#include <poll.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH = 32, TURN_MS = 50, DETECTED = 1 };

/* ---- what is asked for ----------------------------------------------------------------------- */

struct flow {
    const char *name;
    unsigned lives;       /* how often it is begun */
    unsigned connections; /* how often it must come up in each: it is lost in between */
    bool subscribes;      /* and receives what it publishes */
    bool publishes;
    uint8_t qos;
    const char *websocket_path;
    bool has_psk, has_scram;
    bool built_in; /* the roots lie in memory, as those of EMBED_ROOTS do */
    bool is_stream; /* TLS alone */
};

static const struct flow flows[] = {
    {"connect", 1, 1, .qos = 0},
    {"publish", 1, 1, .publishes = true, .qos = 2},
    {"subscribe", 1, 1, .subscribes = true, .publishes = true, .qos = 1},
    {"reconnect", 3, 1, .publishes = true, .qos = 1},
    {"resume", 1, 3, .subscribes = true, .publishes = true, .qos = 1},
    {"trust", 1, 1, .publishes = true, .qos = 1},
    {"built-in", 1, 1, .publishes = true, .qos = 1, .built_in = true},
    {"websocket", 1, 1, .publishes = true, .qos = 1, .websocket_path = "/mqtt"},
    {"psk", 1, 1, .publishes = true, .qos = 1, .has_psk = true},
    {"scram", 1, 1, .publishes = true, .qos = 1, .has_scram = true},
    {"stream", .is_stream = true},
};

static struct {
    const struct flow *flow;
    const char *broker;
    const char *ca, *crl, *pins, *cert, *key;
    const char *fault; /* what is broken on purpose, to see that it is noticed; or "none" */
    enum th_tls_version tls;
    uint16_t port, good_port;
    bool from;
    unsigned life_s; /* longer is a hang */
    size_t first, stride;
} wish = {.broker = "good", .fault = "none", .life_s = 90, .first = 1, .stride = 1};

static const struct flow *flow_named(const char *name)
{
    for (size_t i = 0; i < sizeof flows / sizeof *flows; i++)
        if (!strcmp(flows[i].name, name))
            return &flows[i];
    return NULL;
}

static bool is_word(const char *word, const char *name, const char **value)
{
    size_t length = strlen(name);
    *value = word + length + 1;
    return !strncmp(word, name, length) && word[length] == '=';
}

static bool read_text(const char *word)
{
    const struct { const char *name; const char **to; } texts[] = {
        {"broker", &wish.broker}, {"ca", &wish.ca},   {"crl", &wish.crl}, {"pins", &wish.pins},
        {"cert", &wish.cert},     {"key", &wish.key}, {"fault", &wish.fault},
    };
    const char *value;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (is_word(word, texts[i].name, &value))
            return *texts[i].to = value, true;
    return false;
}

static bool read_word(const char *word)
{
    const char *value;
    if (is_word(word, "flow", &value))
        return (wish.flow = flow_named(value)) != NULL;
    if (is_word(word, "mode", &value))
        return wish.from = !strcmp(value, "from"), true;
    if (is_word(word, "tls", &value))
        return wish.tls = (enum th_tls_version)atoi(value), true;
    if (is_word(word, "port", &value))
        return wish.port = (uint16_t)atoi(value), true;
    if (is_word(word, "good_port", &value))
        return wish.good_port = (uint16_t)atoi(value), true;
    if (is_word(word, "life_s", &value))
        return (wish.life_s = (unsigned)atoi(value)) > 0;
    if (is_word(word, "first", &value))
        return (wish.first = strtoul(value, NULL, 10)) > 0;
    if (is_word(word, "stride", &value))
        return (wish.stride = strtoul(value, NULL, 10)) > 0;
    return read_text(word);
}

static bool is_good(void)
{
    return !strcmp(wish.broker, "good");
}

static bool is_broken(const char *how)
{
    return !strcmp(wish.fault, how);
}

/* ---- what is found --------------------------------------------------------------------------- */

/* Of one life, shared with the process that started it. */
static struct record {
    size_t injected;
    bool tolerated;
    int misnamed; /* it failed with this exit code, which is not that of lacking memory */
    enum th_purpose purpose; /* of the first refusal */
    int depth;
    void *callers[DEPTH];
    char failure[400];
} *record;

static void note_refusal(enum th_purpose purpose, size_t bytes)
{
    (void)bytes;
    if (record->depth)
        return;
    record->purpose = purpose;
    record->depth = backtrace(record->callers, DEPTH);
}

#define EXPECT(condition, ...)                                                                    \
    do                                                                                            \
        if (!(condition)) {                                                                       \
            snprintf(record->failure, sizeof record->failure, __VA_ARGS__);                       \
            _exit(DETECTED);                                                                      \
        }                                                                                         \
    while (0)

/* Blocks that were still live when their pool was closed; and, when that is asked for, a block that
 * is never given back. */
static size_t leaked_blocks;
size_t __real_th_payer_close(struct th_payer *payer);
size_t __wrap_th_payer_close(struct th_payer *payer);
void __real_th_payer_give(struct th_payer *payer, void *block);
void __wrap_th_payer_give(struct th_payer *payer, void *block);

size_t __wrap_th_payer_close(struct th_payer *payer)
{
    size_t leaked = __real_th_payer_close(payer);
    leaked_blocks += leaked;
    return leaked;
}

void __wrap_th_payer_give(struct th_payer *payer, void *block)
{
    static unsigned given;
    bool drops = is_broken("leak") && block && record->depth && ++given == 3;
    if (!drops)
        __real_th_payer_give(payer, block);
}

/* ---- one life -------------------------------------------------------------------------------- */

static struct {
    struct th_context *context;
    void *context_block;
    struct th_client *client;
    void *client_block;
    struct th_fault fault; /* of what could not be opened */
} life;

static struct {
    unsigned connections, resumed;
    bool moved; /* to another broker */
    bool brief; /* only to see whether it works again */
    bool asked, published, delivered, accepted;
} story;

static void *new_block(size_t bytes)
{
    return aligned_alloc(16, (bytes + 15) & ~(size_t)15);
}

static struct th_slice text(const char *words)
{
    return (struct th_slice){(const uint8_t *)words, strlen(words)};
}

/* Lives of other sweeps go on at the same time. */
static struct th_slice own_topic(void)
{
    static char topic[32];
    snprintf(topic, sizeof topic, "failures/%d", (int)getpid());
    return text(topic);
}

static void publish(void)
{
    const struct th_message message = {.topic = own_topic(), .payload = text("message"),
                                       .qos = wish.flow->qos};
    int result = th_publish(life.client, &message);
    EXPECT(result >= 0, "publish: %s", th_request_fault(life.client)->text);
}

static void subscribe(void)
{
    const struct th_filter filter = {.filter = own_topic(), .qos = 1};
    int result = th_subscribe(life.client, &filter, 1, NULL);
    EXPECT(result >= 0, "subscribe: %s", th_request_fault(life.client)->text);
}

static void ask(void)
{
    story.asked = true;
    if (wish.flow->subscribes)
        subscribe();
    else if (wish.flow->publishes)
        publish();
}

/* Whoever loses a connection may be led to another broker when it dials again. */
static bool is_theirs(void)
{
    return wish.flow->connections < 2 || story.moved || story.brief;
}

static void connected(void)
{
    story.connections++;
    story.resumed += life.client->link.facts.resumed;
    story.accepted |= is_theirs();
    if (!story.brief && !story.asked)
        ask();
}

static void on_event(void *arg, const struct th_event *event)
{
    (void)arg;
    if (event->kind == TH_EVENT_CONNECTED)
        connected();
    else if (event->kind == TH_EVENT_SUBSCRIBED && !story.brief)
        publish();
    else if (event->kind == TH_EVENT_PUBLISHED)
        story.published = true;
}

static void on_delivery(void *arg, const struct th_delivery *delivery)
{
    (void)arg;
    story.accepted |= is_theirs();
    story.delivered |= delivery->payload.len_bytes == 7;
}

static bool is_settled(void)
{
    if (th_phase(life.client) != TH_PHASE_UP || th_pending(life.client))
        return false;
    return story.brief || ((story.published || !wish.flow->publishes) &&
                          (story.delivered || !wish.flow->subscribes));
}

/* The connection is lost as a network loses it. */
static void lose(void)
{
    story.asked = story.published = story.delivered = false;
    story.moved = true;
    life.client->link.config.port = wish.port;
    shutdown(th_fd(life.client), SHUT_RDWR);
}

static unsigned wanted_connections(void)
{
    return story.brief ? 1 : wish.flow->connections;
}

static void go_on(void)
{
    if (!is_settled())
        return;
    if (story.connections < wanted_connections())
        lose();
    else
        th_disconnect(life.client, 0, NULL);
}

static const struct th_payer *own_payer(void)
{
    return &life.client->link.payer;
}

static void expect_nothing_held(void)
{
    EXPECT(own_payer()->ledger.live_bytes == 0, "leak: the connection holds %u bytes",
           (unsigned)own_payer()->ledger.live_bytes);
    EXPECT(th_payer_strays(own_payer()) == 0 && th_payer_lost_strays() == 0, "stray free");
}

/* From th_connect() to the end. */
static const struct th_fault *connection(void)
{
    story.asked = story.published = story.delivered = false;
    story.connections = 0;
    int result = th_connect(life.client);
    EXPECT(result == 0, "connect: %s", th_request_fault(life.client)->text);
    while (th_run(life.client, TURN_MS) >= 0)
        go_on();
    expect_nothing_held();
    return th_fault(life.client);
}

static const struct th_fault *stream(void)
{
    static struct th_fault fault;
    struct th_tls *tls = NULL;
    void *block = new_block(th_tls_need_bytes());
    const struct th_tls_config config = {.host = "127.0.0.1", .port = wish.port};
    int result;
    while ((result = th_tls_connect(&tls, block, th_tls_need_bytes(), life.context, &config,
                                    &fault)) > TH_E_TLS && result < 0)
        poll(&(struct pollfd){th_tls_fd(tls), th_tls_poll_events(tls), 0}, 1, TURN_MS);
    story.accepted |= result == 0;
    th_tls_close(tls);
    free(block);
    return &fault;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static void set_up_psk(struct th_context_config *config)
{
    config->psk_identity = "device";
    config->psk = text("0123456789abcdef");
}

static struct th_source built_in_roots(void)
{
    static uint8_t pem[16384];
    FILE *file = fopen(wish.ca, "r");
    size_t bytes = file ? fread(pem, 1, sizeof pem, file) : 0;
    EXPECT(bytes > 0 && bytes < sizeof pem, "%s is not read", wish.ca);
    fclose(file);
    return (struct th_source){"(built in)", {pem, bytes}};
}

static void set_up_certificates(struct th_context_config *config)
{
    config->roots = wish.flow->built_in ? built_in_roots() : (struct th_source){.path = wish.ca};
    config->crl.path = wish.crl;
    config->ca_pins = wish.pins;
    config->stapling = wish.crl ? TH_STAPLING_ASK : TH_STAPLING_OFF;
    config->certificate.path = wish.cert;
    config->key.path = wish.key;
}

static int open_context(void)
{
    struct th_context_config config = {.tls_min = wish.tls, .tls_max = wish.tls,
                                       .insecure_no_verify = is_broken("accept")};
    (wish.flow->has_psk ? set_up_psk : set_up_certificates)(&config);
    life.context_block = new_block(th_context_need_bytes());
    return th_context_open(&life.context, life.context_block, th_context_need_bytes(), &config,
                           &life.fault);
}

static int open_client(uint16_t port)
{
    struct th_config config = {
        .host = "127.0.0.1", .port = port, .clean_start = true,
        .websocket_path = wish.flow->websocket_path,
        .redial = {.first_ms = 1, .max_ms = 2, .attempts = 5},
        .on_event = on_event, .on_delivery = on_delivery,
    };
    if (wish.flow->has_scram) {
        config.version = TH_MQTT_5;
        config.username = "device";
        config.password = text("pencil");
        config.authentication = TH_AUTHENTICATION_SCRAM_SHA_256;
    }
    life.client_block = new_block(th_need_bytes());
    return th_open(&life.client, life.client_block, th_need_bytes(), life.context, &config,
                   &life.fault);
}

static void close_client(void)
{
    th_close(life.client);
    free(life.client_block);
    life.client = NULL;
}

static void close_context(void)
{
    th_context_close(life.context);
    free(life.context_block);
    EXPECT(leaked_blocks == 0, "leak: %zu blocks were live at the end", leaked_blocks);
    life.context = NULL;
}

/* ---- a point --------------------------------------------------------------------------------- */

static const struct th_fault *live(void)
{
    if (open_context() < 0) {
        close_context();
        return &life.fault;
    }
    if (wish.flow->is_stream)
        return stream();
    if (open_client(wish.flow->connections < 2 ? wish.port : wish.good_port) < 0)
        return &life.fault;
    const struct th_fault *fault = connection();
    for (unsigned i = 1; i < wish.flow->lives && !fault->code; i++)
        fault = connection();
    return fault;
}

static bool is_documented(int status)
{
    static const struct { const char *broker; int status; } refusals[] = {
        {"good", TH_CLI_OK},
        {"name", TH_CLI_WRONG_HOST},
        {"authority", TH_CLI_UNKNOWN_CA},
        {"stranger", TH_CLI_CREDENTIALS},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (!strcmp(wish.broker, refusals[i].broker))
            return refusals[i].status == status;
    return false;
}

static void judge(const struct th_fault *fault, bool memory_lacked)
{
    int status = th_cli_exit_of(fault);
    EXPECT(is_good() || !story.accepted, "the wrong broker was accepted%s: %s",
           story.brief ? ", in the attempt that followed" : "", fault->text);
    if (memory_lacked && status && !is_documented(status) && status != TH_CLI_MEMORY)
        record->misnamed = status;
    EXPECT(is_documented(status) || (memory_lacked && status), "exit code %d: %s", status,
           fault->text);
    EXPECT(status != TH_CLI_MEMORY || strstr(fault->text, "memory") || strstr(fault->text, "heap"),
           "a sentence that does not tell: %s", fault->text);
    EXPECT(status || story.connections == wanted_connections(), "it ended before it was done");
    EXPECT(status || memory_lacked || story.resumed + 1 >= wanted_connections(),
           "the session was not taken up again");
}

static void misbehave(void)
{
    volatile int *nowhere = NULL;
    if (is_broken("crash"))
        *nowhere = 0;
    while (is_broken("hang"))
        pause();
}

/* With memory again: the same client, then a new one with our broker. */
static void live_again(void)
{
    memset(&story, 0, sizeof story);
    if (!life.context)
        EXPECT(open_context() == 0, "the next context: %s", life.fault.text);
    if (wish.flow->is_stream) {
        judge(stream(), false);
        return;
    }
    story.brief = true;
    if (!life.client)
        EXPECT(open_client(wish.port) == 0, "the next client: %s", life.fault.text);
    life.client->link.config.port = wish.port;
    judge(connection(), false);
    close_client();
    EXPECT(open_client(wish.good_port) == 0, "a new client: %s", life.fault.text);
    const struct th_fault *fault = connection();
    EXPECT(!fault->code, "a new client: %s", fault->text);
    close_client();
}

static void one_point(size_t n)
{
    alarm(wish.life_s);
    th_failing_witness = note_refusal;
    th_failing_at(n, wish.from);
    const struct th_fault *fault = live();
    record->injected = th_failing_injected();
    th_failing_stop();
    if (record->injected)
        misbehave();
    judge(fault, record->injected > 0 && !is_broken("code"));
    record->tolerated = is_good() && record->injected && !fault->code;
    live_again();
    close_context();
    _exit(0);
}

/* ---- the sweep ------------------------------------------------------------------------------- */

static unsigned points, ended, tolerated, failed;

static void print_callers(void)
{
    char name[256];
    for (int i = 0; i < record->depth; i++) {
        __sanitizer_symbolize_pc((char *)record->callers[i] - 1, "%f", name, sizeof name);
        printf(" %s", name);
    }
    printf("\n");
}

static void tell(const char *word, size_t n, const char *what)
{
    printf("%s\t%zu\t%s\t%s\t", word, n, what, th_purpose_name(record->purpose));
    print_callers();
}

static const char *wrong_with(int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return "hang";
    if (WIFSIGNALED(status))
        return strsignal(WTERMSIG(status));
    if (WEXITSTATUS(status) == DETECTED && *record->failure)
        return record->failure;
    return WEXITSTATUS(status) ? "a sanitizer complains" : NULL;
}

/* False: nothing was left to refuse. */
static bool try_point(size_t n)
{
    memset(record, 0, sizeof *record);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        one_point(n);
    int status;
    waitpid(child, &status, 0);
    const char *wrong = wrong_with(status);
    if (wrong)
        tell("failed", n, wrong);
    failed += wrong != NULL;
    if (!wrong && !record->injected)
        return false;
    points++;
    tolerated += record->tolerated;
    ended += !record->tolerated && !wrong;
    if (record->tolerated)
        tell("tolerated", n, "");
    if (record->misnamed && !wrong)
        tell("misnamed", n, th_cli_exit_find(record->misnamed)->name);
    return failed < 5;
}

int main(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++)
        if (!read_word(argv[i]))
            return fprintf(stderr, "what is %s?\n", argv[i]), 2;
    signal(SIGPIPE, SIG_IGN);
    record = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (size_t n = wish.first; try_point(n); n += wish.stride)
        ;
    printf("end\t%u\t%u\t%u\t%u\n", points, ended, tolerated, failed);
    return failed ? 1 : 0;
}

/* Many connections in one process, on one thread, on the public functions alone.
 *
 *     many HOST PORT ROOTS CERTIFICATE KEY MOST
 *
 * Commands come from standard input, a line each; each ends with one line of JSON:
 *
 *     open N [LEAST]    connections up to number N are opened; done when all, or so many, are up
 * and
 *                    subscribed
 *     publish BYTES [LEAST]   each that has room publishes to its own topic at QoS 1; done when
 * all, or so many,
 *                    have been delivered
 *     broadcast BYTES   the first publishes to all; done when it has been delivered to all
 *     await          done when all are up (again)
 *     rest MS        nothing is asked for; done after so many milliseconds
 *     lose LEAST     done when connections were lost so many times
 *
 * It ends with standard input. A connection that is lost is redialled. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <thimble.h>
#include <thimble/report.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 120000
#define PAYLOAD_MOST_BYTES 8192

struct peer {
    struct th_client *client;
    char name[48]; /* client identifier and topic */
    bool up;
    bool subscribed;
    unsigned delivered;
    unsigned acknowledged;
    unsigned lost; /* times */
};

static struct peer *peers;
static struct pollfd *awaited;
static uint8_t *blocks;
static size_t block_bytes, opened, most;
static unsigned turns, steps; /* the loop woke up; a connection was stepped in it */
static struct th_context *context;
static struct th_config config;
static struct th_fault last_fault;
static char payload[PAYLOAD_MOST_BYTES];
static char all_topic[32];

static void fail(const char *what, const struct th_fault *fault)
{
    fprintf(stderr, "many: %s: %s\n", what, fault ? fault->text : "");
    exit(1);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void *pages(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        fail("mmap", NULL);
    return memory;
}

/* ---- one connection ---------------------------------------------------------------------------- */

static struct th_slice text(const char *string)
{
    return (struct th_slice){(const uint8_t *)string, strlen(string)};
}

static void subscribe(struct peer *peer)
{
    const struct th_filter filters[] = {{.filter = text(peer->name), .qos = 1},
                                        {.filter = text(all_topic), .qos = 1}};
    if (th_subscribe(peer->client, filters, 2, NULL) < 0)
        fail("subscribe", th_request_fault(peer->client));
}

static void subscribe_unless(struct peer *peer, bool session_present)
{
    peer->subscribed &= session_present;
    if (!peer->subscribed)
        subscribe(peer);
}

static void on_event(void *arg, const struct th_event *event)
{
    struct peer *peer = arg;
    peer->up = event->kind != TH_EVENT_DISCONNECTED;
    if (event->kind == TH_EVENT_CONNECTED)
        subscribe_unless(peer, event->session_present);
    peer->subscribed |= event->kind == TH_EVENT_SUBSCRIBED;
    peer->acknowledged += event->kind == TH_EVENT_PUBLISHED && event->reason == 0;
    if (event->kind != TH_EVENT_DISCONNECTED)
        return;
    peer->lost++;
    last_fault = *event->fault;
    if (event->redial_in_ms < 0)
        fail(peer->name, event->fault);
}

static void on_delivery(void *arg, const struct th_delivery *delivery)
{
    struct peer *peer = arg;
    bool last = delivery->offset_bytes + delivery->payload.len_bytes == delivery->total_bytes;
    peer->delivered += last;
}

static void open_one(size_t number)
{
    struct peer *peer = &peers[number];
    struct th_fault fault;
    snprintf(peer->name, sizeof peer->name, "many/%ld/%zu", (long)getpid(), number);
    config.client_id = peer->name;
    config.arg = peer;
    if (th_open(&peer->client, blocks + number * block_bytes, block_bytes, context, &config,
                &fault) < 0)
        fail("open", &fault);
    if (th_connect(peer->client) < 0)
        fail("connect", th_request_fault(peer->client));
    th_step(peer->client);
}

static void publish_all(size_t bytes)
{
    for (size_t i = 0; i < opened; i++) {
        struct th_message message = {
            .topic = text(peers[i].name), .payload = {(const uint8_t *)payload, bytes}, .qos = 1};
        peers[i].delivered = peers[i].acknowledged = 0;
        if (!th_room_for(peers[i].client, bytes + sizeof peers[i].name))
            continue;
        if (th_publish(peers[i].client, &message) < 0)
            fail("publish", th_request_fault(peers[i].client));
        th_step(peers[i].client);
    }
}

static int read_payload(void *arg, uint64_t offset_bytes, uint8_t *out, size_t bytes)
{
    (void)arg, (void)offset_bytes;
    memset(out, 'x', bytes);
    return (int)bytes;
}

/* Larger than the outbox. */
static void broadcast(size_t bytes)
{
    const struct th_message message = {
        .topic = text(all_topic), .source = {read_payload, NULL, (uint32_t)bytes}, .qos = 1};
    for (size_t i = 0; i < opened; i++) {
        peers[i].delivered = 0;
        peers[i].acknowledged = 1;
    }
    if (th_publish(peers[0].client, &message) < 0)
        fail("broadcast", th_request_fault(peers[0].client));
    th_step(peers[0].client);
}

/* ---- all of them ------------------------------------------------------------------------------- */

static size_t count_up(void)
{
    size_t up = 0;
    for (size_t i = 0; i < opened; i++)
        up += peers[i].up && peers[i].subscribed;
    return up;
}

static size_t count_delivered(void)
{
    size_t delivered = 0;
    for (size_t i = 0; i < opened; i++)
        delivered += peers[i].delivered > 0 && peers[i].acknowledged > 0;
    return delivered;
}

static unsigned sum_lost(void)
{
    unsigned lost = 0;
    for (size_t i = 0; i < opened; i++)
        lost += peers[i].lost;
    return lost;
}

static int shorter(int a_ms, int b_ms)
{
    return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

static void turn(int wait_ms)
{
    for (size_t i = 0; i < opened; i++) {
        struct th_client *client = peers[i].client;
        awaited[i] = (struct pollfd){.fd = th_fd(client), .events = th_poll_events(client)};
        wait_ms = shorter(wait_ms, th_wait_ms(client));
    }
    poll(awaited, opened, wait_ms);
    turns++;
    for (size_t i = 0; i < opened; i++)
        if (awaited[i].revents || th_wait_ms(peers[i].client) == 0) {
            steps++;
            th_step(peers[i].client);
        }
}

static bool all_up(size_t wanted)
{
    return count_up() >= wanted;
}

static bool all_delivered(size_t wanted)
{
    return count_delivered() >= wanted;
}

static bool all_lost(size_t wanted)
{
    return sum_lost() >= wanted;
}

static bool never(size_t wanted)
{
    (void)wanted;
    return false;
}

static bool turn_until(bool (*done)(size_t), size_t wanted, uint64_t for_ms)
{
    uint64_t until_ms = now_ms() + for_ms;
    while (!done(wanted)) {
        uint64_t now = now_ms();
        if (now >= until_ms)
            return false;
        turn((int)(until_ms - now));
    }
    return true;
}

/* ---- what is told ------------------------------------------------------------------------------ */

static void tell_lease(const char *name, const struct th_report_lease *lease)
{
    printf(", \"%s\": {\"size_bytes\": %u, \"count\": %u, \"held\": %u, \"held_peak\": %u, "
           "\"waiting\": %u, \"waiting_peak\": %u, \"waits\": %u}", name, lease->size_bytes,
           lease->count, lease->held, lease->held_peak, lease->waiting, lease->waiting_peak,
           lease->waits);
}

static void tell(const char *command, bool done, uint64_t began_ms, uint64_t began_cpu_us)
{
    static struct th_report report;
    memset(&report, 0, sizeof report);
    if (opened)
        th_report(peers[0].client, &report);
    th_report_process(&report);
    printf("{\"command\": \"%s\", \"done\": %s, \"opened\": %zu, \"up\": %zu, \"delivered\": %zu, "
           "\"lost\": %u, \"last_fault\": \"%s\", \"turns\": %u, \"steps\": %u, "
           "\"took_ms\": %llu, \"cpu_us\": %llu, "
           "\"block_bytes\": %zu, \"context_bytes\": %zu, \"live_bytes\": %u, "
           "\"private_dirty_bytes\": %u, \"rss_bytes\": %u",
           command, done ? "true" : "false", opened, count_up(), count_delivered(), sum_lost(),
           last_fault.code ? th_error_name(last_fault.code) : "", turns, steps,
           (unsigned long long)(now_ms() - began_ms),
           (unsigned long long)(cpu_us() - began_cpu_us), th_need_bytes(),
           th_context_need_bytes(), report.process.live_bytes,
           report.process.private_dirty_bytes, report.process.rss_bytes);
    for (int id = 0; id < TH_REPORT_LEASES; id++)
        tell_lease(th_report_lease_name(id), &report.leases[id]);
    printf("}\n");
    fflush(stdout);
}

static bool open_up_to(size_t wanted, size_t least)
{
    if (wanted > most)
        wanted = most;
    for (; opened < wanted; opened++)
        open_one(opened);
    return turn_until(all_up, least ? least : opened, PATIENCE_MS);
}

static bool publish_to_all(size_t bytes, size_t least)
{
    publish_all(bytes);
    return turn_until(all_delivered, least ? least : opened, PATIENCE_MS);
}

static bool broadcast_to_all(size_t bytes, size_t none)
{
    (void)none;
    broadcast(bytes);
    return turn_until(all_delivered, opened, PATIENCE_MS);
}

static bool await_all(size_t unused, size_t none)
{
    (void)unused, (void)none;
    return turn_until(all_up, opened, PATIENCE_MS);
}

static bool lose(size_t least, size_t none)
{
    (void)none;
    return turn_until(all_lost, least, PATIENCE_MS);
}

static bool rest(size_t for_ms, size_t none)
{
    (void)none;
    turn_until(never, 0, for_ms);
    return true;
}

static const struct {
    const char *name;
    bool (*run)(size_t number, size_t second);
} commands[] = {
    {"open", open_up_to}, {"publish", publish_to_all}, {"broadcast", broadcast_to_all},
    {"await", await_all}, {"lose", lose},              {"rest", rest},
};

static void obey(const char *line)
{
    char word[16] = "";
    size_t number = 0, second = 0;
    sscanf(line, "%15s %zu %zu", word, &number, &second);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, word))
            continue;
        uint64_t began_ms = now_ms(), began_cpu_us = cpu_us();
        turns = steps = 0;
        bool done = commands[i].run(number, second);
        tell(word, done, began_ms, began_cpu_us);
        return;
    }
    fail(word, NULL);
}

/* Between two commands the connections go on. */
static bool next_command(char *line, size_t bytes)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    while (poll(&input, 1, 0) == 0)
        turn(10);
    return fgets(line, (int)bytes, stdin) != NULL;
}

int main(int argc, char **argv)
{
    struct th_fault fault;
    char line[64];
    if (argc != 7)
        return 2;
    most = strtoul(argv[6], NULL, 10);
    block_bytes = th_need_bytes();
    peers = pages(most * sizeof *peers);
    awaited = pages(most * sizeof *awaited);
    blocks = pages(most * block_bytes);
    snprintf(all_topic, sizeof all_topic, "many/%ld/all", (long)getpid());
    setvbuf(stdin, NULL, _IONBF, 0);
    const struct th_context_config shared = {
        .roots.path = argv[3], .certificate.path = argv[4], .key.path = argv[5]};
    if (th_context_open(&context, pages(th_context_need_bytes()), th_context_need_bytes(), &shared,
                        &fault) < 0)
        fail("context", &fault);
    config = (struct th_config){
        .host = argv[1], .port = (uint16_t)atoi(argv[2]), .clean_start = false,
        .keep_alive_s = 600, .redial = {.first_ms = 100, .max_ms = 2000, .attempts = -1,
                                        .first_too = true},
        .on_event = on_event, .on_delivery = on_delivery};
    while (next_command(line, sizeof line))
        obey(line);
    for (size_t i = 0; i < opened; i++)
        th_close(peers[i].client);
    th_context_close(context);
    return 0;
}

#include "agent/runner.h"

#include "agent/reload.h"
#include "agent/sink.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/format.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "cli/configfile.h"
#include "cli/lane.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thimble/topic.h>
#include <unistd.h>

#define MERCY_MS 2000 /* between SIGTERM and SIGKILL */
#define ERRORS_BYTES 4096
#define PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* An order, a result, or a program's variables: all of a configuration, and a topic. */
#define PACKET_BYTES (TH_CLI_CONFIGFILE_BYTES + TH_ORDER_BYTES)
_Static_assert(PACKET_BYTES > TH_RESULT_BYTES, "a result has room");
_Static_assert(TH_ORDER_BYTES > sizeof "THIMBLE_TOPIC=" + TH_ORDER_TOPIC_BYTES, "a topic, too");

enum state { FREE, FILLING, WAITING, RUNNING, ENDED };

struct job {
    enum state state;
    const struct th_cli_handler *handler; /* NULL: there is none, or not for this topic */
    bool late;          /* was asked to end */
    uint8_t how, status; /* it ended */
    int pid;            /* and process group */
    int in, out, error; /* files in memory */
    unsigned turn;      /* who came first */
    uint64_t until_ms;
    char topic[TH_ORDER_TOPIC_BYTES];
};

static TH_ROOMY struct {
    int agent, children;
    unsigned turns;
    struct job jobs[TH_ORDER_JOBS];
    uint8_t packet[PACKET_BYTES];
    uint32_t lost[TH_CLI_HANDLERS_MAX]; /* since a file or a socket takes none */
    uint32_t ever_lost;
    bool is_count_old; /* what the agent was told of it last */
    char *environment[TH_CLI_HANDLER_VARIABLES + 3];
} runner;

/* ---- files in memory ------------------------------------------------------------------------- */

/* What a program writes beyond the limit is refused to it. */
static int new_file(size_t limit_bytes)
{
    int fd = memfd_create("thimble", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && limit_bytes &&
        (ftruncate(fd, (off_t)limit_bytes) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) < 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* What was written: up to where the program, whose place in the file is ours, has come. */
static size_t read_file(int fd, uint8_t *to, size_t bytes)
{
    off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_CUR);
    ssize_t got = end <= 0 ? 0 : pread(fd, to, (size_t)end < bytes ? (size_t)end : bytes, 0);
    return got < 0 ? 0 : (size_t)got;
}

/* ---- results --------------------------------------------------------------------------------- */

static uint8_t first_line(uint8_t *text, size_t bytes)
{
    size_t end = 0;
    while (end < bytes && text[end] >= ' ')
        end++;
    return (uint8_t)end;
}

static void forget(struct job *job)
{
    th_file_close(&job->in);
    th_file_close(&job->out);
    th_file_close(&job->error);
    job->state = FREE;
}

/* The agent reads when it can, and we never wait for it. */
static void tell(struct job *job)
{
    uint8_t *head = runner.packet, *error = head + TH_RESULT_HEAD_BYTES;
    head[0] = (uint8_t)(job - runner.jobs);
    head[1] = job->how;
    head[2] = job->status;
    head[3] = first_line(error, read_file(job->error, error, TH_RESULT_ERROR_BYTES));
    uint8_t *output = error + head[3];
    size_t output_bytes = read_file(job->out, output, TH_RESULT_OUTPUT_BYTES);
    if (write(runner.agent, head, (size_t)(output - head) + output_bytes) > 0 || errno != EAGAIN)
        forget(job);
}

static void finish(struct job *job, enum th_result_how how, int status)
{
    job->state = ENDED;
    job->how = (uint8_t)how;
    job->status = (uint8_t)status;
    tell(job);
}

/* ---- programs -------------------------------------------------------------------------------- */

/* In the new process, to which no packets come: they leave room for all a configuration can say. */
static void add_variable(size_t at, size_t *used, const char *name, const char *value)
{
    char *to = (char *)runner.packet + *used;
    runner.environment[at] = to;
    *used += (size_t)th_format(to, sizeof runner.packet - *used, "%s=%s", name, value) + 1;
}

static char **environment_of(const struct job *job)
{
    const struct th_cli_handler *handler = job->handler;
    size_t used = 0;
    runner.environment[0] = (char *)PATH;
    add_variable(1, &used, "THIMBLE_TOPIC", job->topic);
    for (size_t i = 0; i < handler->variables; i++)
        add_variable(2 + i, &used, handler->names[i], handler->values[i]);
    runner.environment[2 + handler->variables] = NULL;
    return runner.environment;
}

static void hear_all_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the new process. What it was made from is closed on the way. */
static void become(const struct job *job)
{
    setpgid(0, 0);
    if (lseek(job->in, 0, SEEK_SET) == 0 && dup2(job->in, 0) == 0 && dup2(job->out, 1) == 1 &&
        dup2(job->error, 2) == 2) {
        hear_all_signals();
        execve(*job->handler->run, (char *const *)job->handler->run, environment_of(job));
    }
    int bytes = th_format((char *)runner.packet, sizeof runner.packet,
                          "cannot be started, errno %d\n", errno);
    ssize_t told = write(job->error, runner.packet, (size_t)bytes);
    (void)told;
    _exit(127);
}

/* Neither fork() nor threads: the bare call, which copies everything. */
static int copy_ourselves(void)
{
    return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void start(struct job *job)
{
    job->out = new_file(TH_RESULT_OUTPUT_BYTES);
    job->error = new_file(ERRORS_BYTES);
    job->pid = job->out < 0 || job->error < 0 ? -1 : copy_ourselves();
    if (job->pid == 0)
        become(job);
    if (job->pid < 0) {
        finish(job, TH_RESULT_REFUSED, errno);
        return;
    }
    job->state = RUNNING;
    job->late = false;
    job->until_ms = th_clock_ms() + 1000u * job->handler->timeout_s;
}

/* ---- turns ----------------------------------------------------------------------------------- */

static unsigned count_running(const struct th_cli_handler *handler)
{
    unsigned count = 0;
    for (const struct job *job = runner.jobs; job < runner.jobs + TH_ORDER_JOBS; job++)
        count += job->state == RUNNING && job->handler == handler;
    return count;
}

/* The one that waits longest of those that may begin. */
static struct job *next_job(void)
{
    struct job *next = NULL;
    for (struct job *job = runner.jobs; job < runner.jobs + TH_ORDER_JOBS; job++)
        if (job->state == WAITING && count_running(job->handler) < job->handler->concurrency &&
            (!next || (int)(job->turn - next->turn) < 0))
            next = job;
    return next;
}

static void start_what_may(void)
{
    for (struct job *job; (job = next_job());)
        start(job);
}

/* Its whole group. */
static void end_late(void)
{
    uint64_t now_ms = th_clock_ms();
    for (struct job *job = runner.jobs; job < runner.jobs + TH_ORDER_JOBS; job++)
        if (job->state == RUNNING && job->until_ms <= now_ms) {
            kill(-job->pid, job->late ? SIGKILL : SIGTERM);
            job->late = true;
            job->until_ms = now_ms + MERCY_MS;
        }
}

static void end_all(void)
{
    for (struct job *job = runner.jobs; job < runner.jobs + TH_ORDER_JOBS; job++)
        job->until_ms = 0;
    end_late();
}

static void note_end(struct job *job, int status)
{
    if (job->late)
        kill(-job->pid, SIGKILL); /* who is left of it */
    if (job->late)
        finish(job, TH_RESULT_LATE, WTERMSIG(status));
    else if (WIFEXITED(status))
        finish(job, TH_RESULT_EXITED, WEXITSTATUS(status));
    else
        finish(job, TH_RESULT_SIGNALLED, WTERMSIG(status));
}

static void reap(void)
{
    struct signalfd_siginfo told;
    int status, pid;
    ssize_t got = read(runner.children, &told, sizeof told);
    (void)got;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (struct job *job = runner.jobs; job < runner.jobs + TH_ORDER_JOBS; job++)
            if (job->state == RUNNING && job->pid == pid)
                note_end(job, status);
}

/* ---- orders ---------------------------------------------------------------------------------- */

static const struct th_cli_handler *handler_for(const struct th_order *order)
{
    const struct th_cli_handlers *all = th_cli_handlers();
    const struct th_cli_handler *handler = &all->list[order->handler];
    bool fits = order->handler < all->count &&
                th_mqtt_topic_matches(th_slice_text(handler->topic), order->rest);
    return fits ? handler : NULL;
}

static void begin(struct job *job, const struct th_order *order)
{
    forget(job);
    job->handler = handler_for(order);
    memcpy(job->topic, order->rest.data, order->rest.len_bytes);
    job->topic[order->rest.len_bytes] = '\0';
    job->in = job->handler ? new_file(0) : -1;
    job->state = FILLING;
}

static void add(struct job *job, struct th_slice piece)
{
    off_t end = lseek(job->in, 0, SEEK_CUR);
    if (job->in < 0 || end + (off_t)piece.len_bytes > TH_ORDER_PAYLOAD_BYTES ||
        write(job->in, piece.data, piece.len_bytes) != (ssize_t)piece.len_bytes)
        th_file_close(&job->in);
}

/* One of the handlers before the last ones is still needed, but not by what broke off. */
static bool is_busy(void)
{
    bool busy = false;
    for (struct job *job = runner.jobs; job < runner.jobs + TH_ORDER_JOBS; job++) {
        bool is_old = job->handler && !th_cli_handlers_is_used(job->handler);
        busy |= is_old && job->state > FILLING;
        if (is_old && job->state == FILLING)
            forget(job);
    }
    return busy;
}

/* The agent waits for this one: the socket has room. */
static void reread(const struct th_order *order)
{
    uint8_t told[TH_RESULT_HEAD_BYTES] = {0, TH_RESULT_KEPT};
    uint32_t sum;
    memcpy(&sum, order->rest.data, sizeof sum);
    if (!is_busy() && th_agent_reload_handlers(sum)) {
        told[1] = TH_RESULT_REREAD;
        memset(runner.lost, 0, sizeof runner.lost);
    }
    ssize_t sent = write(runner.agent, told, sizeof told);
    (void)sent;
}

/* ---- files and sockets ----------------------------------------------------------------------- */

#define TELL_EVERY 1000

static bool tell_lost(size_t handler, int error, uint32_t since)
{
    const struct {
        uint8_t head[TH_RESULT_HEAD_BYTES];
        struct th_lost lost;
    } told = {{(uint8_t)handler, TH_RESULT_LOST, (uint8_t)error}, {since, runner.ever_lost}};
    runner.is_count_old = write(runner.agent, &told, sizeof told) <= 0;
    return !runner.is_count_old;
}

/* Told when it begins, and when it is over. */
static void note_fate(size_t handler, int error)
{
    uint32_t *lost = &runner.lost[handler];
    *lost += error != 0;
    runner.ever_lost += error != 0;
    runner.is_count_old |= error != 0;
    if (error && *lost % TELL_EVERY == 1)
        tell_lost(handler, error, *lost);
    if (!error && *lost && tell_lost(handler, 0, *lost))
        *lost = 0;
}

/* What began under the handlers before is written as they said, and counted no more. */
static void write_down(struct job *job, struct th_slice about)
{
    bool counts = th_cli_handlers_is_used(job->handler);
    size_t handler = counts ? (size_t)(job->handler - th_cli_handlers()->list) : 0;
    struct th_sink_message message = {
        .handler = job->handler, .topic = job->topic, .payload = job->in,
        .in_vain = counts && runner.lost[handler]};
    memcpy(&message.about, about.data, sizeof message.about);
    int error = job->in < 0 ? EFBIG : th_agent_sink_put(&message);
    if (counts)
        note_fate(handler, error);
    forget(job);
}

static void obey(const struct th_order *order)
{
    struct job *job = &runner.jobs[order->job];
    if (order->kind == TH_ORDER_REREAD)
        reread(order);
    if (order->kind == TH_ORDER_REREAD || job->state > FILLING)
        return;
    if (order->kind == TH_ORDER_BEGIN)
        begin(job, order);
    else if (order->kind == TH_ORDER_PIECE)
        add(job, order->rest);
    else if (job->handler && job->handler->way)
        write_down(job, order->rest);
    else if (job->in < 0)
        finish(job, TH_RESULT_REFUSED, EFBIG);
    else
        job->state = WAITING;
    job->turn = runner.turns++;
}

/* False: the agent has gone. */
static bool take_order(void)
{
    struct th_order order;
    ssize_t got = read(runner.agent, runner.packet, sizeof runner.packet);
    if (got > 0 && th_order_read(&order, th_slice_of(runner.packet, (size_t)got)))
        obey(&order);
    return got > 0 || (got < 0 && errno == EAGAIN);
}

/* ---- the process ----------------------------------------------------------------------------- */

static int wait_ms(void)
{
    uint64_t first_ms = TH_NEVER;
    for (const struct job *job = runner.jobs; job < runner.jobs + TH_ORDER_JOBS; job++)
        if (job->state == RUNNING && job->until_ms < first_ms)
            first_ms = job->until_ms;
    return th_clock_wait_ms(first_ms, th_clock_ms());
}

static bool is_any(enum state state)
{
    for (const struct job *job = runner.jobs; job < runner.jobs + TH_ORDER_JOBS; job++)
        if (job->state == state)
            return true;
    return false;
}

static void tell_what_ended(void)
{
    for (struct job *job = runner.jobs; job < runner.jobs + TH_ORDER_JOBS; job++)
        if (job->state == ENDED)
            tell(job);
}

/* `agent` is -1 once the agent has gone: then what runs ends. */
static bool turn(int agent)
{
    struct pollfd fds[] = {{.fd = agent, .events = POLLIN},
                           {.fd = runner.children, .events = POLLIN}};
    fds[0].events = (short)(POLLIN | (is_any(ENDED) || runner.is_count_old ? POLLOUT : 0));
    poll(fds, 2, wait_ms());
    if (fds[1].revents)
        reap();
    end_late();
    tell_what_ended();
    if (runner.is_count_old && !(fds[0].revents & POLLIN)) /* of many at once the last tells all */
        tell_lost(0, 0, 0);
    return !(fds[0].revents & ~POLLOUT) || take_order();
}

static void serve(void)
{
    while (turn(runner.agent))
        start_what_may();
    end_all();
    while (is_any(RUNNING))
        turn(-1);
}

/* Signals are the agent's, which lets us know by leaving: those of a terminal or a service manager
 * reach us, too. */
static bool prepare(void)
{
    static const uint64_t no_core[2] = {0, 0};
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&all);
    sigaddset(&all, SIGCHLD);
    runner.children = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    for (struct job *job = runner.jobs; job < runner.jobs + TH_ORDER_JOBS; job++)
        job->in = job->out = job->error = -1;
    return runner.children >= 0 && setpgid(0, 0) == 0 &&
           syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_prlimit64, 0, RLIMIT_CORE, no_core, NULL) == 0;
}

static void live(int agent)
{
    runner.agent = agent;
    if (prepare())
        serve();
    _exit(0);
}

/* Ends of the agent, of each runner so far. */
static int agents[TH_LANES];
static unsigned runners;

/* In the new process: no other connection's agent's end stays open in it. */
static void close_others(void)
{
    while (runners-- > 0)
        close(agents[runners]);
}

int th_agent_runner_start(void)
{
    int ends[2];
    const int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
    if (syscall(SYS_socketpair, AF_UNIX, type, 0, ends) < 0)
        return -1;
    int pid = copy_ourselves();
    if (pid == 0) {
        close(ends[0]);
        close_others();
        live(ends[1]);
    }
    close(ends[1]);
    if (pid > 0)
        return agents[runners++] = ends[0];
    close(ends[0]);
    return -1;
}

#include "agent/inbox.h"

#include "agent/line.h"
#include "agent/queue.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/format.h"
#include "cli/connection.h"
#include "cli/lane.h"
#include "cli/lines.h"
#include "cli/out.h"
#include "cli/say.h"
#include "net/local.h"
#include "net/unix.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_BYTES 512
#define AGAIN_MS 1000

enum { OF_INPUT = TH_AGENT_PRODUCERS, ALL };

struct producer {
    int fd;               /* -1: none */
    bool skips;           /* the rest of a line that is too long */
    struct th_cli_lines lines;
    uint64_t moved_ms;    /* when it last said something, or took an answer */
    unsigned first, count;
    uint64_t known;       /* of those that wait, a bit each */
    size_t refusal_bytes; /* comes when those that wait are answered */
    size_t answer_bytes, answer_sent;
};

struct lane {
    int listening;
    const char *path;
    bool open;
    bool for_us_alone;
    bool quiet;
    struct producer producers[ALL];
    struct th_spool_message message;
    struct th_fault fault;
    struct th_spool_message held; /* of standard input, which cannot send it again */
    uint64_t held_until_ms;       /* 0: none is */
};
TH_LANE(struct lane, inbox);

/* Apart: of a producer that is not there nothing is touched. */
struct desk {
    uint64_t waiting[TH_AGENT_UNANSWERED]; /* for the disk: their numbers */
    char refusal[ANSWER_BYTES], answer[ANSWER_BYTES];
    uint8_t lines[TH_AGENT_LINE_BYTES];
};

struct office {
    struct desk desks[ALL];
    uint8_t held_properties[TH_SPOOL_FRONT_MAX_BYTES];
};
TH_LANE_ROOMY(struct office, office);

_Static_assert(TH_AGENT_UNANSWERED == 64, "struct producer has a bit for each");

static struct desk *desk_of(const struct producer *p)
{
    return &office->desks[p - inbox->producers];
}

static bool is_input(const struct producer *p)
{
    return p == &inbox->producers[OF_INPUT];
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool may_retry(int code)
{
    return code == TH_E_SEND_FULL || code == TH_E_FILE;
}

/* As part of a JSON string. */
static void tame(char *text)
{
    for (; *text; text++)
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
            *text = '\'';
}

/* Each line from the first that waits on is one of those. */
static uint64_t first_line(const struct producer *p)
{
    return p->lines.number - p->count;
}

static size_t write_refusal(const struct producer *p, char *answer, uint64_t line)
{
    struct th_fault *fault = &inbox->fault;
    if (is_input(p))
        th_cli_warn("line %llu of standard input: %s", (unsigned long long)line, fault->text);
    tame(fault->text);
    return (size_t)th_format(answer, ANSWER_BYTES, "{\"refused\":\"%s\",\"retry\":%s}\n",
                             fault->text, may_retry(fault->code) ? "true" : "false");
}

static void refuse_line(struct producer *p)
{
    p->refusal_bytes = write_refusal(p, desk_of(p)->refusal, p->lines.number);
}

static void set_fault(int code, const char *sentence)
{
    th_fault_clear(&inbox->fault);
    th_fault_set(&inbox->fault, code, "%s", sentence);
}

static size_t write_fate(const struct producer *p, uint64_t seq, int fate)
{
    char *answer = desk_of(p)->answer;
    const char *word = p->known >> p->first & 1 ? "known" : "accepted";
    if (fate > 0)
        return (size_t)th_format(answer, ANSWER_BYTES, "{\"%s\":%llu}\n", word,
                                 (unsigned long long)seq);
    set_fault(TH_E_FILE, "the spool could not be written");
    return write_refusal(p, answer, first_line(p));
}

static bool answer_waiting(struct producer *p)
{
    uint64_t seq = desk_of(p)->waiting[p->first];
    int fate = th_agent_queue_fate(seq);
    if (fate == 0)
        return false;
    p->answer_bytes = write_fate(p, seq, fate);
    p->first = (p->first + 1) % TH_AGENT_UNANSWERED;
    p->count--;
    return true;
}

/* True if there is an answer to give. */
static bool next_answer(struct producer *p)
{
    if (p->answer_bytes)
        return true;
    if (p->count)
        return answer_waiting(p);
    p->answer_bytes = p->refusal_bytes;
    memcpy(desk_of(p)->answer, desk_of(p)->refusal, p->refusal_bytes);
    p->refusal_bytes = 0;
    return p->answer_bytes > 0;
}

static void hang_up(struct producer *p)
{
    if (!is_input(p))
        th_net_hang_up(p->fd);
    p->fd = -1;
}

static bool print_answer(struct producer *p)
{
    if (!inbox->quiet)
        th_cli_out(desk_of(p)->answer, p->answer_bytes);
    p->answer_bytes = 0;
    return true;
}

/* True if all of it is on its way. */
static bool send_answer(struct producer *p)
{
    ssize_t sent = write(p->fd, desk_of(p)->answer + p->answer_sent,
                         p->answer_bytes - p->answer_sent);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        hang_up(p);
    if (sent <= 0)
        return false;
    p->moved_ms = th_clock_ms();
    p->answer_sent += (size_t)sent;
    if (p->answer_sent < p->answer_bytes)
        return false;
    p->answer_sent = p->answer_bytes = 0;
    return true;
}

static bool give_answers(struct producer *p)
{
    bool any = false;
    while (next_answer(p) && (is_input(p) ? print_answer(p) : send_answer(p)))
        any = true;
    return any;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void put_aside(struct producer *p, uint64_t seq, bool known)
{
    unsigned last = (p->first + p->count++) % TH_AGENT_UNANSWERED;
    desk_of(p)->waiting[last] = seq;
    p->known = (p->known & ~(1ull << last)) | (uint64_t)known << last;
}

/* False: it has to wait, which only standard input does. */
static bool hand_in(struct producer *p, const struct th_spool_message *message)
{
    static const char dropped[] = "{\"dropped\":\"full\"}\n";
    uint64_t seq = 0;
    th_fault_clear(&inbox->fault);
    int rc = th_agent_queue_put(message, &seq, &inbox->fault);
    if (rc < 0 && is_input(p) && may_retry(inbox->fault.code))
        return false;
    if (rc < 0)
        refuse_line(p);
    else if (rc == TH_SPOOL_DROPPED)
        memcpy(desk_of(p)->refusal, dropped, p->refusal_bytes = sizeof dropped - 1);
    else
        put_aside(p, seq, rc == TH_SPOOL_KNOWN);
    return true;
}

/* Its line stays where it is. */
static bool hold(const struct producer *p)
{
    struct th_slice *properties = &inbox->message.properties;
    th_cli_warn("line %llu of standard input waits: %s", (unsigned long long)p->lines.number,
                inbox->fault.text);
    memcpy(office->held_properties, properties->data, properties->len_bytes);
    properties->data = office->held_properties;
    inbox->held = inbox->message;
    inbox->held_until_ms = th_clock_ms() + AGAIN_MS;
    return false;
}

static bool hand_in_held(struct producer *p)
{
    if (th_clock_ms() < inbox->held_until_ms)
        return false;
    inbox->held_until_ms = hand_in(p, &inbox->held) ? 0 : th_clock_ms() + AGAIN_MS;
    return !inbox->held_until_ms;
}

static bool take_line(struct producer *p, struct th_slice line)
{
    if (is_input(p) && inbox->held_until_ms)
        return hand_in_held(p);
    th_fault_clear(&inbox->fault);
    if (th_agent_line_read(&inbox->message, (char *)line.data, line.len_bytes, &inbox->fault) == 0)
        return hand_in(p, &inbox->message) || hold(p);
    refuse_line(p);
    return true;
}

static bool may_say_more(const struct producer *p)
{
    return p->fd >= 0 && !p->refusal_bytes && p->count < TH_AGENT_UNANSWERED;
}

static bool take_lines(struct producer *p)
{
    struct th_slice line;
    bool any = false;
    while (may_say_more(p) && th_cli_lines_next(&p->lines, &line) &&
           (p->skips || take_line(p, line))) {
        th_cli_lines_drop(&p->lines, line);
        p->skips = false;
        any = true;
    }
    return any;
}

static void skip_line(struct producer *p)
{
    if (!p->skips) {
        set_fault(TH_E_TOO_LARGE, "a line has at most 16384 bytes");
        refuse_line(p);
    }
    p->skips = true;
    p->lines.start = p->lines.end = p->lines.scanned = 0;
}

static void read_more(struct producer *p)
{
    int rc = th_cli_lines_read(&p->lines, p->fd);
    p->moved_ms = th_clock_ms();
    if (rc == TH_E_TOO_LARGE)
        skip_line(p);
    else if (rc < 0)
        hang_up(p);
}

static bool is_done(const struct producer *p)
{
    return p->lines.ended && !th_cli_lines_partial_bytes(&p->lines) && !p->count &&
           !p->refusal_bytes && !p->answer_bytes;
}

/* ---- who comes ------------------------------------------------------------------------------- */

static void begin(struct producer *p, int fd)
{
    memset(p, 0, sizeof *p);
    p->fd = fd;
    p->moved_ms = th_clock_ms();
    th_cli_lines_open(&p->lines, desk_of(p)->lines, TH_AGENT_LINE_BYTES);
}

static struct producer *free_place(void)
{
    for (size_t i = 0; i < TH_AGENT_PRODUCERS; i++)
        if (inbox->producers[i].fd < 0)
            return &inbox->producers[i];
    return NULL;
}

/* Who waits for the disk is not silent: we are. */
static bool is_silent(const struct producer *p)
{
    return p->answer_bytes || !p->count;
}

/* NULL: nobody is. */
static struct producer *most_silent(void)
{
    struct producer *most = NULL;
    for (size_t i = 0; i < TH_AGENT_PRODUCERS; i++) {
        struct producer *p = &inbox->producers[i];
        if (is_silent(p) && (!most || p->moved_ms < most->moved_ms))
            most = p;
    }
    return most;
}

/* When the next one may come: 0 at once. */
static uint64_t place_at_ms(void)
{
    const struct producer *most = most_silent();
    if (inbox->listening < 0)
        return TH_NEVER;
    if (free_place())
        return 0;
    return most ? most->moved_ms + TH_AGENT_SILENT_MS : TH_NEVER;
}

static void stop_listening(void)
{
    if (inbox->listening < 0)
        return;
    th_net_hang_up(inbox->listening);
    unlink(inbox->path);
    inbox->listening = -1;
}

static void turn_away(int fd, const char *sentence)
{
    char text[ANSWER_BYTES];
    int bytes = th_format(text, sizeof text, "{\"refused\":\"%s\",\"retry\":true}\n", sentence);
    th_net_unix_tell(fd, text, (size_t)bytes);
}

static void make_place(struct producer *p)
{
    turn_away(p->fd, "silent, and others wait");
    p->fd = -1;
}

static void receive(void)
{
    int fd = th_net_unix_accept(inbox->listening);
    if (fd == TH_E_SYSTEM) {
        th_cli_warn("%s is closed: no descriptor is left", inbox->path);
        stop_listening();
    }
    if (fd < 0)
        return;
    if (inbox->for_us_alone && !th_net_local_is_ours(fd)) {
        th_cli_warn("a program was turned away: it is another user's; see --inbox-mode");
        turn_away(fd, "this is another user's agent");
        return;
    }
    if (!free_place())
        make_place(most_silent());
    begin(free_place(), fd);
}

/* ---- a part of the agent --------------------------------------------------------------------- */

static int open_inbox(const struct th_cli_settings *s)
{
    struct th_fault fault = {0};
    for (size_t i = 0; i < ALL; i++)
        inbox->producers[i].fd = -1;
    inbox->listening = -1;
    inbox->open = s->inbox || s->input;
    inbox->quiet = s->quiet;
    inbox->for_us_alone = s->inbox_mode == 0600;
    if (s->input)
        begin(&inbox->producers[OF_INPUT], STDIN_FILENO);
    inbox->path = s->inbox;
    if (s->inbox)
        inbox->listening = th_net_unix_listen(s->inbox, (unsigned)s->inbox_mode, &fault);
    return fault.code ? th_cli_say_fault(&fault) : 0;
}

static bool turn(void)
{
    bool any = false;
    for (size_t i = 0; inbox->open && i < ALL; i++) {
        struct producer *p = &inbox->producers[i];
        if (p->fd < 0)
            continue;
        any |= give_answers(p);
        any |= take_lines(p);
        if (p->fd >= 0 && is_done(p))
            hang_up(p);
    }
    return any;
}

static struct pollfd awaited_of(const struct producer *p)
{
    struct th_slice line;
    struct th_cli_lines lines = p->lines;
    bool reads = may_say_more(p) && !lines.ended && !th_cli_lines_next(&lines, &line);
    short events = (short)((reads ? POLLIN : 0) | (p->answer_bytes ? POLLOUT : 0));
    return (struct pollfd){.fd = events ? p->fd : -1, .events = events};
}

static nfds_t await(struct pollfd *fds, nfds_t room)
{
    if (!inbox->open || room < 1 + ALL)
        return 0;
    bool has_place = place_at_ms() <= th_clock_ms();
    fds[0] = (struct pollfd){.fd = has_place ? inbox->listening : -1, .events = POLLIN};
    for (size_t i = 0; i < ALL; i++)
        fds[1 + i] = awaited_of(&inbox->producers[i]);
    return 1 + ALL;
}

static void ready(const struct pollfd *fds, nfds_t count)
{
    if (fds[0].revents)
        receive();
    for (nfds_t i = 1; i < count; i++)
        if (fds[i].revents && fds[i].events & POLLIN)
            read_more(&inbox->producers[i - 1]);
}

static uint64_t until_ms(void)
{
    uint64_t place_ms = inbox->open ? place_at_ms() : TH_NEVER;
    uint64_t held_ms = inbox->held_until_ms ? inbox->held_until_ms : TH_NEVER;
    if (place_ms <= th_clock_ms()) /* whoever comes is awaited */
        place_ms = TH_NEVER;
    return place_ms < held_ms ? place_ms : held_ms;
}

static void close_inbox(void)
{
    if (!inbox->open)
        return;
    for (size_t i = 0; i < ALL; i++)
        if (inbox->producers[i].fd >= 0)
            hang_up(&inbox->producers[i]);
    stop_listening();
}

const struct th_agent_part th_agent_inbox = {
    .open = open_inbox,
    .turn = turn,
    .await = await,
    .ready = ready,
    .until_ms = until_ms,
    .close = close_inbox,
};

/* A spool is opened: everything in it is read once, and what the records say is made true again. */
#include "spool/disk.h"

#include "base/err.h"
#include "base/file.h"
#include "base/format.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <thimble/identity.h>
#include <unistd.h>

#define SEGMENTS_MAX 65536
#define LEAST_BYTES 16384
#define USUAL_BYTES 1048576

/* ---- what records say ------------------------------------------------------------------------ */

/* Takes what lies before `seq`, which the process did that wrote this. False: it cannot have. */
static bool reach(struct th_spool *spool, uint64_t seq, struct th_fault *fault)
{
    struct th_spool_record record;
    while (spool->open_count < TH_SPOOL_OPEN_MAX &&
           th_spool_step(spool, seq, &record, fault) == 1)
        th_spool_enter(spool, &record);
    return spool->open_count < TH_SPOOL_OPEN_MAX || spool->cursor_seq > seq;
}

static void count_drop(struct th_spool *spool, unsigned flags, uint64_t count)
{
    if (flags > 0 && flags <= TH_SPOOL_CAUSES)
        spool->dropped[flags - 1] += count;
}

static void replay_skip(struct th_spool *spool, const struct th_spool_record *skip,
                        struct th_fault *fault)
{
    struct th_spool_record record;
    uint64_t last = skip->seq + skip->argument - 1;
    count_drop(spool, skip->flags, skip->argument);
    if (skip->seq > 0 && !reach(spool, skip->seq - 1, fault))
        return;
    while (th_spool_step(spool, last, &record, fault) == 1)
        th_spool_lose(spool);
}

static void replay_entry(struct th_spool *spool, const struct th_spool_record *record,
                         struct th_fault *fault)
{
    struct th_spool_open *open =
        reach(spool, record->seq, fault) ? th_spool_entry(spool, record->seq) : NULL;
    if (record->type == TH_SPOOL_IS_DONE)
        count_drop(spool, record->flags, 1);
    if (!open)
        return;
    if (record->type == TH_SPOOL_IS_DONE) {
        th_spool_leave(spool, open);
        return;
    }
    open->packet_id = record->argument;
    open->state = record->type == TH_SPOOL_IS_SENT ? TH_SPOOL_SENT : TH_SPOOL_RELEASED;
}

static int replay_message(struct th_spool *spool, const struct th_spool_record *record,
                          struct th_fault *fault)
{
    struct th_spool_item item;
    int result = th_spool_front(&spool->scan, record, &item, fault);
    if (result != 1)
        return result;
    spool->messages++;
    th_spool_remember(spool, &item.message, record->seq, record->place);
    th_spool_meter(spool, item.accepted_s / 86400, 0);
    return 1;
}

/* Where a message is named in the list of a state. */
static const uint8_t *named(const uint8_t *list, unsigned count, uint64_t seq)
{
    for (; count > 0; count--, list += TH_SPOOL_STATE_OPEN_BYTES) {
        const uint8_t *at = list;
        if (th_spool_get(&at, 8) == seq)
            return at;
    }
    return NULL;
}

static void take_named(struct th_spool *spool, const uint8_t *list, unsigned count,
                       uint64_t cursor_seq, struct th_fault *fault)
{
    struct th_spool_record record;
    for (unsigned i = spool->open_count; i-- > 0; )
        if (!named(list, count, spool->open[i].seq) && spool->open[i].seq < cursor_seq)
            th_spool_leave(spool, &spool->open[i]);
    while (cursor_seq > 0 && th_spool_step(spool, cursor_seq - 1, &record, fault) == 1)
        if (named(list, count, record.seq) && spool->open_count < TH_SPOOL_OPEN_MAX)
            th_spool_enter(spool, &record);
        else
            th_spool_lose(spool);
    for (unsigned i = 0; i < spool->open_count; i++) {
        const uint8_t *at = named(list, count, spool->open[i].seq);
        if (!at)
            continue;
        spool->open[i].packet_id = (uint16_t)th_spool_get(&at, 2);
        spool->open[i].state = *at <= TH_SPOOL_RELEASED ? *at : 0;
    }
}

static void take_figures(struct th_spool *spool, const uint8_t **at)
{
    uint64_t next_seq = th_spool_get(at, 8), today = th_spool_get(at, 4);
    uint64_t written = th_spool_get(at, 8);
    if (spool->next_seq < next_seq)
        spool->next_seq = next_seq;
    if (spool->today <= today) {
        spool->today = today;
        spool->written_bytes = written;
    }
    for (int cause = 0; cause < TH_SPOOL_CAUSES; cause++)
        spool->dropped[cause] = th_spool_get(at, 8);
}

static int replay_state(struct th_spool *spool, const struct th_spool_record *record,
                        struct th_fault *fault)
{
    uint32_t bytes = record->bytes - TH_SPOOL_HEAD_BYTES - TH_SPOOL_CRC_BYTES;
    if (bytes > TH_SPOOL_STATE_MAX_BYTES)
        return 0;
    const uint8_t *at = th_spool_peek(&spool->scan,
                                      record->place.offset_bytes + TH_SPOOL_HEAD_BYTES, bytes,
                                      fault);
    if (!at)
        return TH_E_FILE;
    take_figures(spool, &at);
    th_spool_meter(spool, 0, record->bytes);
    unsigned ids = (unsigned)th_spool_get(&at, 2) / 8, count = record->argument;
    if (bytes != TH_SPOOL_STATE_FIXED_BYTES + count * TH_SPOOL_STATE_OPEN_BYTES + 8 * ids ||
        ids > TH_SPOOL_IDS)
        return 0;
    take_named(spool, at, count, record->seq, fault);
    at += count * TH_SPOOL_STATE_OPEN_BYTES;
    for (spool->id_count = 0; spool->id_count < ids; spool->id_count++)
        spool->ids[spool->id_count] = th_spool_get(&at, 8);
    return 1;
}

int th_spool_replay(struct th_spool *spool, const struct th_spool_record *record,
                    struct th_fault *fault)
{
    if (record->type == TH_SPOOL_IS_STATE)
        return replay_state(spool, record, fault);
    if (record->seq >= spool->next_seq)
        spool->next_seq = record->seq + 1;
    th_spool_meter(spool, 0, record->bytes);
    if (record->type == TH_SPOOL_MESSAGE)
        return replay_message(spool, record, fault);
    if (record->type == TH_SPOOL_IS_SKIPPED)
        replay_skip(spool, record, fault);
    else
        replay_entry(spool, record, fault);
    return spool->cursor.failed ? TH_E_FILE : 1;
}

static int replay_all(struct th_spool *spool, struct th_fault *fault)
{
    struct th_spool_reader *scan = &spool->scan;
    struct th_spool_record record;
    int got = 0;
    for (uint32_t segment = spool->first; segment <= spool->last && got >= 0; segment++) {
        got = th_spool_reader_open(spool, scan, segment, fault);
        while (got == 1 && (got = th_spool_record_next(spool, scan, &record, fault)) == 1)
            got = th_spool_replay(spool, &record, fault) < 0 ? TH_E_FILE : 1;
        spool->synced_bytes = scan->at.offset_bytes;
    }
    return got < 0 ? got : 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

static int hex(char digit)
{
    const char *digits = "0123456789abcdef";
    const char *at = digit ? strchr(digits, digit) : NULL;
    return at ? (int)(at - digits) : -1;
}

static void note_segment(void *arg, const char *name)
{
    struct th_spool *spool = arg;
    uint32_t segment = 0;
    int i = 0;
    for (; i < 8 && hex(name[i]) >= 0; i++)
        segment = segment << 4 | (uint32_t)hex(name[i]);
    if (i < 8 || strcmp(name + 8, ".seg") || segment == 0)
        return;
    if (spool->first > segment || spool->last == 0)
        spool->first = segment;
    if (spool->last < segment)
        spool->last = segment;
}

static int find_segments(struct th_spool *spool, struct th_fault *fault)
{
    spool->first = 1;
    int result = th_store_list(spool->dir, note_segment, spool, fault);
    if (result == 0 && spool->last - spool->first + 1 > SEGMENTS_MAX)
        result = th_fault_because(fault, TH_CORRUPTED,
                                  th_fault_set(fault, TH_E_FILE, "the numbers of the spool's "
                                               "segments lie too far apart"));
    spool->cursor.at.segment = spool->first;
    return result;
}

static int say_who(int fd, struct th_fault *fault)
{
    char pid[16] = "?";
    ssize_t got = pread(fd, pid, sizeof pid - 1, 0);
    pid[got > 0 ? got : 1] = '\0';
    errno = EAGAIN;
    return th_fault_set_errno(fault, TH_E_FILE, "process %.*s has the spool; stop it first",
                              (int)strcspn(pid, " "), pid);
}

static int take_lock(struct th_spool *spool, struct th_fault *fault)
{
    char pid[16];
    spool->lock = openat(spool->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                         0600);
    if (spool->lock < 0)
        return th_spool_fail(fault, "lock");
    if (flock(spool->lock, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? say_who(spool->lock, fault) : th_spool_fail(fault, "lock");
    int bytes = th_format(pid, sizeof pid, "%-10d\n", (int)getpid());
    return pwrite(spool->lock, pid, (size_t)bytes, 0) == bytes ? 0 : th_spool_fail(fault, "lock");
}

/* The last segment, if nothing in it is torn, goes on. Nobody knows whether it was synced. */
static int take_tail(struct th_spool *spool, struct th_fault *fault)
{
    char name[TH_SPOOL_NAME_BYTES];
    const struct th_spool_reader *scan = &spool->scan;
    if (scan->fd < 0)
        return 0;
    th_spool_name(name, spool->last);
    int fd = openat(spool->dir, name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fdatasync(fd) < 0) {
        int result = th_spool_fail(fault, "write to");
        if (fd >= 0)
            close(fd);
        return result;
    }
    bool is_whole = scan->at.offset_bytes == scan->end_bytes;
    spool->tail_salt = scan->salt;
    if (is_whole)
        spool->tail = fd;
    else
        close(fd);
    return 0;
}

static int open_directory(struct th_spool *spool, enum th_spool_mode mode, struct th_fault *fault)
{
    const char *path = spool->config.path;
    if (mode == TH_SPOOL_OWN) {
        int fd = th_store_base(path, TH_STORE_MAKE, fault);
        if (fd < 0)
            return fd;
        close(fd);
    }
    spool->dir = th_store_directory(AT_FDCWD, path, false, fault);
    return spool->dir < 0 ? spool->dir : 0;
}

static int read_all(struct th_spool *spool, struct th_fault *fault)
{
    int result = find_segments(spool, fault);
    spool->replaying = true;
    if (result == 0)
        result = replay_all(spool, fault);
    spool->replaying = false;
    spool->accepted_seq = spool->next_seq - 1;
    spool->unsynced_ids = 0;
    spool->tail_bytes = spool->synced_bytes;
    th_spool_measure(spool);
    return result;
}

int th_spool_limit(struct th_spool *spool, const struct th_spool_config *config,
                   struct th_fault *fault)
{
    if (config->max_bytes && config->max_bytes < LEAST_BYTES)
        return th_fault_set(fault, TH_E_ARGUMENT, "a spool needs 16384 bytes");
    spool->config = *config;
    if (!config->max_bytes)
        spool->config.max_bytes = USUAL_BYTES;
    return 0;
}

static void begin(struct th_spool *spool)
{
    memset(spool, 0, offsetof(struct th_spool, open));
    spool->cursor.window = spool->windows[0];
    spool->scan.window = spool->windows[1];
    spool->dir = spool->lock = spool->tail = spool->keeper = -1;
    spool->scan.fd = spool->cursor.fd = -1;
    spool->scan.hasty = spool->cursor.hasty = true;
    spool->next_seq = 1;
}

int th_spool_open(struct th_spool *spool, const struct th_spool_config *config,
                  enum th_spool_mode mode, uint64_t now_s, struct th_fault *fault)
{
    bool is_looking = mode == TH_SPOOL_LOOK;
    begin(spool);
    int result = th_spool_limit(spool, config, fault);
    if (result < 0)
        return result;
    result = open_directory(spool, mode, fault);
    if (result == 0 && !is_looking)
        result = take_lock(spool, fault);
    if (result == 0)
        result = read_all(spool, fault);
    if (result == 0 && !is_looking)
        result = take_tail(spool, fault);
    if (result == 0 && !is_looking)
        result = th_spool_open_received(spool, fault);
    if (result == 0 && !is_looking)
        result = th_store_sync(spool->dir, fault);
    spool->scan.hasty = spool->cursor.hasty = spool->looking = is_looking;
    th_spool_meter(spool, now_s / 86400, 0);
    if (result < 0)
        th_spool_close(spool);
    return result;
}

void th_spool_close(struct th_spool *spool)
{
    struct th_fault unheard = {0};
    if (!spool || spool->dir < 0)
        return;
    if (spool->lock >= 0)
        th_spool_sync(spool, 0, &unheard);
    th_spool_reader_close(&spool->scan);
    th_spool_reader_close(&spool->cursor);
    th_file_close(&spool->tail);
    th_file_close(&spool->keeper);
    th_file_close(&spool->lock);
    th_file_close(&spool->dir);
}

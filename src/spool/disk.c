#include "spool/disk.h"

#include "base/err.h"
#include "base/file.h"
#include "base/slice.h"
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS 16 /* that a full spool has, and that a segment is a part of it */

/* ---- bytes ----------------------------------------------------------------------------------- */

static bool flush(struct th_spool *spool)
{
    uint32_t bytes = spool->out_bytes;
    spool->out_bytes = 0;
    return th_file_write(spool->tail, spool->out, bytes) == 0;
}

static bool put(struct th_spool *spool, const void *data, size_t bytes)
{
    if (bytes > sizeof spool->out - spool->out_bytes && !flush(spool))
        return false;
    if (bytes > sizeof spool->out)
        return th_file_write(spool->tail, data, bytes) == 0;
    if (bytes > 0)
        memcpy(spool->out + spool->out_bytes, data, bytes);
    spool->out_bytes += (uint32_t)bytes;
    return true;
}

bool th_spool_sync_data(int fd)
{
    int result;
    do
        result = fdatasync(fd);
    while (result < 0 && errno == EINTR);
    return result == 0;
}

void th_spool_meter(struct th_spool *spool, uint64_t day, uint64_t bytes)
{
    if (day && day != spool->today) {
        spool->today = day;
        spool->written_bytes = 0;
    }
    spool->written_bytes += bytes;
}

/* After what is not as it was meant to be. */
void th_spool_measure(struct th_spool *spool)
{
    struct stat about;
    char name[TH_SPOOL_NAME_BYTES];
    spool->disk_bytes = 0;
    for (uint32_t segment = spool->first; segment <= spool->last; segment++) {
        th_spool_name(name, segment);
        if (fstatat(spool->dir, name, &about, AT_SYMLINK_NOFOLLOW) == 0)
            spool->disk_bytes += (uint64_t)about.st_size;
    }
}

/* ---- records --------------------------------------------------------------------------------- */

static uint32_t bytes_of(const struct th_slice *parts, unsigned count)
{
    size_t bytes = TH_SPOOL_HEAD_BYTES + (count ? TH_SPOOL_CRC_BYTES : 0);
    for (unsigned i = 0; i < count; i++)
        bytes += parts[i].len_bytes;
    return (uint32_t)bytes;
}

static bool put_body(struct th_spool *spool, uint32_t crc, const struct th_slice *parts,
                     unsigned count)
{
    uint8_t end[TH_SPOOL_CRC_BYTES], *at = end;
    bool good = true;
    for (unsigned i = 0; i < count && good; i++) {
        crc = th_spool_crc(crc, parts[i].data, parts[i].len_bytes);
        good = put(spool, parts[i].data, parts[i].len_bytes);
    }
    th_spool_put(&at, crc, sizeof end);
    return good && (count == 0 || put(spool, end, sizeof end));
}

static bool put_record(struct th_spool *spool, struct th_spool_record *record,
                       const struct th_slice *parts, unsigned count)
{
    uint8_t head[TH_SPOOL_HEAD_BYTES];
    record->bytes = bytes_of(parts, count);
    record->place = (struct th_spool_place){spool->last, spool->tail_bytes};
    th_spool_head_put(head, record, spool->tail_salt);
    spool->tail_bytes += record->bytes;
    spool->disk_bytes += record->bytes;
    th_spool_meter(spool, 0, record->bytes);
    return put(spool, head, sizeof head) && put_body(spool, record->crc, parts, count);
}

/* ---- segments -------------------------------------------------------------------------------- */

static void put_open(uint8_t **at, const struct th_spool_open *open)
{
    th_spool_put(at, open->seq, 8);
    th_spool_put(at, open->packet_id, 2);
    th_spool_put(at, open->state, 1);
}

/* Lies in the window of the scan, which is nobody's between two calls. */
static struct th_slice make_state(struct th_spool *spool, struct th_spool_record *record)
{
    uint8_t *at = spool->scan.window;
    unsigned ids = spool->id_count < TH_SPOOL_IDS ? spool->id_count : TH_SPOOL_IDS;
    spool->scan.window_bytes = 0;
    *record = (struct th_spool_record){.type = TH_SPOOL_IS_STATE, .seq = spool->cursor_seq,
                                       .argument = spool->open_count};
    th_spool_put(&at, spool->next_seq, 8);
    th_spool_put(&at, spool->today, 4);
    th_spool_put(&at, spool->written_bytes, 8);
    for (int cause = 0; cause < TH_SPOOL_CAUSES; cause++)
        th_spool_put(&at, spool->dropped[cause], 8);
    th_spool_put(&at, 8 * ids, 2);
    for (unsigned i = 0; i < spool->open_count; i++)
        put_open(&at, &spool->open[i]);
    for (unsigned i = spool->id_count - ids; i < spool->id_count; i++)
        th_spool_put(&at, spool->ids[i % TH_SPOOL_IDS], 8);
    return th_slice_of(spool->scan.window, (size_t)(at - spool->scan.window));
}

static bool put_leads(struct th_spool *spool, uint32_t end_before_bytes)
{
    uint8_t lead[TH_SPOOL_LEAD_BYTES], *at = lead + strlen(TH_SPOOL_MAGIC);
    memcpy(lead, TH_SPOOL_MAGIC, strlen(TH_SPOOL_MAGIC));
    th_spool_put(&at, spool->last, 4);
    th_spool_put(&at, spool->tail_salt, 4);
    th_spool_put(&at, end_before_bytes, 4);
    th_spool_put(&at, th_spool_crc(spool->tail_salt, lead, (size_t)(at - lead)), 4);
    return put(spool, lead, sizeof lead) && put(spool, lead, sizeof lead);
}

static bool write_segment(struct th_spool *spool, uint32_t end_before_bytes)
{
    struct th_spool_record record;
    char name[TH_SPOOL_NAME_BYTES];
    struct th_slice state = make_state(spool, &record);
    th_spool_name(name, spool->last);
    return put_leads(spool, end_before_bytes) && put_record(spool, &record, &state, 1) &&
           flush(spool) && th_spool_sync_data(spool->tail) &&
           renameat(spool->dir, TH_SPOOL_NEW, spool->dir, name) == 0 &&
           th_file_sync(spool->dir) == 0;
}

static void shut_tail(struct th_spool *spool)
{
    if (spool->tail >= 0)
        close(spool->tail);
    spool->tail = -1;
}

/* What a reader has open is no longer the last one. */
static void seal(struct th_spool_reader *reader, const struct th_spool *spool)
{
    if (reader->at.segment == spool->last)
        reader->end_bytes = spool->synced_bytes;
}

static int open_new(struct th_spool *spool)
{
    int fd;
    unlinkat(spool->dir, TH_SPOOL_NEW, 0);
    do
        fd = openat(spool->dir, TH_SPOOL_NEW,
                    O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static int give_up(struct th_spool *spool, uint32_t end_before_bytes, struct th_fault *fault)
{
    char name[TH_SPOOL_NAME_BYTES];
    int result = th_spool_fail(fault, "write to");
    shut_tail(spool);
    unlinkat(spool->dir, TH_SPOOL_NEW, 0);
    th_spool_name(name, spool->last);
    unlinkat(spool->dir, name, 0);
    spool->last--;
    spool->tail_bytes = spool->synced_bytes = end_before_bytes;
    th_spool_measure(spool);
    return result;
}

int th_spool_begin(struct th_spool *spool, struct th_fault *fault)
{
    uint32_t end_before_bytes = spool->synced_bytes;
    int fd = open_new(spool);
    spool->owing = true;
    if (fd < 0)
        return th_spool_fail(fault, "write to");
    seal(&spool->scan, spool);
    seal(&spool->cursor, spool);
    shut_tail(spool);
    spool->tail = fd;
    spool->last++;
    spool->out_bytes = 0;
    spool->tail_salt = spool->last;
    getrandom(&spool->tail_salt, sizeof spool->tail_salt, GRND_NONBLOCK);
    spool->tail_bytes = TH_SPOOL_BEGIN_BYTES;
    if (!write_segment(spool, end_before_bytes))
        return give_up(spool, end_before_bytes, fault);
    spool->disk_bytes += TH_SPOOL_BEGIN_BYTES;
    spool->synced_bytes = spool->tail_bytes;
    spool->owing = false;
    return 0;
}

/* What a kernel still shows after a failed sync need not be on the disk. */
static void cut_tail(struct th_spool *spool)
{
    while (spool->tail >= 0 && ftruncate(spool->tail, spool->synced_bytes) < 0 && errno == EINTR)
        ;
    shut_tail(spool);
}

void th_spool_void(struct th_spool *spool)
{
    cut_tail(spool);
    spool->owing = true;
    spool->out_bytes = 0;
    spool->tail_bytes = spool->synced_bytes;
    spool->messages -= spool->unsynced_messages;
    for (; spool->unsynced_ids > 0; spool->unsynced_ids--)
        spool->ids[--spool->id_count % TH_SPOOL_IDS] = 0;
    for (unsigned i = spool->topic_count; i-- > 0; )
        if (spool->topics[i].seq > spool->accepted_seq)
            spool->topics[i] = spool->topics[--spool->topic_count];
    spool->unsynced_messages = 0;
    th_spool_measure(spool);
}

int th_spool_commit(struct th_spool *spool, struct th_fault *fault)
{
    if (spool->tail < 0 || spool->tail_bytes == spool->synced_bytes)
        return 0;
    spool->syncs++;
    if (flush(spool) && th_spool_sync_data(spool->tail)) {
        spool->synced_bytes = spool->tail_bytes;
        spool->accepted_seq = spool->next_seq - 1;
        spool->unsynced_messages = spool->unsynced_ids = 0;
        return 0;
    }
    int result = th_spool_fail(fault, "write to");
    th_spool_void(spool);
    return result;
}

static int make_ready(struct th_spool *spool, uint32_t bytes, struct th_fault *fault)
{
    uint64_t segment_bytes = spool->config.max_bytes / SEGMENTS;
    bool is_full = spool->tail_bytes + bytes > segment_bytes;
    bool is_new = spool->tail_bytes <= TH_SPOOL_BEGIN_BYTES + TH_SPOOL_STATE_MAX_BYTES +
                                           TH_SPOOL_HEAD_BYTES + TH_SPOOL_CRC_BYTES;
    if (spool->tail >= 0 && (!is_full || is_new))
        return 0;
    int result = th_spool_commit(spool, fault);
    return result < 0 ? result : th_spool_begin(spool, fault);
}

int th_spool_write(struct th_spool *spool, struct th_spool_record *record,
                   const struct th_slice *parts, unsigned count, struct th_fault *fault)
{
    int result = make_ready(spool, bytes_of(parts, count), fault);
    if (result < 0)
        return result;
    if (put_record(spool, record, parts, count))
        return 0;
    result = th_spool_fail(fault, "write to");
    th_spool_void(spool);
    return result;
}

/* ---- removing -------------------------------------------------------------------------------- */

static uint32_t first_needed(const struct th_spool *spool)
{
    uint32_t first = spool->cursor.at.segment;
    for (unsigned i = 0; i < spool->open_count; i++)
        if (spool->open[i].place.segment < first)
            first = spool->open[i].place.segment;
    return first < spool->last ? first : spool->last;
}

int th_spool_collect(struct th_spool *spool, struct th_fault *fault)
{
    struct th_spool_record record;
    char name[TH_SPOOL_NAME_BYTES];
    int result = th_spool_step(spool, 0, &record, fault); /* over what is no message */
    uint32_t first = first_needed(spool);
    if (result < 0 || spool->first >= first)
        return result;
    for (; spool->first < first; spool->first++) {
        th_spool_name(name, spool->first);
        if (unlinkat(spool->dir, name, 0) < 0 && errno != ENOENT)
            return th_spool_fail(fault, "remove a segment of");
    }
    th_spool_measure(spool);
    spool->disk_bytes += spool->out_bytes;
    return 0;
}

#include "spool/disk.h"

#include "base/err.h"
#include "base/format.h"
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <thimble/identity.h>
#include <unistd.h>

#define TRIES 3 /* to read a place, with the caller's patience between them */
#define PAGE_BYTES 4096 /* what a kernel reads, or does not */

struct lead {
    uint32_t salt;
    uint32_t end_before_bytes; /* what counts of the segment before */
};

int th_spool_fail(struct th_fault *fault, const char *what)
{
    return th_fault_set_errno(fault, TH_E_FILE, "cannot %s the spool", what);
}

void th_spool_name(char name[TH_SPOOL_NAME_BYTES], uint32_t segment)
{
    th_format(name, TH_SPOOL_NAME_BYTES, "%08x.seg", (unsigned)segment);
}

/* While it is opened the scan sees it first. */
static void tell_damage(struct th_spool *spool, const struct th_spool_reader *reader,
                        struct th_spool_place place, uint32_t bytes)
{
    const struct th_spool_config *config = &spool->config;
    if (spool->replaying && reader != &spool->scan)
        return;
    spool->damaged_bytes += spool->replaying ? bytes : 0;
    if (config->damaged)
        config->damaged(config->arg, place.segment, place.offset_bytes, bytes);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* What cannot be read again and again is damaged: zeros stand for the rest of its page. */
static bool give_up(struct th_spool_reader *reader)
{
    uint32_t at = reader->window_at + reader->window_bytes;
    uint32_t page_bytes = PAGE_BYTES - at % PAGE_BYTES;
    uint32_t room_bytes = TH_SPOOL_WINDOW_BYTES - reader->window_bytes;
    reader->tries = reader->failed_at == at ? reader->tries + 1 : 1;
    reader->failed_at = at;
    if (reader->tries < TRIES)
        return false;
    uint32_t lost_bytes = page_bytes < room_bytes ? page_bytes : room_bytes;
    memset(reader->window + reader->window_bytes, 0, lost_bytes);
    reader->window_bytes += lost_bytes;
    return true;
}

/* Reads on, up to a full window. False: something there cannot be read. */
static bool read_on(struct th_spool_reader *reader)
{
    ssize_t got;
    do {
        got = pread(reader->fd, reader->window + reader->window_bytes,
                    TH_SPOOL_WINDOW_BYTES - reader->window_bytes,
                    (off_t)reader->window_at + reader->window_bytes);
        reader->window_bytes += got > 0 ? (uint32_t)got : 0;
    } while ((got > 0 && reader->window_bytes < TH_SPOOL_WINDOW_BYTES) ||
             (got < 0 && errno == EINTR));
    return got >= 0;
}

static bool is_there(const struct th_spool_reader *reader, uint32_t offset_bytes, uint32_t bytes)
{
    return offset_bytes >= reader->window_at &&
           offset_bytes + bytes <= reader->window_at + reader->window_bytes;
}

static int fill(struct th_spool_reader *reader, uint32_t offset_bytes, uint32_t bytes,
                struct th_fault *fault)
{
    reader->window_at = offset_bytes;
    reader->window_bytes = 0;
    reader->failed = false;
    while (!read_on(reader) && !is_there(reader, offset_bytes, bytes) && !reader->failed)
        reader->failed = !give_up(reader) && !reader->hasty;
    return reader->failed ? th_spool_fail(fault, "read") : 0;
}

const uint8_t *th_spool_peek(struct th_spool_reader *reader, uint32_t offset_bytes,
                             uint32_t bytes, struct th_fault *fault)
{
    if (!is_there(reader, offset_bytes, bytes) && fill(reader, offset_bytes, bytes, fault) < 0)
        return NULL;
    if (!is_there(reader, offset_bytes, bytes)) /* the file is shorter than it was */
        memset(reader->window + reader->window_bytes, 0,
               TH_SPOOL_WINDOW_BYTES - reader->window_bytes);
    return reader->window + (offset_bytes - reader->window_at);
}

/* ---- segments -------------------------------------------------------------------------------- */

static bool read_lead(const uint8_t *at, uint32_t segment, struct lead *lead)
{
    const uint8_t *begin = at;
    at += strlen(TH_SPOOL_MAGIC);
    bool is_ours = !memcmp(begin, TH_SPOOL_MAGIC, strlen(TH_SPOOL_MAGIC)) &&
                   th_spool_get(&at, 4) == segment;
    lead->salt = (uint32_t)th_spool_get(&at, 4);
    lead->end_before_bytes = (uint32_t)th_spool_get(&at, 4);
    uint32_t crc = th_spool_crc(lead->salt, begin, (size_t)(at - begin));
    return is_ours && crc == th_spool_get(&at, 4);
}

void th_spool_reader_close(struct th_spool_reader *reader)
{
    if (reader->fd >= 0)
        close(reader->fd);
    reader->fd = -1;
    reader->window_bytes = 0;
}

/* Opens the file and reads its beginning. 1; 0: there is none, or it has none. */
static int open_file(const struct th_spool *spool, struct th_spool_reader *reader,
                     uint32_t segment, struct lead *lead, struct th_fault *fault)
{
    char name[TH_SPOOL_NAME_BYTES];
    th_spool_name(name, segment);
    th_spool_reader_close(reader);
    reader->fd = th_store_file(spool->dir, name, false, fault);
    if (reader->fd < 0)
        return reader->fd;
    if (spool->replaying) /* a kernel shows what a failed sync left, and writes it nevermore */
        posix_fadvise(reader->fd, 0, 0, POSIX_FADV_DONTNEED);
    const uint8_t *leads = th_spool_peek(reader, 0, TH_SPOOL_BEGIN_BYTES, fault);
    if (!leads)
        return TH_E_FILE;
    return read_lead(leads, segment, lead) ||
           read_lead(leads + TH_SPOOL_LEAD_BYTES, segment, lead);
}

static uint32_t file_bytes(int fd)
{
    struct stat about;
    bool fits = fstat(fd, &about) == 0 && about.st_size < UINT32_MAX;
    return fits ? (uint32_t)about.st_size : 0;
}

/* What the segment behind says of this one; that is why it is looked at first. */
static uint32_t end_by_next(const struct th_spool *spool, struct th_spool_reader *reader,
                            uint32_t segment)
{
    struct lead lead;
    struct th_fault unheard = {0};
    bool is_there = segment < spool->last &&
                    open_file(spool, reader, segment + 1, &lead, &unheard) == 1;
    return is_there ? lead.end_before_bytes : UINT32_MAX;
}

/* It is missing: somebody has removed it, or the owner has while we look. */
static int miss(struct th_spool *spool, struct th_spool_reader *reader, int result)
{
    struct th_spool_place all = {.segment = reader->at.segment};
    if (result == 0 || !spool->looking)
        tell_damage(spool, reader, all, reader->fd < 0 ? 0 : file_bytes(reader->fd));
    th_spool_reader_close(reader);
    return 0;
}

static int give(struct th_fault *fault, const struct th_fault *here)
{
    if (fault && !fault->code)
        *fault = *here;
    return here->code;
}

int th_spool_reader_open(struct th_spool *spool, struct th_spool_reader *reader, uint32_t segment,
                         struct th_fault *fault)
{
    struct lead lead;
    struct th_fault here = {0};
    if (reader->fd >= 0 && reader->at.segment == segment)
        return 1;
    uint32_t end_bytes = end_by_next(spool, reader, segment);
    reader->at = (struct th_spool_place){segment, TH_SPOOL_BEGIN_BYTES};
    int result = open_file(spool, reader, segment, &lead, &here);
    if (result == 0 || here.reason == TH_MISSING)
        return miss(spool, reader, result);
    if (result < 0) {
        th_spool_reader_close(reader);
        return give(fault, &here);
    }
    uint32_t bytes = file_bytes(reader->fd);
    reader->salt = lead.salt;
    reader->end_bytes = bytes < end_bytes ? bytes : end_bytes;
    return 1;
}

/* ---- records --------------------------------------------------------------------------------- */

/* Of the one that is written what is synced counts. */
static uint32_t end_of(const struct th_spool *spool, const struct th_spool_reader *reader)
{
    bool is_last = reader->at.segment == spool->last;
    return is_last && !spool->replaying && !spool->looking ? spool->synced_bytes
                                                           : reader->end_bytes;
}

/* 1: it is whole. */
static int check_body(struct th_spool_reader *reader, const struct th_spool_record *record,
                      struct th_fault *fault)
{
    uint32_t at = record->place.offset_bytes + TH_SPOOL_HEAD_BYTES;
    uint32_t end = record->place.offset_bytes + record->bytes - TH_SPOOL_CRC_BYTES;
    uint32_t crc = record->crc;
    const uint8_t *bytes;
    if (at > end)
        return 1;
    while (at < end) {
        uint32_t some = end - at < 512 ? end - at : 512;
        if (!(bytes = th_spool_peek(reader, at, some, fault)))
            return TH_E_FILE;
        crc = th_spool_crc(crc, bytes, some);
        at += some;
    }
    bytes = th_spool_peek(reader, end, TH_SPOOL_CRC_BYTES, fault);
    return bytes ? th_spool_get(&bytes, TH_SPOOL_CRC_BYTES) == crc : TH_E_FILE;
}

static bool read_head(struct th_spool_reader *reader, uint32_t end, struct th_spool_record *record,
                      struct th_fault *fault)
{
    uint32_t at = reader->at.offset_bytes;
    const uint8_t *head = th_spool_peek(reader, at, TH_SPOOL_HEAD_BYTES, fault);
    record->place = reader->at;
    return head && th_spool_head_get(head, record, reader->salt, end - at);
}

/* What lies behind the last whole record of the last segment was being written. */
static int end_of_segment(struct th_spool *spool, struct th_spool_reader *reader,
                          struct th_spool_place bad, uint32_t end)
{
    if (bad.segment && bad.segment < spool->last)
        tell_damage(spool, reader, bad, end - bad.offset_bytes);
    else if (bad.segment)
        reader->at = bad;
    return 0;
}

int th_spool_record_next(struct th_spool *spool, struct th_spool_reader *reader,
                         struct th_spool_record *record, struct th_fault *fault)
{
    struct th_spool_place bad = {0};
    uint32_t end = end_of(spool, reader);
    while (reader->at.offset_bytes + TH_SPOOL_HEAD_BYTES <= end) {
        bool has_head = read_head(reader, end, record, fault);
        int whole = has_head ? check_body(reader, record, fault) : 0; /* 0, 1 */
        if (reader->failed)
            return TH_E_FILE;
        if (whole && bad.segment)
            tell_damage(spool, reader, bad, reader->at.offset_bytes - bad.offset_bytes);
        if (!whole && !bad.segment)
            bad = reader->at;
        reader->at.offset_bytes += has_head ? record->bytes : 1;
        if (whole)
            return 1;
    }
    if (!bad.segment && reader->at.offset_bytes < end)
        bad = reader->at;
    return end_of_segment(spool, reader, bad, end);
}

int th_spool_record_at(struct th_spool *spool, struct th_spool_reader *reader,
                       struct th_spool_place place, struct th_spool_record *record,
                       struct th_fault *fault)
{
    int result = th_spool_reader_open(spool, reader, place.segment, fault);
    reader->at = place;
    if (result == 1)
        result = th_spool_record_next(spool, reader, record, fault);
    bool is_it = result == 1 && record->place.offset_bytes == place.offset_bytes;
    return result < 0 ? result : is_it;
}

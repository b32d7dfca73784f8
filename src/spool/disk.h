/* The files of a spool: 00000001.seg, 00000002.seg, ... without a gap; `lock`, with the process id
 * of its owner; `new.seg`, a segment that is not one yet. */
#ifndef TH_SPOOL_DISK_H
#define TH_SPOOL_DISK_H

#include "spool/record.h"

#define TH_SPOOL_NAME_BYTES 16
#define TH_SPOOL_NEW "new.seg"

void th_spool_name(char name[TH_SPOOL_NAME_BYTES], uint32_t segment);

/* ---- reading ------------------------------------------------------------------------------ */

/* Opens a segment at its first record. 1; 0: it is not there, or nothing in it can be read, which
 * was told. */
int th_spool_reader_open(struct th_spool *spool, struct th_spool_reader *reader, uint32_t segment,
                         struct th_fault *fault);
void th_spool_reader_close(struct th_spool_reader *reader);

/* Bytes of the segment, `bytes` of them up to TH_SPOOL_WINDOW_BYTES; valid until the next call.
 * NULL: they cannot be read. */
const uint8_t *th_spool_peek(struct th_spool_reader *reader, uint32_t offset_bytes,
                             uint32_t bytes, struct th_fault *fault);

/* The next whole record of the segment. What is damaged before it is told. 1, 0 at the end. */
int th_spool_record_next(struct th_spool *spool, struct th_spool_reader *reader,
                         struct th_spool_record *record, struct th_fault *fault);

/* The record at a place. */
int th_spool_record_at(struct th_spool *spool, struct th_spool_reader *reader,
                       struct th_spool_place place, struct th_spool_record *record,
                       struct th_fault *fault);

/* ---- writing ------------------------------------------------------------------------------ */

/* Appends a record, to a new segment if it is time. FILE: th_spool_void() was called. */
int th_spool_write(struct th_spool *spool, struct th_spool_record *record,
                   const struct th_slice *parts, unsigned count, struct th_fault *fault);

/* What was appended and not synced is not accepted; the segment is left. */
void th_spool_void(struct th_spool *spool);

/* A new segment, with all that is known, on the disk when this returns. */
int th_spool_begin(struct th_spool *spool, struct th_fault *fault);

/* Writes what is gathered and syncs. */
int th_spool_commit(struct th_spool *spool, struct th_fault *fault);

/* fdatasync(2). False, and errno. */
bool th_spool_sync_data(int fd);

/* Opens the file of what was received, and reads it: zeros, if it holds nothing whole. */
int th_spool_open_received(struct th_spool *spool, struct th_fault *fault);

/* Removes segments nobody needs. */
int th_spool_collect(struct th_spool *spool, struct th_fault *fault);

/* Finds out spool->disk_bytes. */
void th_spool_measure(struct th_spool *spool);

/* So many bytes were written on this day. */
void th_spool_meter(struct th_spool *spool, uint64_t day, uint64_t bytes);

/* ---- what is known ------------------------------------------------------------------------ */

/* The next message behind the cursor up to last_seq, which it then leaves behind. */
int th_spool_step(struct th_spool *spool, uint64_t last_seq, struct th_spool_record *record,
                  struct th_fault *fault);

/* Its front, in the window of the reader. 1; 0: it makes no sense. */
int th_spool_front(struct th_spool_reader *reader, const struct th_spool_record *record,
                   struct th_spool_item *item, struct th_fault *fault);

/* The open message of this number, or NULL. */
struct th_spool_open *th_spool_entry(struct th_spool *spool, uint64_t seq);

/* A message is taken; one is forgotten. */
struct th_spool_open *th_spool_enter(struct th_spool *spool, const struct th_spool_record *record);
void th_spool_leave(struct th_spool *spool, struct th_spool_open *open);
void th_spool_lose(struct th_spool *spool);

/* Remembers the producer's id and the topic. */
void th_spool_remember(struct th_spool *spool, const struct th_spool_message *message,
                       uint64_t seq, struct th_spool_place place);

/* Makes what a record says true, once more. */
int th_spool_replay(struct th_spool *spool, const struct th_spool_record *record,
                    struct th_fault *fault);

int th_spool_fail(struct th_fault *fault, const char *what);

#endif

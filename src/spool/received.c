/* The other direction: which messages of QoS 2 came from the broker and are not released yet. Two
 * places in a file, written in turn: what a power cut tears leaves the one before. */
#include "spool/disk.h"

#include <fcntl.h>
#include <unistd.h>

#define APART_BYTES 4096

static uint32_t crc_of(const struct th_spool_received *received)
{
    return th_spool_crc(0, received, offsetof(struct th_spool_received, crc));
}

static bool read_place(const struct th_spool *spool, off_t at, struct th_spool_received *received)
{
    return pread(spool->keeper, received, sizeof *received, at) == sizeof *received &&
           received->crc == crc_of(received);
}

/* What is newer may not be synced, and the other place is written next. */
int th_spool_open_received(struct th_spool *spool, struct th_fault *fault)
{
    struct th_spool_received found;
    spool->keeper = openat(spool->dir, "received",
                           O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    for (off_t at = 0; at <= APART_BYTES; at += APART_BYTES)
        if (read_place(spool, at, &found) && found.generation > spool->received.generation)
            spool->received = found;
    bool is_good = spool->keeper >= 0 && th_spool_sync_data(spool->keeper);
    return is_good ? 0 : th_spool_fail(fault, "open");
}

/* What is not synced is written to the same place again: the other one is whole. */
bool th_spool_keep(struct th_spool *spool, bool synced)
{
    struct th_spool_received *received = &spool->received;
    off_t at = ++received->generation % 2 * APART_BYTES;
    received->crc = crc_of(received);
    bool kept = pwrite(spool->keeper, received, sizeof *received, at) == sizeof *received &&
                (!synced || th_spool_sync_data(spool->keeper));
    received->generation -= !kept || !synced;
    return kept;
}

/* The other direction: which messages of QoS 2 came from the broker and are not released yet. Two
 * places in a file, written in turn: what a power cut tears leaves the one before. */
#include "spool/disk.h"

#include <fcntl.h>
#include <unistd.h>

#define APART_BYTES 12288

_Static_assert(sizeof(struct th_spool_received) <= APART_BYTES, "the places lie apart");

static size_t bytes_of(const struct th_spool_received *received)
{
    return offsetof(struct th_spool_received, ids[received->ids[0]]);
}

static uint32_t crc_of(const struct th_spool_received *received)
{
    size_t begin = offsetof(struct th_spool_received, generation);
    return th_spool_crc(0, &received->generation, bytes_of(received) - begin);
}

static bool read_bytes(struct th_spool *spool, size_t bytes, off_t at)
{
    return pread(spool->keeper, &spool->received, bytes, at) == (ssize_t)bytes;
}

static bool is_whole(struct th_spool *spool, off_t at)
{
    const struct th_spool_received *received = &spool->received;
    return read_bytes(spool, offsetof(struct th_spool_received, ids[1]), at) &&
           received->ids[0] - 1 < TH_RECEIVED_WORDS &&
           read_bytes(spool, bytes_of(received), at) && received->crc == crc_of(received);
}

/* Its generation; nothing is known if it is not whole. Who receives nothing does not touch it. */
static uint32_t read_place(struct th_spool *spool, off_t at)
{
    struct th_spool_received *received = &spool->received;
    if (!is_whole(spool, at) && (received->generation || received->ids[0]))
        received->generation = received->ids[0] = 0;
    return received->generation;
}

/* What is newer may not be synced, and the other place is written next. */
int th_spool_open_received(struct th_spool *spool, struct th_fault *fault)
{
    spool->keeper = openat(spool->dir, "received",
                           O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    uint32_t first = read_place(spool, 0);
    if (read_place(spool, APART_BYTES) < first)
        read_place(spool, 0);
    bool is_good = spool->keeper >= 0 && th_spool_sync_data(spool->keeper);
    return is_good ? 0 : th_spool_fail(fault, "open");
}

/* What is not synced is written to the same place again: the other one is whole. */
bool th_spool_keep(struct th_spool *spool, bool synced)
{
    struct th_spool_received *received = &spool->received;
    off_t at = ++received->generation % 2 * APART_BYTES;
    received->crc = crc_of(received);
    ssize_t bytes = (ssize_t)bytes_of(received);
    bool kept = pwrite(spool->keeper, received, (size_t)bytes, at) == bytes &&
                (!synced || th_spool_sync_data(spool->keeper));
    received->generation -= !kept || !synced;
    return kept;
}

/* How a segment is written. Numbers are little-endian.
 *
 *     segment   twice: "thspool1", number 4, salt 4, what counts of the one before 4, CRC 4
 *               then records
 *     record    length of all of it 4, type 1, flags 1, argument 2, seq 8, CRC 4
 *               with a body: the body, CRC 4
 *
 * CRCs are CRC-32C (RFC 3720 section 12.1), begun with the salt; that of a body is begun with that
 * of its record's head. */
#ifndef TH_SPOOL_RECORD_H
#define TH_SPOOL_RECORD_H

#include "spool/spool.h"

#define TH_SPOOL_MAGIC "thspool1"
#define TH_SPOOL_LEAD_BYTES 24
#define TH_SPOOL_BEGIN_BYTES (2 * TH_SPOOL_LEAD_BYTES)
#define TH_SPOOL_HEAD_BYTES 20
#define TH_SPOOL_CRC_BYTES 4

/* Of a message's body, what stands before the topic: time 8, expiry 4, bytes of the id 2, of the
 * properties 2. Then topic (argument: its bytes), id, properties, payload. */
#define TH_SPOOL_FIXED_BYTES 16

enum th_spool_type {
    TH_SPOOL_MESSAGE = 1,
    TH_SPOOL_IS_SENT,     /* argument: packet id */
    TH_SPOOL_IS_RELEASED, /* argument: packet id */
    TH_SPOOL_IS_DONE,     /* flags: 0, or 1 + why it was dropped */
    TH_SPOOL_IS_SKIPPED,  /* argument: so many numbers from seq on; flags: 1 + why */
    TH_SPOOL_IS_STATE,    /* seq: all below it is done but for those named; argument: how many */
    TH_SPOOL_TYPES
};

enum {
    TH_SPOOL_QOS_BITS = 3,
    TH_SPOOL_RETAIN_BIT = 4,
    TH_SPOOL_CONFLATE_BIT = 8,
    TH_SPOOL_EXPIRES_BIT = 16
};

/* Body of STATE: next seq 8, day 4, bytes written in it 8, drops of each cause 8, bytes of ids 2;
 * for each open message seq 8, packet id 2, state 1; ids 8 each, the oldest first. */
#define TH_SPOOL_STATE_FIXED_BYTES (8 + 4 + 8 + 8 * TH_SPOOL_CAUSES + 2)
#define TH_SPOOL_STATE_OPEN_BYTES 11
#define TH_SPOOL_STATE_MAX_BYTES \
    (TH_SPOOL_STATE_FIXED_BYTES + TH_SPOOL_STATE_OPEN_BYTES * TH_SPOOL_OPEN_MAX + \
     8 * TH_SPOOL_IDS)

struct th_spool_record {
    uint32_t bytes;
    uint8_t type;
    uint8_t flags;
    uint16_t argument;
    uint64_t seq;
    uint32_t crc; /* of the head */
    struct th_spool_place place;
};

uint32_t th_spool_crc(uint32_t crc, const void *data, size_t bytes);

/* Writes a number at *at, or reads one, and moves on. */
void th_spool_put(uint8_t **at, uint64_t number, unsigned bytes);
uint64_t th_spool_get(const uint8_t **at, unsigned bytes);

/* Encodes a head; computes record->crc. */
void th_spool_head_put(uint8_t head[TH_SPOOL_HEAD_BYTES], struct th_spool_record *record,
                       uint32_t salt);

/* False: these bytes are none, or its record has more than `most` bytes. */
bool th_spool_head_get(const uint8_t head[TH_SPOOL_HEAD_BYTES], struct th_spool_record *record,
                       uint32_t salt, uint32_t most);

#endif

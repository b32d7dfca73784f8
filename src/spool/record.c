#include "spool/record.h"

/* Four bits at a time, of the polynomial 0x1edc6f41 turned round. */
uint32_t th_spool_crc(uint32_t crc, const void *data, size_t bytes)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    crc = ~crc;
    for (const uint8_t *byte = data; bytes > 0; bytes--, byte++) {
        crc = (crc >> 4) ^ table[(crc ^ *byte) & 15];
        crc = (crc >> 4) ^ table[(crc ^ (*byte >> 4)) & 15];
    }
    return ~crc;
}

void th_spool_put(uint8_t **at, uint64_t number, unsigned bytes)
{
    for (; bytes > 0; bytes--, number >>= 8)
        *(*at)++ = (uint8_t)number;
}

uint64_t th_spool_get(const uint8_t **at, unsigned bytes)
{
    uint64_t number = 0;
    *at += bytes;
    for (unsigned i = 1; i <= bytes; i++)
        number = number << 8 | (*at)[-(int)i];
    return number;
}

void th_spool_head_put(uint8_t head[TH_SPOOL_HEAD_BYTES], struct th_spool_record *record,
                       uint32_t salt)
{
    uint8_t *at = head;
    th_spool_put(&at, record->bytes, 4);
    th_spool_put(&at, record->type, 1);
    th_spool_put(&at, record->flags, 1);
    th_spool_put(&at, record->argument, 2);
    th_spool_put(&at, record->seq, 8);
    record->crc = th_spool_crc(salt, head, (size_t)(at - head));
    th_spool_put(&at, record->crc, 4);
}

/* A head is all there is, or there are a CRC and something before it. */
static bool is_length(const struct th_spool_record *record, uint32_t most)
{
    uint32_t least = TH_SPOOL_HEAD_BYTES;
    if (record->type == TH_SPOOL_MESSAGE)
        least += TH_SPOOL_FIXED_BYTES + TH_SPOOL_CRC_BYTES + record->argument;
    if (record->type == TH_SPOOL_IS_STATE)
        least += TH_SPOOL_STATE_FIXED_BYTES + TH_SPOOL_CRC_BYTES;
    bool has_body = least > TH_SPOOL_HEAD_BYTES;
    return has_body ? record->bytes >= least && record->bytes <= most
                    : record->bytes == least && most >= least;
}

bool th_spool_head_get(const uint8_t head[TH_SPOOL_HEAD_BYTES], struct th_spool_record *record,
                       uint32_t salt, uint32_t most)
{
    const uint8_t *at = head;
    record->bytes = (uint32_t)th_spool_get(&at, 4);
    record->type = (uint8_t)th_spool_get(&at, 1);
    record->flags = (uint8_t)th_spool_get(&at, 1);
    record->argument = (uint16_t)th_spool_get(&at, 2);
    record->seq = th_spool_get(&at, 8);
    record->crc = (uint32_t)th_spool_get(&at, 4);
    bool is_type = record->type > 0 && record->type < TH_SPOOL_TYPES;
    return is_type && is_length(record, most) &&
           record->crc == th_spool_crc(salt, head, TH_SPOOL_HEAD_BYTES - TH_SPOOL_CRC_BYTES);
}

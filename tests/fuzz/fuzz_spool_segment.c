/* Segments of a spool that anything may have written: raw bytes, and records whose CRCs are right
 * but that say what they like. Reading them ends, and never gives more than they hold. */
#include "base/slice.h"
#include "spool/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SALT 7

static char place[64];
static struct th_spool spool;
static uint8_t out[65536];
static size_t out_bytes;

static void demand(bool good)
{
    if (!good)
        abort();
}

static void remove_all(void)
{
    char command[80];
    snprintf(command, sizeof command, "rm -rf %s", place);
    demand(system(command) == 0);
}

static void make_place(void)
{
    bool has_memory = access("/dev/shm", W_OK) == 0;
    snprintf(place, sizeof place, "%s/thimble-fuzz-XXXXXX", has_memory ? "/dev/shm" : "/tmp");
    demand(mkdtemp(place) != NULL);
    atexit(remove_all);
}

static void add(const void *data, size_t bytes)
{
    size_t some = bytes < sizeof out - out_bytes ? bytes : sizeof out - out_bytes;
    memcpy(out + out_bytes, data, some);
    out_bytes += some;
}

static void add_lead(uint32_t segment, uint32_t end_before)
{
    uint8_t lead[TH_SPOOL_LEAD_BYTES] = TH_SPOOL_MAGIC, *at = lead + strlen(TH_SPOOL_MAGIC);
    th_spool_put(&at, segment, 4);
    th_spool_put(&at, SALT, 4);
    th_spool_put(&at, end_before, 4);
    th_spool_put(&at, th_spool_crc(SALT, lead, (size_t)(at - lead)), 4);
    add(lead, sizeof lead);
    add(lead, sizeof lead);
}

/* Its length is right; all else comes from the input. */
static size_t add_record(const uint8_t *data, size_t size)
{
    uint8_t head[TH_SPOOL_HEAD_BYTES], end[4], *at = end;
    struct th_spool_record record = {.type = data[0] % 8, .flags = data[1],
                                     .argument = (uint16_t)(data[2] | (data[3] & 3) << 8),
                                     .seq = data[4]};
    size_t body = data[5] * 4u;
    body = body < size - 6 ? body : size - 6;
    bool has_body = record.type == TH_SPOOL_MESSAGE || record.type == TH_SPOOL_IS_STATE;
    if (data[3] & 0x80)
        record.seq = UINT64_MAX - record.seq;
    record.bytes = TH_SPOOL_HEAD_BYTES + (has_body ? (uint32_t)body + TH_SPOOL_CRC_BYTES : 0);
    th_spool_head_put(head, &record, SALT);
    add(head, sizeof head);
    if (!has_body)
        return 6;
    add(data + 6, body);
    th_spool_put(&at, th_spool_crc(record.crc, data + 6, body), 4);
    add(end, sizeof end);
    return 6 + body;
}

static void write_segment(unsigned number)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%08x.seg", place, number);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    demand(fd >= 0 && write(fd, out, out_bytes) == (ssize_t)out_bytes && close(fd) == 0);
    out_bytes = 0;
}

static void write_records(const uint8_t *data, size_t size)
{
    unsigned segment = 1;
    add_lead(segment, 0);
    while (size > 6) {
        size_t used = data[0] == 255 ? 1 : add_record(data, size);
        if (data[0] == 255) {
            uint32_t end = (uint32_t)(data[1] & 1 ? out_bytes : data[1] * 4u);
            write_segment(segment++);
            add_lead(segment, end);
        }
        data += used;
        size -= used;
    }
    add(data, size);
    write_segment(segment);
}

static void read_all(enum th_spool_mode mode)
{
    const struct th_spool_config config = {.path = place, .max_bytes = 65536};
    struct th_fault fault = {0};
    struct th_spool_item item;
    struct th_spool_stat stat;
    uint8_t payload[64];
    unsigned count = 0;
    if (th_spool_open(&spool, &config, mode, 1000, &fault) < 0)
        return;
    while (th_spool_next(&spool, 1000, &item, &fault) == 1) {
        demand(count++ < sizeof out && item.message.topic.len_bytes <= TH_SPOOL_FRONT_MAX_BYTES);
        th_spool_payload(&spool, item.seq, 0, payload, sizeof payload, &fault);
        if (mode == TH_SPOOL_OWN && item.seq % 3)
            th_spool_done(&spool, item.seq, &fault);
    }
    th_spool_look(&spool, &stat);
    demand(stat.open <= TH_SPOOL_OPEN_MAX);
    th_spool_close(&spool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!place[0])
        make_place();
    if (size == 0 || size > 8192)
        return 0;
    for (unsigned segment = 1; segment < 64; segment++) {
        char path[96];
        snprintf(path, sizeof path, "%s/%08x.seg", place, segment);
        unlink(path);
    }
    if (data[0] & 1) {
        add(data + 1, size - 1);
        write_segment(1);
    } else {
        write_records(data + 1, size - 1);
    }
    read_all(TH_SPOOL_LOOK);
    read_all(TH_SPOOL_OWN);
    return 0;
}

/* A spool in a directory of its own, made before each test and removed behind it, and the words
 * with which the tests speak of it. */
#ifndef TEST_SPOOL_SCENE_H
#define TEST_SPOOL_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"
#include "spool/disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char top[40], place[64];
static struct th_spool spool, second;
static struct th_spool_config config;
static struct th_fault fault;
static uint64_t now = 1700000000;
static char dropped[1024];
static unsigned damages;

static inline void on_drop(void *arg, uint64_t seq, struct th_slice topic,
                           enum th_spool_cause cause)
{
    (void)arg;
    size_t used = strlen(dropped);
    snprintf(dropped + used, sizeof dropped - used, "%u:%.*s:%s ", (unsigned)seq,
             (int)topic.len_bytes, (const char *)topic.data, th_spool_cause_name(cause));
}

static inline void on_damage(void *arg, uint32_t segment, uint64_t offset_bytes, uint64_t bytes)
{
    (void)arg;
    assert_true(segment > 0 && offset_bytes + bytes < 65536);
    damages++;
}

static inline int set_up(void **state)
{
    (void)state;
    bool has_memory = access("/dev/shm", W_OK) == 0; /* syncs cost nothing there */
    snprintf(top, sizeof top, "%s/thimble-spool-XXXXXX", has_memory ? "/dev/shm" : "/tmp");
    if (!mkdtemp(top))
        return -1;
    snprintf(place, sizeof place, "%s/a/spool", top);
    config = (struct th_spool_config){.path = place, .max_bytes = 65536, .dropped = on_drop,
                                      .damaged = on_damage};
    fault = (struct th_fault){0};
    dropped[0] = '\0';
    damages = 0;
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    char command[128];
    th_spool_close(&spool);
    th_spool_close(&second);
    snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", top, top);
    return system(command);
}

/* ---- words ----------------------------------------------------------------------------------- */

static inline void open_it(void)
{
    int result = th_spool_open(&spool, &config, TH_SPOOL_OWN, now, &fault);
    if (result < 0)
        print_error("%s\n", fault.text);
    assert_int_equal(result, 0);
}

static inline void open_again(void)
{
    th_spool_close(&spool);
    open_it();
}

static inline struct th_spool_message message_of(const char *topic, const char *payload)
{
    return (struct th_spool_message){.topic = th_slice_text(topic), .qos = 1,
                                     .payload = th_slice_text(payload)};
}

static inline int append_message(struct th_spool_message message)
{
    uint64_t seq = 0;
    fault = (struct th_fault){0};
    return th_spool_append(&spool, &message, now, &seq, &fault);
}

static inline int append(const char *topic, const char *payload)
{
    return append_message(message_of(topic, payload));
}

static inline void sync_it(void)
{
    assert_int_equal(th_spool_sync(&spool, now, &fault), 0);
}

static inline void accept_one(const char *topic, const char *payload)
{
    assert_int_equal(append(topic, payload), TH_SPOOL_APPENDED);
    sync_it();
}

static struct th_spool_item item;

static inline int next(struct th_spool *from)
{
    fault = (struct th_fault){0};
    return th_spool_next(from, now, &item, &fault);
}

static inline void holds(struct th_spool *from, const char *topic, const char *payload)
{
    uint8_t text[64] = "";
    assert_int_equal(next(from), 1);
    assert_true(th_slice_equal(item.message.topic, th_slice_text(topic)));
    assert_int_equal(item.payload_bytes, strlen(payload));
    assert_int_equal(th_spool_payload(from, item.seq, 0, text, sizeof text, &fault),
                     (int)strlen(payload));
    assert_memory_equal(text, payload, strlen(payload));
}

static inline void finish(void)
{
    assert_int_equal(th_spool_done(&spool, item.seq, &fault), 0);
}

static inline void is_empty(void)
{
    assert_int_equal(next(&spool), 0);
}

static inline struct th_spool_stat stat_of(struct th_spool *of)
{
    struct th_spool_stat stat;
    th_spool_look(of, &stat);
    return stat;
}

static inline unsigned segments_of(struct th_spool *of)
{
    struct th_spool_stat stat = stat_of(of);
    return stat.last_segment - stat.first_segment + 1;
}

#endif

/* A power cut at every write, sync, rename and removal, and a disk that fails: no message that was
 * accepted is lost, and none is there that nobody gave.
 *
 * The disk is in memory: what was written, and what of it was synced. At every change images are
 * made of what may be left of it: nothing that was not synced, all of it, and parts at random, by
 * sectors and by names. The spool's own code opens each; what comes out is compared with a ledger.
 *
 * THIMBLE_CHECK=all: ten times as many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"
#include "spool/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- chance ---------------------------------------------------------------------------------- */

static uint64_t seed = 1;

static unsigned chance(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((seed >> 33) % below);
}

/* ---- the disk -------------------------------------------------------------------------------- */

#define FILES 48
#define FILE_BYTES 8192
#define NAMES 32
#define FDS 16
#define FIRST_FD 5000
#define DIRECTORY (-2)
#define SECTOR 512

struct file {
    uint32_t bytes, synced_bytes;
    uint32_t lost_from, lost_to; /* a sync failed: never on the disk, and nobody says so again */
    uint8_t data[FILE_BYTES], synced[FILE_BYTES];
};

struct name {
    char text[TH_SPOOL_NAME_BYTES];
    int file;
};

struct change {
    struct name gone, come; /* file -1: nothing */
};

struct disk {
    struct file files[FILES];
    int files_count;
    struct name names[NAMES];   /* as the program sees them */
    struct name synced[NAMES];
    struct change changes[NAMES]; /* since they were synced */
    int changes_count;
    int fds[FDS];               /* file, or DIRECTORY; -1: free */
    bool listed;
};

static struct disk *disk;
static struct disk main_disk, image;
static bool lies_data, lies_names; /* says "synced" and is not */
static unsigned operations, fail_from, fail_to, short_at;
static int fail_errno;
static bool fail_syncs_only;

static void cut_here(void);

static void empty(struct disk *new_disk)
{
    memset(new_disk, 0, sizeof *new_disk);
    for (int i = 0; i < NAMES; i++)
        new_disk->names[i].file = new_disk->synced[i].file = -1;
    for (int i = 0; i < FDS; i++)
        new_disk->fds[i] = -1;
}

static struct name *find(struct name *names, const char *text)
{
    for (int i = 0; i < NAMES; i++)
        if (names[i].file >= 0 && !strcmp(names[i].text, text))
            return &names[i];
    return NULL;
}

static void set(struct name *names, const struct name *new_name)
{
    struct name *at = find(names, new_name->text);
    for (int i = 0; !at && i < NAMES; i++)
        if (names[i].file < 0)
            at = &names[i];
    assert_non_null(at);
    *at = *new_name;
}

static void apply(struct name *names, const struct change *change)
{
    struct name *gone = change->gone.file >= 0 ? find(names, change->gone.text) : NULL;
    if (gone && gone->file == change->gone.file)
        gone->file = -1;
    if (change->come.file >= 0)
        set(names, &change->come);
}

static void change_names(const struct name *gone, const struct name *come)
{
    const struct name none = {.file = -1};
    struct change change = {gone ? *gone : none, come ? *come : none};
    assert_true(disk->changes_count < NAMES);
    disk->changes[disk->changes_count++] = change;
    apply(disk->names, &change);
}

static int refused(int number)
{
    errno = number;
    return -1;
}

/* True: this one fails. */
static bool fails(bool is_sync)
{
    if (disk != &main_disk)
        return false;
    operations++;
    return operations >= fail_from && operations < fail_to && (is_sync || !fail_syncs_only);
}

static struct file *file_of(int fd)
{
    assert_in_range(fd, FIRST_FD, FIRST_FD + FDS - 1);
    assert_true(disk->fds[fd - FIRST_FD] >= 0);
    return &disk->files[disk->fds[fd - FIRST_FD]];
}

static int new_fd(int file)
{
    for (int i = 0; i < FDS; i++)
        if (disk->fds[i] == -1) {
            disk->fds[i] = file;
            return FIRST_FD + i;
        }
    return refused(EMFILE);
}

static int create(const char *text)
{
    struct name name;
    bool used[FILES] = {false};
    const struct name *lists[] = {disk->names, disk->synced};
    for (int list = 0; list < 2; list++)
        for (int i = 0; i < NAMES; i++)
            if (lists[list][i].file >= 0)
                used[lists[list][i].file] = true;
    for (int i = 0; i < disk->changes_count; i++)
        if (disk->changes[i].come.file >= 0)
            used[disk->changes[i].come.file] = true;
    for (int i = 0; i < FDS; i++)
        if (disk->fds[i] >= 0)
            used[disk->fds[i]] = true;
    for (name.file = 0; used[name.file]; name.file++)
        assert_true(name.file < FILES - 1);
    memset(&disk->files[name.file], 0, sizeof *disk->files);
    snprintf(name.text, sizeof name.text, "%s", text);
    change_names(NULL, &name);
    return name.file;
}

/* ---- what the spool calls -------------------------------------------------------------------- */

int open(const char *path, int flags, ...)
{
    (void)flags;
    assert_non_null(strstr(path, "/virtual"));
    return new_fd(DIRECTORY);
}

int openat(int at, const char *text, int flags, ...)
{
    if (at == AT_FDCWD)
        return open(text, flags);
    struct name *name = find(disk->names, text);
    if (!name && !(flags & O_CREAT))
        return refused(ENOENT);
    if (name && flags & O_EXCL)
        return refused(EEXIST);
    if ((flags & O_ACCMODE) != O_RDONLY && fails(false))
        return refused(fail_errno);
    if (name)
        return new_fd(name->file);
    int file = create(text);
    cut_here();
    return new_fd(file);
}

int close(int fd)
{
    assert_in_range(fd, FIRST_FD, FIRST_FD + FDS - 1);
    disk->fds[fd - FIRST_FD] = -1;
    return 0;
}

int mkdir(const char *path, mode_t mode)
{
    (void)path;
    (void)mode;
    return refused(EEXIST);
}

ssize_t pread(int fd, void *out, size_t bytes, off_t offset)
{
    const struct file *file = file_of(fd);
    size_t left = offset < (off_t)file->bytes ? file->bytes - (size_t)offset : 0;
    size_t some = bytes < left ? bytes : left;
    memcpy(out, file->data + (some ? offset : 0), some);
    return (ssize_t)some;
}

static ssize_t put(struct file *file, const void *data, size_t bytes, size_t offset)
{
    assert_true(offset + bytes <= FILE_BYTES);
    memcpy(file->data + offset, data, bytes);
    if (file->bytes < offset + bytes)
        file->bytes = (uint32_t)(offset + bytes);
    return (ssize_t)bytes;
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    return put(file_of(fd), data, bytes, (size_t)offset);
}

ssize_t write(int fd, const void *data, size_t bytes)
{
    struct file *file = file_of(fd);
    if (fails(false)) {
        put(file, data, bytes / 3, file->bytes); /* a part of it is there */
        return refused(fail_errno);
    }
    size_t some = short_at && operations % short_at == 0 && bytes > 1 ? bytes / 2 : bytes;
    put(file, data, some, file->bytes);
    cut_here();
    return (ssize_t)some;
}

int fdatasync(int fd)
{
    struct file *file = file_of(fd);
    if (fails(true)) {
        file->lost_from = file->synced_bytes;
        file->lost_to = file->bytes;
        return refused(fail_errno);
    }
    cut_here();
    if (!lies_data || disk != &main_disk) {
        memcpy(file->synced, file->data, file->bytes);
        memset(file->synced + file->lost_from, 0, file->lost_to - file->lost_from);
        file->synced_bytes = file->bytes;
    }
    cut_here();
    return 0;
}

int ftruncate(int fd, off_t bytes)
{
    struct file *file = file_of(fd);
    if (fails(false))
        return refused(fail_errno);
    file->bytes = (uint32_t)bytes;
    if (file->lost_to > file->bytes)
        file->lost_from = file->lost_to = 0;
    cut_here();
    return 0;
}

int fsync(int fd)
{
    assert_int_equal(disk->fds[fd - FIRST_FD], DIRECTORY);
    if (fails(true))
        return refused(fail_errno);
    cut_here();
    if (!lies_names || disk != &main_disk) {
        memcpy(disk->synced, disk->names, sizeof disk->synced);
        disk->changes_count = 0;
    } else if (disk->changes_count > NAMES - 4) {
        disk->changes_count = NAMES - 4;
    }
    cut_here();
    return 0;
}

int renameat(int at, const char *from, int to, const char *text)
{
    assert_int_equal(at, to);
    struct name *old = find(disk->names, from), new_name;
    if (!old || fails(false))
        return refused(old ? fail_errno : ENOENT);
    new_name = *old;
    snprintf(new_name.text, sizeof new_name.text, "%s", text);
    change_names(&(struct name){.text = TH_SPOOL_NEW, .file = old->file}, &new_name);
    cut_here();
    return 0;
}

int unlinkat(int at, const char *text, int flags)
{
    (void)at;
    (void)flags;
    struct name *name = find(disk->names, text);
    if (!name || fails(false))
        return refused(name ? fail_errno : ENOENT);
    struct name gone = *name;
    if (disk->changes_count > NAMES - 4) { /* a file system writes its log now and then */
        memcpy(disk->synced, disk->names, sizeof disk->synced);
        disk->changes_count = 0;
    }
    change_names(&gone, NULL);
    cut_here();
    return 0;
}

static int tell(struct stat *about, int file)
{
    memset(about, 0, sizeof *about);
    about->st_uid = geteuid();
    about->st_mode = file < 0 ? S_IFDIR | 0700 : S_IFREG | 0600;
    about->st_size = file < 0 ? 0 : (off_t)disk->files[file].bytes;
    return 0;
}

int fstat(int fd, struct stat *about)
{
    return tell(about, disk->fds[fd - FIRST_FD]);
}

int fstatat(int at, const char *text, struct stat *about, int flags)
{
    (void)at;
    (void)flags;
    struct name *name = find(disk->names, text);
    return name ? tell(about, name->file) : refused(ENOENT);
}

int flock(int fd, int operation)
{
    (void)fd;
    (void)operation;
    disk->listed = false;
    return 0;
}

/* getdents64(2), all names in one. */
long syscall(long number, ...)
{
    va_list list;
    assert_int_equal(number, SYS_getdents64);
    va_start(list, number);
    (void)va_arg(list, int);
    uint8_t *out = va_arg(list, void *), *begin = out;
    va_end(list);
    for (int i = 0; i < NAMES && !disk->listed; i++) {
        if (disk->names[i].file < 0)
            continue;
        uint16_t bytes = 40;
        memset(out, 0, bytes);
        memcpy(out + 16, &bytes, sizeof bytes);
        strcpy((char *)out + 19, disk->names[i].text);
        out += bytes;
    }
    disk->listed = !disk->listed;
    return out - begin;
}

/* ---- the ledger ------------------------------------------------------------------------------ */

#define MESSAGES 20000

enum fate { NOT_GIVEN, OFFERED, ACCEPTED, VOID, MAYBE };

struct entry {
    uint8_t fate, qos;
    bool dropped, done, done_begun, conflate;
    bool sent_synced, released_begun, released_synced;
    uint16_t packet_id, number; /* number: what its payload and id are made of */
};

static struct entry ledger[MESSAGES];
static uint64_t last_given;
static struct th_spool spool, found;
static struct th_fault fault;
static uint64_t now = 1700000000;
static unsigned images, bad, voids_seen;
static bool told[MESSAGES]; /* dropped while an image was looked at */
static char why[128];

static void on_drop(void *arg, uint64_t seq, struct th_slice topic, enum th_spool_cause cause)
{
    (void)topic;
    if (seq > 0 && seq < MESSAGES && arg)
        told[seq] = true;
    else if (seq > 0 && cause != TH_SPOOL_CAUSES)
        ledger[seq].dropped = true;
}

static const struct th_spool_config config = {.path = "/virtual", .max_bytes = 16384,
                                              .max_messages = 55, .dropped = on_drop};

static struct th_spool_message message_of(uint16_t number, uint8_t qos, bool conflate)
{
    static struct {
        char topic[16], payload[600], id[16];
    } rooms[2]; /* the life's, and that of who looks at an image meanwhile */
    char *topic = rooms[disk == &main_disk].topic, *id = rooms[disk == &main_disk].id;
    char *payload = rooms[disk == &main_disk].payload;
    unsigned bytes = number % 7 == 0 ? number * 37u % 560 : number % 40;
    snprintf(topic, sizeof rooms->topic, "t/%u", number % 5u);
    snprintf(id, sizeof rooms->id, "n%u", (unsigned)number);
    for (unsigned i = 0; i < bytes; i++)
        payload[i] = (char)(number * 31u + i * 7u);
    return (struct th_spool_message){
        .topic = th_slice_text(topic), .payload = th_slice_of(payload, bytes),
        .id = th_slice_text(number % 3 ? id : ""), .qos = qos, .conflate = conflate};
}

static void blame(const char *what, uint64_t seq)
{
    if (bad++ == 0)
        snprintf(why, sizeof why, "%s %u, operation %u, image %u", what, (unsigned)seq, operations,
                 images);
}

/* ---- an image -------------------------------------------------------------------------------- */

static bool is_equal(const struct th_spool_item *item, struct th_slice wanted)
{
    uint8_t payload[600];
    return item->payload_bytes == wanted.len_bytes &&
           th_spool_payload(&found, item->seq, 0, payload, sizeof payload, &fault) ==
               (int)wanted.len_bytes &&
           th_slice_equal(th_slice_of(payload, wanted.len_bytes), wanted);
}

static void judge_state(const struct th_spool_item *item, const struct entry *entry)
{
    bool is_twice = entry->qos == 2 && entry->done_begun;
    if ((entry->released_synced || is_twice) && item->state != TH_SPOOL_RELEASED)
        blame("would be sent twice", item->seq);
    if (entry->sent_synced && item->state == TH_SPOOL_WAITING)
        blame("has forgotten its packet id", item->seq);
    if (item->state != TH_SPOOL_WAITING && item->packet_id != entry->packet_id)
        blame("has another packet id", item->seq);
    if (item->state == TH_SPOOL_RELEASED && !entry->released_begun)
        blame("was not released", item->seq);
}

static void judge_item(const struct th_spool_item *item)
{
    const struct entry *entry = &ledger[item->seq < MESSAGES ? item->seq : 0];
    struct th_spool_message wanted = message_of(entry->number, entry->qos, entry->conflate);
    if (entry->fate == NOT_GIVEN)
        blame("invented", item->seq);
    else if (entry->fate == VOID)
        blame("was not accepted", item->seq);
    else if (!th_slice_equal(item->message.topic, wanted.topic) ||
             item->message.qos != wanted.qos || !is_equal(item, wanted.payload))
        blame("is not what was given", item->seq);
    else
        judge_state(item, entry);
    voids_seen += entry->fate == MAYBE;
}

static bool may_be_missing(const struct entry *entry, uint64_t seq)
{
    return entry->fate != ACCEPTED || entry->dropped || entry->done_begun || told[seq];
}

static void drain(bool there[])
{
    struct th_spool_item item;
    uint64_t last = 0;
    int got;
    while ((got = th_spool_next(&found, now, &item, &fault)) == 1) {
        if (item.seq <= last || item.seq >= MESSAGES)
            blame("out of order", item.seq);
        last = item.seq;
        there[item.seq % MESSAGES] = true;
        judge_item(&item);
        if (th_spool_done(&found, item.seq, &fault) < 0)
            blame("cannot be done", item.seq);
    }
    if (got < 0)
        blame(fault.text, 0);
}

static void judge_ids(void)
{
    unsigned left = 20;
    for (uint64_t seq = last_given; seq > 0 && left > 0; seq--) {
        struct th_spool_message message = message_of(ledger[seq].number, 1, false);
        uint64_t unheard;
        if (ledger[seq].fate != ACCEPTED || !message.id.len_bytes)
            continue;
        if (th_spool_append(&found, &message, now, &unheard, &fault) != TH_SPOOL_KNOWN)
            blame("would be accepted twice", seq);
        left--;
    }
}

/* And it goes on: what is new stays, what is done does not come again. */
static void judge_future(void)
{
    uint64_t seq = 0;
    struct th_spool_item item;
    struct th_spool_message message = message_of(3, 1, false); /* without an id */
    if (th_spool_append(&found, &message, now, &seq, &fault) || seq <= th_spool_accepted(&found))
        blame("takes no more", seq);
    th_spool_close(&found);
    if (th_spool_open(&found, &config, TH_SPOOL_OWN, now, &fault) < 0 ||
        th_spool_next(&found, now, &item, &fault) != 1 || item.seq != seq ||
        th_spool_next(&found, now, &item, &fault) != 0)
        blame("does not come again", seq);
    th_spool_close(&found);
}

static void look_at(struct disk *what)
{
    static bool there[MESSAGES];
    static struct th_spool_config looking;
    images++;
    memset(there, 0, (last_given + 1) * sizeof *there);
    memset(told, 0, (last_given + 1) * sizeof *told);
    looking = config;
    looking.max_messages = 0;
    looking.arg = &looking;
    fault = (struct th_fault){0};
    disk = what;
    if (th_spool_open(&found, &looking, TH_SPOOL_OWN, now, &fault) < 0)
        blame(fault.text, 0);
    drain(there);
    for (uint64_t seq = 1; seq <= last_given; seq++)
        if (!there[seq] && !may_be_missing(&ledger[seq], seq))
            blame("lost", seq);
    judge_ids();
    judge_future();
}

/* ---- what is left of a disk ------------------------------------------------------------------ */

enum variant { SYNCED_ONLY, ALL, NAMES_ONLY, RANDOM, VARIANTS };

static bool survives(enum variant variant, bool is_data)
{
    if (variant == RANDOM)
        return chance(2);
    return variant == ALL || (variant == NAMES_ONLY && !is_data);
}

static void tear(struct file *file, enum variant variant)
{
    uint32_t bytes = variant == SYNCED_ONLY || (variant == NAMES_ONLY && chance(2)) ||
                             file->bytes <= file->synced_bytes
                         ? file->synced_bytes : file->bytes;
    if (variant == RANDOM && bytes > file->synced_bytes && chance(3) == 0)
        bytes = file->synced_bytes + chance(bytes - file->synced_bytes + 1);
    for (uint32_t at = 0; at < bytes; at += SECTOR) {
        uint32_t end = at + SECTOR < bytes ? at + SECTOR : bytes;
        bool is_lost = at < file->lost_to && end > file->lost_from;
        if (survives(variant, true) && !is_lost)
            continue;
        for (uint32_t i = at; i < end; i++) /* garbage, or zeros, or a write that was begun */
            if (i < file->synced_bytes)
                file->data[i] = file->synced[i];
            else if (variant != RANDOM || chance(60) > 0 || i == at)
                file->data[i] = (uint8_t)(variant == RANDOM && at % 1024 ? chance(256) : 0);
    }
    file->bytes = file->synced_bytes = bytes;
    file->lost_from = file->lost_to = 0;
    memcpy(file->synced, file->data, bytes);
}

static void copy(struct disk *to, const struct disk *from)
{
    memcpy(to->names, from->names, sizeof to->names);
    memcpy(to->synced, from->synced, sizeof to->synced);
    memcpy(to->changes, from->changes, sizeof to->changes);
    to->changes_count = from->changes_count;
    for (int i = 0; i < FILES; i++) {
        to->files[i].bytes = from->files[i].bytes;
        to->files[i].synced_bytes = from->files[i].synced_bytes;
        to->files[i].lost_from = from->files[i].lost_from;
        to->files[i].lost_to = from->files[i].lost_to;
        memcpy(to->files[i].data, from->files[i].data, from->files[i].bytes);
        memcpy(to->files[i].synced, from->files[i].synced, from->files[i].synced_bytes);
    }
}

static void make_image(struct disk *of, enum variant variant)
{
    memcpy(of->names, of->synced, sizeof of->names);
    for (int i = 0; i < of->changes_count; i++)
        if (survives(variant, false))
            apply(of->names, &of->changes[i]);
    memcpy(of->synced, of->names, sizeof of->synced);
    of->changes_count = 0;
    for (int i = 0; i < FILES; i++)
        tear(&of->files[i], variant);
    for (int i = 0; i < FDS; i++)
        of->fds[i] = -1;
    of->listed = false;
}

static bool cutting;

static void cut_here(void)
{
    struct th_fault saved_fault = fault;
    if (!cutting || disk != &main_disk)
        return;
    for (int variant = 0; variant < VARIANTS; variant++) {
        copy(&image, &main_disk);
        make_image(&image, (enum variant)variant);
        look_at(&image);
    }
    disk = &main_disk;
    fault = saved_fault;
}

/* ---- a life ---------------------------------------------------------------------------------- */

static void settle(bool is_good)
{
    for (uint64_t seq = 1; seq <= last_given; seq++)
        if (ledger[seq].fate == OFFERED)
            ledger[seq].fate = is_good || seq <= th_spool_accepted(&spool) ? ACCEPTED
                               : spool.tail >= 0                         ? VOID
                                                                         : MAYBE;
}

static bool sync_it(void)
{
    fault = (struct th_fault){0};
    bool is_good = th_spool_sync(&spool, now, &fault) == 0;
    settle(is_good);
    for (uint64_t seq = 1; is_good && seq <= last_given; seq++) {
        ledger[seq].sent_synced = ledger[seq].packet_id && ledger[seq].qos == 2;
        ledger[seq].released_synced |= ledger[seq].released_begun;
    }
    return is_good;
}

static void append(void)
{
    uint64_t seq = spool.next_seq;
    struct entry *entry = &ledger[seq];
    *entry = (struct entry){.qos = (uint8_t)chance(3), .conflate = chance(6) == 0,
                            .number = (uint16_t)seq};
    struct th_spool_message message = message_of(entry->number, entry->qos, entry->conflate);
    entry->fate = OFFERED;
    last_given = seq;
    fault = (struct th_fault){0};
    int result = th_spool_append(&spool, &message, now, &seq, &fault);
    if (result == TH_E_FILE)
        settle(false);
    else if (result != TH_SPOOL_APPENDED)
        entry->fate = NOT_GIVEN;
}

/* As a client does: a packet id that is on the disk before a byte goes out, and so on. */
static void acknowledge(const struct th_spool_open *open)
{
    struct entry *entry = &ledger[open->seq];
    fault = (struct th_fault){0};
    if (entry->qos == 2 && !entry->packet_id) {
        entry->packet_id = (uint16_t)(open->seq % 65535 + 1);
        th_spool_sent(&spool, open->seq, entry->packet_id, &fault);
    } else if (entry->qos == 2 && entry->sent_synced && !entry->released_begun) {
        entry->released_begun = true;
        th_spool_released(&spool, open->seq, &fault);
    } else if (entry->qos < 2 || entry->released_synced) {
        entry->done_begun = true;
        th_spool_done(&spool, open->seq, &fault);
    }
    if (fault.code)
        settle(false);
}

static void send(void)
{
    struct th_spool_item item;
    fault = (struct th_fault){0};
    th_spool_next(&spool, now, &item, &fault);
    for (unsigned i = chance(4); i > 0 && spool.open_count; i--)
        acknowledge(&spool.open[chance(spool.open_count)]);
}

static void reopen(void)
{
    sync_it();
    th_spool_close(&spool);
    fault = (struct th_fault){0};
    cutting = false;
    if (th_spool_open(&spool, &config, TH_SPOOL_OWN, now, &fault) < 0) {
        fail_to = 0; /* the disk is well again */
        fault = (struct th_fault){0};
        if (th_spool_open(&spool, &config, TH_SPOOL_OWN, now, &fault) < 0)
            blame(fault.text, 0);
    }
    cutting = true;
}

static void live(unsigned steps)
{
    for (unsigned step = 0; step < steps && last_given < MESSAGES - 2; step++) {
        unsigned what = chance(100);
        if (what < 40)
            append();
        else if (what < 55)
            sync_it();
        else if (what < 97)
            send();
        else if (what < 99)
            th_spool_rewind(&spool);
        else
            reopen();
        now += chance(3);
    }
}

static unsigned times(void)
{
    const char *check = getenv("THIMBLE_CHECK");
    return check && !strcmp(check, "all") ? 12 : 1;
}

static int begin(void **state)
{
    (void)state;
    empty(&main_disk);
    empty(&image);
    memset(ledger, 0, sizeof ledger);
    disk = &main_disk;
    last_given = 0;
    images = bad = operations = voids_seen = 0;
    fail_from = fail_to = short_at = 0;
    fail_syncs_only = lies_data = lies_names = false;
    seed = 7;
    fault = (struct th_fault){0};
    cutting = true;
    return th_spool_open(&spool, &config, TH_SPOOL_OWN, now, &fault);
}

static int end(void **state)
{
    (void)state;
    cutting = false;
    disk = &main_disk;
    fail_from = fail_to = 0;
    th_spool_close(&spool);
    return 0;
}

/* ---- the tests ------------------------------------------------------------------------------- */

static void test_cut_at_every_change(void **state)
{
    (void)state;
    live(260 * times());
    print_message("power cuts: %u images after %u changes, %u messages; %u bad%s%s\n", images,
                  operations, (unsigned)last_given, bad, bad ? ", the first: " : "", why);
    assert_true(images > 900 * times() && last_given > 80);
    assert_int_equal(bad, 0);
}

static void test_that_a_lie_is_found(void **state)
{
    begin(state);
    lies_data = true;
    live(60);
    unsigned of_data = bad;
    end(state);
    begin(state);
    lies_names = true;
    live(60);
    print_message("a disk that lies about data: %u bad; about names: %u bad\n", of_data, bad);
    assert_true(of_data > 50 && bad > 50);
    why[0] = '\0';
}

/* A disk that fails for a while, by `number`; images are made all the time. */
static unsigned fail_for_a_while(void **state, int number, bool syncs_only, unsigned lives)
{
    unsigned all_images = 0, all_bad = 0;
    for (unsigned life = 0; life < lives; life++) {
        assert_int_equal(begin(state), 0);
        seed = life + 100;
        fail_errno = number;
        fail_syncs_only = syncs_only;
        fail_from = 5 + chance(60);
        fail_to = fail_from + 1 + chance(life % 2 ? 2 : 30);
        live(60);
        all_images += images;
        all_bad += bad;
        end(state);
    }
    print_message("%s%s: %u images, %u bad%s%s\n", strerror(number),
                  syncs_only ? " from syncs alone" : "", all_images, all_bad,
                  all_bad ? ", the first: " : "", all_bad ? why : "");
    return all_bad;
}

static void test_failing_disks(void **state)
{
    assert_int_equal(fail_for_a_while(state, EIO, true, 3 * times()), 0);
    assert_int_equal(fail_for_a_while(state, EIO, false, 2 * times()), 0);
    assert_int_equal(fail_for_a_while(state, ENOSPC, false, 2 * times()), 0);
    assert_int_equal(fail_for_a_while(state, EROFS, false, 2 * times()), 0);
    begin(state);
}

static void test_short_writes(void **state)
{
    (void)state;
    short_at = 2;
    live(60);
    assert_true(images > 100);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cut_at_every_change, begin, end),
        cmocka_unit_test_setup_teardown(test_that_a_lie_is_found, NULL, end),
        cmocka_unit_test_setup_teardown(test_failing_disks, NULL, end),
        cmocka_unit_test_setup_teardown(test_short_writes, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

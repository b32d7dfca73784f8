/* A disk in memory, and what a power cut may leave of it.
 *
 * What was written, and what of it was synced, is known. At every change images are made of what
 * may be left: nothing that was not synced, all of it, and parts at random, by sectors and by
 * names. The test's look_at() gets each. */
#ifndef TEST_SPOOL_POWER_CUT_H
#define TEST_SPOOL_POWER_CUT_H

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
#ifndef FILE_BYTES
#define FILE_BYTES 8192
#endif
#define LOCK_BYTES 11
#define NAMES 32
#define FDS 16
#define FIRST_FD 5000
#define DIRECTORY (-2)
#define SECTOR 512
#define BLOCK 4096

struct file {
    uint32_t bytes, synced_bytes;
    bool is_overwritten; /* what it had before may be gone, too */
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
static bool cutting;
static unsigned images;
static struct th_fault fault;
static struct th_spool spool, found; /* the one on the main disk, and what is found in an image */

static void cut_here(void);
static void look_at(struct disk *what); /* the test's: opens it, and judges */

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
    if (fd < 0)
        return refused(EBADF);
    const struct file *file = file_of(fd);
    size_t left = offset < (off_t)file->bytes ? file->bytes - (size_t)offset : 0;
    size_t some = bytes < left ? bytes : left;
    memcpy(out, file->data + (some ? offset : 0), some);
    return (ssize_t)some;
}

/* The cache forgets what is not to be written: from then on the disk's own is read. */
int posix_fadvise(int fd, off_t at, off_t bytes, int advice)
{
    struct file *file = file_of(fd);
    assert_true(at == 0 && bytes == 0 && advice == POSIX_FADV_DONTNEED);
    memset(file->data + file->lost_from, 0, file->lost_to - file->lost_from);
    file->lost_from = file->lost_to = 0;
    return 0;
}

static ssize_t put(struct file *file, const void *data, size_t bytes, size_t offset)
{
    assert_true(offset + bytes <= FILE_BYTES);
    memcpy(file->data + offset, data, bytes);
    if (file->bytes < offset + bytes)
        file->bytes = (uint32_t)(offset + bytes);
    return (ssize_t)bytes;
}

/* Over what is there: of the file of what was received, and of the lock, which nobody reads. What a
 * sync lost is there again once it is written again. */
ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    struct file *file = file_of(fd);
    file->is_overwritten = bytes != LOCK_BYTES;
    if (file->is_overwritten && fails(false))
        return refused(fail_errno);
    file->lost_from = file->lost_to = 0;
    put(file, data, bytes, (size_t)offset);
    if (file->is_overwritten)
        cut_here();
    return (ssize_t)bytes;
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

/* ---- what is left of a disk ------------------------------------------------------------------ */

enum variant { SYNCED_ONLY, ALL, NAMES_ONLY, RANDOM, VARIANTS };

static bool survives(enum variant variant, bool is_data)
{
    if (variant == RANDOM)
        return chance(2);
    return variant == ALL || (variant == NAMES_ONLY && !is_data);
}

/* A card that is writing a block has neither the old nor the new one. */
static void spoil(struct file *file)
{
    for (uint32_t at = 0; at < file->bytes; at += BLOCK) {
        uint32_t end = at + BLOCK < file->bytes ? at + BLOCK : file->bytes;
        bool is_new = end > file->synced_bytes ||
                      memcmp(file->data + at, file->synced + at, end - at) != 0;
        for (uint32_t i = at; is_new && i < end; i++)
            file->data[i] = (uint8_t)chance(256);
    }
}

static void tear(struct file *file, enum variant variant)
{
    if (variant == RANDOM && file->is_overwritten && chance(2))
        spoil(file);
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
        to->files[i].is_overwritten = from->files[i].is_overwritten;
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

/* cmocka's, after each test. */
static int end(void **state)
{
    (void)state;
    cutting = false;
    disk = &main_disk;
    fail_from = fail_to = 0;
    th_spool_close(&spool);
    return 0;
}

#endif

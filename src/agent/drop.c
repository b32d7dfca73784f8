#include "agent/drop.h"

#include "agent/queue.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/format.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/lane.h"
#include "cli/say.h"
#include "cli/show.h"
#include "spool/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAME_BYTES 256
#define FILES 16 /* that wait for the disk at once */
#define REFUSED 99 /* of one name */
#define AGAIN_MS 1000

enum { NOREPLACE = 1 }; /* renameat2(2) */

enum state { TO_TAKE, WAITING, OVER };

struct file {
    enum state state;
    uint64_t due_ms; /* TO_TAKE: not before */
    uint64_t seq;    /* WAITING */
    struct stat about;
    char name[NAME_BYTES];
};

struct lane {
    int dir, watch; /* descriptors */
    uint64_t look_ms; /* whether the directory is still there */
    const char *path;
    char template[1025];
    bool scans;                /* what lay there before anything was told */
    char last[NAME_BYTES];     /* the scan is behind it */
    unsigned count;
    struct file files[FILES];  /* the oldest first */
    size_t told_bytes, told_at;
    _Alignas(struct inotify_event) char told[4096];
    _Alignas(uint64_t) char entries[4096];
    char topic[TH_SPOOL_FRONT_MAX_BYTES + 1];
    char id[TH_SPOOL_ID_MAX_BYTES];
    char refused[NAME_BYTES + 12];
    struct th_fault fault;
    uint8_t content[16384];
};
TH_LANE_ROOMY(struct lane, box);

/* ---- names ----------------------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *end)
{
    size_t bytes = strlen(name), end_bytes = strlen(end);
    return bytes >= end_bytes && !strcmp(name + bytes - end_bytes, end);
}

static bool is_meant(const char *name)
{
    return *name != '.' && !ends_with(name, ".tmp") && !ends_with(name, ".part") &&
           !ends_with(name, ".refused");
}

static struct file *add(unsigned at, const char *name)
{
    struct file *file = &box->files[at];
    memmove(file + 1, file, (box->count++ - at) * sizeof *file);
    memset(file, 0, offsetof(struct file, name));
    strcpy(file->name, name);
    return file;
}

static bool is_here(const char *name)
{
    for (unsigned i = 0; i < box->count; i++)
        if (box->files[i].state != OVER && !strcmp(box->files[i].name, name))
            return true;
    return false;
}

/* ---- what lay there -------------------------------------------------------------------------- */

struct entry {
    uint64_t inode;
    int64_t next;
    uint16_t bytes;
    uint8_t type;
    char name[];
};

/* Of those behind the last one, the first so many. */
static void consider(const char *name)
{
    unsigned at = box->count;
    if (!is_meant(name) || strcmp(name, box->last) <= 0)
        return;
    while (at > 0 && strcmp(name, box->files[at - 1].name) < 0)
        at--;
    if (at == FILES)
        return;
    box->count -= box->count == FILES;
    add(at, name);
}

static void read_entries(void)
{
    long bytes;
    int dir = openat(box->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while ((bytes = syscall(SYS_getdents64, dir, box->entries, sizeof box->entries)) > 0)
        for (long at = 0; at < bytes;) {
            const struct entry *entry = (const void *)(box->entries + at);
            consider(entry->name);
            at += entry->bytes;
        }
    close(dir);
}

static bool scan(void)
{
    if (!box->scans || box->count)
        return false;
    read_entries();
    box->scans = box->count == FILES;
    if (box->count)
        strcpy(box->last, box->files[box->count - 1].name);
    return box->count > 0;
}

static void begin_scan(void)
{
    box->scans = true;
    *box->last = '\0';
}

/* ---- what comes ------------------------------------------------------------------------------ */

static void hear(const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW)
        begin_scan();
    if (event->len && !(event->mask & IN_ISDIR) && is_meant(event->name) && !is_here(event->name))
        add(box->count, event->name);
}

static bool hear_more(void)
{
    size_t before = box->told_at;
    while (!box->scans && box->count < FILES && box->told_at < box->told_bytes) {
        const struct inotify_event *event = (const void *)(box->told + box->told_at);
        box->told_at += sizeof *event + event->len;
        hear(event);
    }
    return box->told_at != before;
}

/* Of a directory that is open, no event says that it was removed. */
static void look(void)
{
    struct stat about;
    uint64_t now_ms = th_clock_ms();
    if (now_ms < box->look_ms)
        return;
    box->look_ms = now_ms + AGAIN_MS;
    if (fstat(box->dir, &about) == 0 && about.st_nlink)
        return;
    box->look_ms = TH_NEVER;
    th_cli_warn("%s is gone: no files are taken any more; make it again, and restart the agent",
                box->path);
}

/* ---- one file -------------------------------------------------------------------------------- */

/* NAME.refused, or where that is another one's, NAME.2.refused and so on. */
static bool set_aside(const char *name)
{
    long result = -1;
    errno = EEXIST;
    for (unsigned i = 1; result < 0 && errno == EEXIST && i <= REFUSED; i++) {
        th_format(box->refused, sizeof box->refused, i > 1 ? "%s.%u.refused" : "%s.refused", name,
                  i);
        result = syscall(SYS_renameat2, box->dir, name, box->dir, box->refused, NOREPLACE);
    }
    return result == 0;
}

/* What cannot be taken stays, under a name that is not tried again. */
static void refuse(struct file *file)
{
    char shown[TH_CLI_SHOWN_BYTES];
    bool renamed = set_aside(file->name);
    th_cli_warn("%s was not taken%s: %s", th_cli_show(file->name, shown),
                renamed ? ", and is called .refused now" : "", box->fault.text);
    file->state = OVER;
}

static void refuse_because(struct file *file, const char *sentence)
{
    th_fault_set(&box->fault, TH_E_ARGUMENT, "%s", sentence);
    refuse(file);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* What has its name now, and is another one, or was written to since, is taken, too. */
static void drop(struct file *file)
{
    struct stat now;
    bool is_there = fstatat(box->dir, file->name, &now, AT_SYMLINK_NOFOLLOW) == 0;
    bool is_other = is_there && !is_same(&now, &file->about);
    if (is_there && !is_other)
        unlinkat(box->dir, file->name, 0);
    file->state = is_other ? TO_TAKE : OVER;
    file->due_ms = 0;
}

/* "files/${name}" */
static struct th_slice topic_of(const struct file *file)
{
    const char *place = strstr(box->template, "${name}");
    int before = place ? (int)(place - box->template) : (int)strlen(box->template);
    int bytes = th_format(box->topic, sizeof box->topic, "%.*s%s%s", before, box->template,
                          place ? file->name : "", place ? place + strlen("${name}") : "");
    return th_slice_of(box->topic, (size_t)bytes < sizeof box->topic ? (size_t)bytes : 0);
}

/* Whoever finds it once more, after a crash, knows that it was taken. */
static struct th_slice id_of(const struct file *file)
{
    const struct stat *about = &file->about;
    uint32_t crc = th_spool_crc(0, file->name, strlen(file->name));
    int bytes = th_format(box->id, sizeof box->id, "drop %x %llx %llx.%x %llx", crc,
                          (unsigned long long)about->st_ino,
                          (unsigned long long)about->st_mtim.tv_sec,
                          (unsigned)about->st_mtim.tv_nsec, (unsigned long long)about->st_size);
    return th_slice_of(box->id, (size_t)bytes);
}

static void put(struct file *file, const struct th_spool_message *message)
{
    int rc = th_agent_queue_put(message, &file->seq, &box->fault);
    if (rc == TH_SPOOL_APPENDED || rc == TH_SPOOL_KNOWN)
        file->state = WAITING;
    else if (rc == TH_SPOOL_DROPPED)
        drop(file);
    else if (rc == TH_E_SEND_FULL || rc == TH_E_FILE)
        file->due_ms = th_clock_ms() + AGAIN_MS;
    else
        refuse(file);
}

static void take_open(struct file *file, int fd)
{
    struct th_spool_message message = {.topic = topic_of(file), .id = id_of(file), .qos = 1};
    size_t bytes = (size_t)file->about.st_size;
    message.payload = th_slice_of(box->content, bytes);
    if (S_ISDIR(file->about.st_mode))
        file->state = OVER;
    else if (!S_ISREG(file->about.st_mode))
        refuse_because(file, "it is no file");
    else if (file->about.st_size > (off_t)sizeof box->content)
        refuse_because(file, "it has more than 16384 bytes");
    else if (th_file_read(fd, box->content, bytes) == (ssize_t)bytes)
        put(file, &message);
    else
        file->state = OVER; /* it is being written: when it is closed it comes again */
}

static void take(struct file *file)
{
    int fd = openat(box->dir, file->name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    th_fault_clear(&box->fault);
    file->state = OVER;
    if (fd >= 0 && fstat(fd, &file->about) == 0) {
        file->state = TO_TAKE;
        take_open(file, fd);
    } else if (errno != ENOENT) {
        th_fault_set_errno(&box->fault, TH_E_FILE, "it cannot be read");
        refuse(file);
    }
    th_file_close(&fd);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool settle(struct file *file)
{
    int fate = file->state == WAITING ? th_agent_queue_fate(file->seq) : 0;
    if (fate > 0)
        drop(file);
    if (fate < 0) {
        file->state = TO_TAKE;
        file->due_ms = th_clock_ms() + AGAIN_MS;
    }
    return fate != 0;
}

/* In their order: one that has to wait holds up those behind it. */
static bool take_all(void)
{
    bool any = false;
    for (unsigned i = 0; i < box->count; i++) {
        struct file *file = &box->files[i];
        any |= settle(file);
        if (file->state != TO_TAKE)
            continue;
        if (file->due_ms > th_clock_ms())
            break;
        take(file);
        any = true;
    }
    return any;
}

static void forget_first(void)
{
    unsigned over = 0;
    while (over < box->count && box->files[over].state == OVER)
        over++;
    box->count -= over;
    memmove(box->files, box->files + over, box->count * sizeof *box->files);
}

static bool turn(void)
{
    if (!box->path)
        return false;
    look();
    bool any = scan();
    any |= hear_more();
    any |= take_all();
    forget_first();
    return any;
}

static uint64_t until_ms(void)
{
    for (unsigned i = 0; i < box->count; i++)
        if (box->files[i].state == TO_TAKE)
            return box->files[i].due_ms;
    return TH_NEVER;
}

static nfds_t await(struct pollfd *fds, nfds_t room)
{
    bool heard = box->told_at == box->told_bytes;
    if (!box->path || room < 1)
        return 0;
    *fds = (struct pollfd){.fd = heard ? box->watch : -1, .events = POLLIN};
    return 1;
}

static void ready(const struct pollfd *fds, nfds_t count)
{
    (void)count;
    ssize_t got = fds->revents ? read(box->watch, box->told, sizeof box->told) : -1;
    if (got < 0)
        return;
    box->told_bytes = (size_t)got;
    box->told_at = 0;
}

static void renew(const struct th_cli_settings *s)
{
    if (s->drop_topic)
        th_format(box->template, sizeof box->template, "%s", s->drop_topic);
}

static int open_drop(const struct th_cli_settings *s)
{
    char shown[TH_CLI_SHOWN_BYTES];
    if (!s->drop)
        return 0;
    box->path = s->drop;
    renew(s);
    th_fault_clear(&box->fault);
    box->dir = open(box->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    box->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    begin_scan();
    if (box->dir >= 0 &&
        inotify_add_watch(box->watch, box->path, IN_MOVED_TO | IN_CLOSE_WRITE) >= 0)
        return 0;
    th_fault_set_errno(&box->fault, TH_E_FILE, "cannot watch %s", th_cli_show(box->path, shown));
    return th_cli_say_fault(&box->fault);
}

static void close_drop(void)
{
    if (!box->path)
        return;
    close(box->dir);
    close(box->watch);
}

const struct th_agent_part th_agent_drop = {
    .open = open_drop,
    .turn = turn,
    .await = await,
    .ready = ready,
    .until_ms = until_ms,
    .renew = renew,
    .close = close_drop,
};

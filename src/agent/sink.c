#include "agent/sink.h"

#include "base/file.h"
#include "base/format.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "cli/out.h"
#include "cli/print.h"
#include "net/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES 1024
#define PATIENCE_MS 100
#define KB 1024

static TH_ROOMY struct {
    bool has_page;
    char name[NAME_BYTES];
    uint8_t buffer[TH_SINK_DATAGRAM_BYTES];
} sink;

/* Of a file, all up to its place. */
struct content {
    int fd;
    off_t bytes;
};

static struct content content_of(int fd)
{
    return (struct content){fd, lseek(fd, 0, SEEK_CUR)};
}

/* How much of it lies in the buffer now. */
static size_t load(struct content from, off_t at)
{
    ssize_t got = pread(from.fd, sink.buffer, sizeof sink.buffer, at);
    off_t rest = from.bytes - at;
    return got < 0 ? 0 : got < rest ? (size_t)got : (size_t)rest;
}

/* ---- the message as it is printed ------------------------------------------------------------ */

/* Standard output, which nobody reads. */
static bool open_page(void)
{
    int fd = sink.has_page ? -1 : memfd_create("thimble", MFD_CLOEXEC);
    if (fd >= 0) {
        sink.has_page = dup2(fd, STDOUT_FILENO) == STDOUT_FILENO;
        close(fd);
    }
    th_cli_out_guard(false);
    th_cli_out_renew();
    return sink.has_page && lseek(STDOUT_FILENO, 0, SEEK_SET) == 0;
}

static void print(const struct th_sink_message *message)
{
    struct content payload = content_of(message->payload);
    struct th_delivery piece = {
        .topic = th_slice_text(message->topic), .total_bytes = (size_t)payload.bytes,
        .qos = (uint8_t)message->about, .retain = message->about >> 8 & 1,
        .packet_id = (uint16_t)(message->about >> 16)};
    do {
        piece.payload = th_slice_of(sink.buffer, load(payload, (off_t)piece.offset_bytes));
        th_cli_print(&piece);
        piece.offset_bytes += piece.payload.len_bytes;
    } while (piece.payload.len_bytes && piece.offset_bytes < piece.total_bytes);
    th_cli_out_flush();
}

/* ---- files ----------------------------------------------------------------------------------- */

/* PATH.1; NULL and errno. */
static const char *beside(const char *path, const char *end)
{
    errno = ENAMETOOLONG;
    return th_format(sink.name, NAME_BYTES, "%s%s", path, end) < NAME_BYTES ? sink.name : NULL;
}

/* A regular file: a descriptor, or -1 and errno. */
static int open_file(const char *path, int flags, off_t *bytes)
{
    const int always = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    struct stat about;
    int fd = path ? th_file_open(path, always | flags, 0644) : -1;
    if (fd < 0 || (fstat(fd, &about) == 0 && S_ISREG(about.st_mode))) {
        *bytes = fd < 0 ? 0 : about.st_size;
        return fd;
    }
    close(fd);
    errno = EINVAL;
    return -1;
}

/* A write that is cut short says why when it is asked again. */
static bool write_all(int fd, const uint8_t *data, size_t bytes)
{
    ssize_t put = 0;
    for (; bytes && (put = write(fd, data, bytes)) > 0; bytes -= (size_t)put)
        data += put;
    return !bytes;
}

static bool copy(struct content from, int to)
{
    size_t bytes = 0;
    for (off_t at = 0; at < from.bytes; at += (off_t)bytes) {
        bytes = load(from, at);
        if (!bytes || !write_all(to, sink.buffer, bytes))
            return false;
    }
    return true;
}

/* Begins anew where it would become too large; one file before it is kept. */
static int open_end(const struct th_cli_handler *handler, off_t more, off_t *bytes)
{
    const char *path = *handler->run;
    int fd = open_file(path, O_APPEND, bytes);
    if (fd < 0 || *bytes + more <= (off_t)handler->max_kb * KB)
        return fd;
    close(fd);
    const char *before = beside(path, ".1");
    return before && rename(path, before) == 0 ? open_file(path, O_APPEND, bytes) : -1;
}

static bool append(const struct th_cli_handler *handler, struct content page)
{
    off_t before;
    int fd = open_end(handler, page.bytes, &before);
    if (fd < 0)
        return false;
    bool good = copy(page, fd), whole = good || ftruncate(fd, before) == 0;
    return close(fd) == 0 && whole && good;
}

/* After a power cut it is the one before or this one. */
static bool replace(const struct th_cli_handler *handler, struct content payload)
{
    const char *next = beside(*handler->run, ".tmp");
    off_t before;
    int fd = open_file(next, O_TRUNC, &before);
    if (fd < 0)
        return false;
    bool good = copy(payload, fd) && th_file_sync(fd) == 0;
    good = close(fd) == 0 && good && rename(next, *handler->run) == 0;
    if (!good)
        unlink(next);
    return good;
}

/* ---- sockets --------------------------------------------------------------------------------- */

/* Who reads has a moment, but not again and again. */
static bool send_all(int fd, size_t bytes, bool at_once)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    if (write(fd, sink.buffer, bytes) >= 0)
        return true;
    return errno == EAGAIN && !at_once && poll(&room, 1, PATIENCE_MS) > 0 &&
           write(fd, sink.buffer, bytes) >= 0;
}

static bool hand_over(const struct th_sink_message *message, struct content page)
{
    int fd = th_net_unix_datagram(*message->handler->run);
    if (fd < 0)
        return false;
    bool good = send_all(fd, load(page, 0), message->in_vain);
    return close(fd) == 0 && good;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool put_page(const struct th_sink_message *message)
{
    const struct th_cli_handler *handler = message->handler;
    bool is_file = handler->way == TH_CLI_APPEND;
    struct content page = content_of(STDOUT_FILENO);
    errno = th_cli_out_error();
    if (errno || !page.bytes)
        return !errno;
    errno = EFBIG;
    return page.bytes <= (is_file ? (off_t)handler->max_kb * KB : TH_SINK_DATAGRAM_BYTES) &&
           (is_file ? append(handler, page) : hand_over(message, page));
}

static bool print_and_put(const struct th_sink_message *message)
{
    if (!open_page())
        return false;
    print(message);
    bool good = put_page(message);
    return ftruncate(STDOUT_FILENO, 0) == 0 && good;
}

int th_agent_sink_put(const struct th_sink_message *message)
{
    const struct th_cli_handler *handler = message->handler;
    bool good = handler->way == TH_CLI_REPLACE ? replace(handler, content_of(message->payload))
                                               : print_and_put(message);
    int error = errno == EAGAIN ? ENOBUFS : errno;
    return good ? 0 : error ? error : EIO;
}

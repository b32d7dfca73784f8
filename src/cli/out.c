#include "cli/out.h"

#include "base/file.h"
#include "base/format.h"
#include "base/roomy.h"
#include "cli/guard.h"
#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* A pipe that is ready for writing takes PIPE_BUF bytes without blocking: no more at a time. */
#define OUT_BYTES 4096

#define LINE_BYTES 512

/* So much packed text fits into a line, whatever it becomes: base/format.h. */
#define PACKED_BYTES ((LINE_BYTES - 1) / TH_UNPACKED_MAX)

static TH_ROOMY struct sink {
    size_t used;
    int error;
    uint8_t bytes[OUT_BYTES];
} out, events;

static int events_fd;

static int fd_of(const struct sink *sink)
{
    return sink == &out ? STDOUT_FILENO : events_fd;
}

static size_t write_some(struct sink *sink, size_t from)
{
    if (!th_cli_signals_await_writable(fd_of(sink))) {
        sink->error = EINTR;
        return 0;
    }
    ssize_t written = write(fd_of(sink), sink->bytes + from, sink->used - from);
    if (written < 0 && errno != EINTR && errno != EAGAIN)
        sink->error = errno;
    return written > 0 ? (size_t)written : 0;
}

static void flush(struct sink *sink)
{
    size_t from = 0;
    while (from < sink->used && !sink->error)
        from += write_some(sink, from);
    if (sink->used) /* or a page would be touched for nothing */
        sink->used = 0;
}

static void put(struct sink *sink, const uint8_t *at, size_t bytes)
{
    while (bytes > 0 && !sink->error) {
        size_t room = OUT_BYTES - sink->used;
        size_t part = bytes < room ? bytes : room;
        memcpy(sink->bytes + sink->used, at, part);
        sink->used += part;
        at += part;
        bytes -= part;
        if (sink->used == OUT_BYTES)
            flush(sink);
    }
}

void th_cli_out_flush(void)
{
    flush(&out);
}

void th_cli_out(const void *data, size_t bytes)
{
    put(&out, data, bytes);
}

void th_cli_out_text(const char *text)
{
    for (const char *end = text + strlen(text); text < end; text += PACKED_BYTES)
        th_cli_out_format("%.*s", PACKED_BYTES, text);
}

void th_cli_out_format(const char *format, ...)
{
    char text[LINE_BYTES];
    va_list args;
    va_start(args, format);
    th_format_list(text, sizeof text, format, args);
    va_end(args);
    th_cli_out(text, strlen(text));
}

void th_cli_out_renew(void)
{
    out.used = 0;
    out.error = 0;
}

int th_cli_out_error(void)
{
    return out.error;
}

/* ---- what a broker sent --------------------------------------------------------------------- */

static struct th_cli_guard guard = {.write = th_cli_out};
static bool is_guarded;

void th_cli_out_guard(bool one_line)
{
    is_guarded = isatty(STDOUT_FILENO);
    guard.one_line = one_line;
}

void th_cli_out_foreign(const void *data, size_t bytes)
{
    if (is_guarded)
        th_cli_guard_pass(&guard, data, bytes);
    else
        th_cli_out(data, bytes);
}

void th_cli_out_foreign_end(void)
{
    th_cli_guard_end(&guard);
}

/* ---- events --------------------------------------------------------------------------------- */

static void put_event(const void *data, size_t bytes)
{
    put(&events, data, bytes);
}

static struct th_cli_guard events_guard = {.write = put_event};
static bool are_events_guarded;

bool th_cli_out_events_open(const char *path)
{
    events_fd = th_file_open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY, 0666);
    if (events_fd < 0)
        return false;
    are_events_guarded = isatty(events_fd);
    return true;
}

void th_cli_out_event(const void *data, size_t bytes)
{
    if (are_events_guarded)
        th_cli_guard_pass(&events_guard, data, bytes);
    else
        put_event(data, bytes);
}

int th_cli_out_event_end(void)
{
    flush(&events);
    return events.error;
}

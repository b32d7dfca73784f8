#include "cli/out.h"

#include "base/format.h"

#include "cli/signals.h"
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* A pipe that is ready for writing takes PIPE_BUF bytes without blocking: no more at a time. */
#define OUT_BYTES 4096

static struct {
    uint8_t bytes[OUT_BYTES];
    size_t used;
    int error;
} out;

static size_t write_some(size_t from)
{
    if (!th_cli_signals_await_writable(STDOUT_FILENO)) {
        out.error = EINTR;
        return 0;
    }
    ssize_t written = write(STDOUT_FILENO, out.bytes + from, out.used - from);
    if (written < 0 && errno != EINTR && errno != EAGAIN)
        out.error = errno;
    return written > 0 ? (size_t)written : 0;
}

void th_cli_out_flush(void)
{
    size_t from = 0;
    while (from < out.used && !out.error)
        from += write_some(from);
    out.used = 0;
}

void th_cli_out(const void *data, size_t bytes)
{
    const uint8_t *at = data;
    while (bytes > 0 && !out.error) {
        size_t room = OUT_BYTES - out.used;
        size_t part = bytes < room ? bytes : room;
        memcpy(out.bytes + out.used, at, part);
        out.used += part;
        at += part;
        bytes -= part;
        if (out.used == OUT_BYTES)
            th_cli_out_flush();
    }
}

void th_cli_out_text(const char *text)
{
    th_cli_out(text, strlen(text));
}

void th_cli_out_format(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    th_format_list(text, sizeof text, format, args);
    va_end(args);
    th_cli_out_text(text);
}

int th_cli_out_error(void)
{
    return out.error;
}

#include "cli/lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void th_cli_lines_open(struct th_cli_lines *lines, void *buffer, size_t size_bytes)
{
    *lines = (struct th_cli_lines){.buffer = buffer, .size_bytes = size_bytes, .number = 1};
}

static void move_to_front(struct th_cli_lines *lines)
{
    memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
    lines->end -= lines->start;
    lines->scanned -= lines->start;
    lines->start = 0;
}

int th_cli_lines_read(struct th_cli_lines *lines, int fd)
{
    move_to_front(lines);
    size_t room = lines->size_bytes - lines->end;
    if (room == 0)
        return TH_E_TOO_LARGE;
    if (room > TH_CLI_LINES_READ_BYTES)
        room = TH_CLI_LINES_READ_BYTES;
    ssize_t got = read(fd, lines->buffer + lines->end, room);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : TH_E_SYSTEM;
    lines->end += (size_t)got;
    lines->ended = got == 0;
    return 0;
}

bool th_cli_lines_next(struct th_cli_lines *lines, struct th_slice *line)
{
    const uint8_t *newline = lines->scanned == lines->end
                                 ? NULL
                                 : memchr(lines->buffer + lines->scanned, '\n',
                                          lines->end - lines->scanned);
    lines->scanned = newline ? (size_t)(newline - lines->buffer) : lines->end;
    line->data = lines->buffer + lines->start;
    line->len_bytes = lines->scanned - lines->start;
    return newline || (lines->ended && line->len_bytes > 0);
}

void th_cli_lines_drop(struct th_cli_lines *lines, struct th_slice line)
{
    lines->start += line.len_bytes;
    if (lines->start < lines->end)
        lines->start++;
    lines->scanned = lines->start;
    lines->number++;
}

size_t th_cli_lines_partial_bytes(const struct th_cli_lines *lines)
{
    return lines->end - lines->start;
}

/* Standard input as lines, within one buffer that never grows. */
#ifndef TH_CLI_LINES_H
#define TH_CLI_LINES_H

#include <stdbool.h>
#include <thimble.h>

/* Read at a time: what is taken from the pipe but not yet sent stays this small. */
#define TH_CLI_LINES_READ_BYTES 4096

struct th_cli_lines {
    uint8_t *buffer;     /* the caller's */
    size_t size_bytes;
    size_t start, end;   /* of what is read and not yet dropped */
    size_t scanned;      /* no newline stands before it */
    uint64_t number;     /* of the line that begins at `start`; the first is 1 */
    bool ended;          /* of the input */
};

void th_cli_lines_open(struct th_cli_lines *lines, void *buffer, size_t size_bytes);

/* One read(2) from `fd`. 0; TH_E_TOO_LARGE when the line does not fit the buffer; TH_E_SYSTEM with
 * errno. EINTR and EAGAIN are no errors. */
int th_cli_lines_read(struct th_cli_lines *lines, int fd);

/* The next line, without its newline; NUL bytes are bytes. What stands behind the last newline is
 * a line too, once the input has ended. False: none that is complete. */
bool th_cli_lines_next(struct th_cli_lines *lines, struct th_slice *line);

/* Forgets the line th_cli_lines_next() gave. */
void th_cli_lines_drop(struct th_cli_lines *lines, struct th_slice line);

/* Bytes of the line that is still incomplete. */
size_t th_cli_lines_partial_bytes(const struct th_cli_lines *lines);

#endif

/* What is published: bytes in memory, or a file that is read while it is sent. */
#ifndef TH_CLI_PAYLOAD_H
#define TH_CLI_PAYLOAD_H

#include "cli/settings.h"
#include <thimble.h>

/* The largest remaining length, which counts topic and properties too (5.0 section 1.5.5). */
#define TH_CLI_PAYLOAD_MAX_BYTES 268435455

struct th_cli_payload {
    struct th_slice bytes; /* in memory */
    bool streamed;         /* instead: what begins at start_bytes of a file */
    const char *path;      /* its name; NULL: standard input */
    int fd;
    int64_t start_bytes;
    uint32_t total_bytes;  /* in any case */
};

/* What is read goes here: the outbox takes no more than this at once anyway. */
extern uint8_t th_cli_payload_buffer[TH_OUTBOX_BYTES];

/* What -m, -n, -f and -s give. -m stays where it is; of a file or of standard input what fits goes
 * to the buffer. More than that is read while it is sent: from the file itself or, if that cannot
 * be read twice, from a copy (cli/spoolfile.h). Errors: FILE, TOO_LARGE; the file is named. */
int th_cli_payload_open(struct th_cli_payload *payload, const struct th_cli_settings *settings,
                        struct th_fault *fault);

/* th_publish() with this payload: through the outbox or, if it is too large for that, read while it
 * is sent. It must live until the message is acknowledged. A file that fails before that is named,
 * and the connection ends. */
int th_cli_payload_publish(struct th_cli_payload *payload, struct th_message message);

/* Says that the broker refused the message of this TH_EVENT_PUBLISHED. Returns the exit status. */
int th_cli_payload_say_refused(const struct th_event *event);

void th_cli_payload_close(struct th_cli_payload *payload);

/* A whole small file. Errors: FILE (cannot be read), TOO_LARGE (fills `buffer`). */
int th_cli_payload_load(const char *path, uint8_t *buffer, size_t buffer_bytes,
                        struct th_slice *text, struct th_fault *fault);

#endif

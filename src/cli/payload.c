#include "cli/payload.h"

#include "base/err.h"
#include "base/file.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/properties.h"
#include "cli/show.h"
#include "cli/spoolfile.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

TH_ROOMY uint8_t th_cli_payload_buffer[TH_OUTBOX_BYTES];

static const char *show(const char *path, char shown[TH_CLI_SHOWN_BYTES])
{
    return path ? th_cli_show(path, shown) : "standard input";
}

static int cannot(struct th_fault *fault, const char *verb, const char *path)
{
    char shown[TH_CLI_SHOWN_BYTES];
    return th_fault_set_errno(fault, TH_E_FILE, "cannot %s %s", verb, show(path, shown));
}

/* ---- reading ---- */

static int open_file(const char *path)
{
    return path ? th_file_open(path, O_RDONLY | O_NOCTTY, 0) : STDIN_FILENO;
}

static void close_file(int fd)
{
    if (fd > STDIN_FILENO)
        close(fd);
}

/* ---- small files ---- */

/* 0, an error, or 1 if the buffer is full: there may be more. */
static int load(int fd, const char *path, uint8_t *buffer, size_t buffer_bytes,
                struct th_slice *text, struct th_fault *fault)
{
    ssize_t bytes = th_file_read(fd, buffer, buffer_bytes);
    if (bytes < 0)
        return cannot(fault, "read", path);
    *text = th_slice_of(buffer, (size_t)bytes);
    return text->len_bytes == buffer_bytes;
}

int th_cli_payload_load(const char *path, uint8_t *buffer, size_t buffer_bytes,
                        struct th_slice *text, struct th_fault *fault)
{
    char shown[TH_CLI_SHOWN_BYTES];
    int fd = open_file(path);
    if (fd < 0)
        return cannot(fault, "open", path);
    int rc = load(fd, path, buffer, buffer_bytes, text, fault);
    close_file(fd);
    if (rc <= 0)
        return rc;
    return th_fault_set(fault, TH_E_TOO_LARGE, "%s has %zu bytes or more", show(path, shown),
                        buffer_bytes);
}

/* ---- large ones ---- */

/* Where the file began before its first bytes were read, and its length from there. False: it has
 * none, or says so and has more. */
static bool has_length(struct th_cli_payload *payload, int fd, int64_t *bytes)
{
    struct stat status;
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (at < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || at > status.st_size)
        return false;
    payload->start_bytes = at - (off_t)payload->bytes.len_bytes;
    *bytes = status.st_size - payload->start_bytes;
    return true;
}

static int no_place(const struct th_cli_payload *payload, struct th_fault *fault)
{
    char shown[TH_CLI_SHOWN_BYTES];
    return th_fault_set_errno(fault, TH_E_FILE, "%s has no length and is too large for memory, and "
                              "there is no place for a copy in $TMPDIR, /tmp or /var/tmp; save it, "
                              "and give the file with -f", show(payload->path, shown));
}

/* Copies what was read, and the rest, to a file without a name. */
static int copy(struct th_cli_payload *payload, int from, int64_t *total_bytes,
                struct th_fault *fault)
{
    uint8_t *buffer = th_cli_payload_buffer;
    ssize_t got = (ssize_t)payload->bytes.len_bytes;
    payload->fd = th_cli_spoolfile_open();
    if (payload->fd < 0)
        return no_place(payload, fault);
    for (*total_bytes = 0; got > 0 && *total_bytes <= TH_CLI_PAYLOAD_MAX_BYTES;) {
        if (!th_cli_spoolfile_write(payload->fd, buffer, (size_t)got))
            return no_place(payload, fault);
        *total_bytes += got;
        got = th_file_read(from, buffer, sizeof th_cli_payload_buffer);
    }
    return got < 0 ? cannot(fault, "read", payload->path) : 0;
}

static int check_size(const struct th_cli_payload *payload, int64_t bytes, struct th_fault *fault)
{
    char shown[TH_CLI_SHOWN_BYTES];
    if (bytes <= TH_CLI_PAYLOAD_MAX_BYTES)
        return 0;
    return th_fault_set(fault, TH_E_TOO_LARGE, "%s has %lld bytes or more; a message of MQTT has "
                        "at most %d, with its topic", show(payload->path, shown), (long long)bytes,
                        TH_CLI_PAYLOAD_MAX_BYTES);
}

static int open_large(struct th_cli_payload *payload, int fd, struct th_fault *fault)
{
    int64_t bytes = 0;
    int rc = 0;
    if (has_length(payload, fd, &bytes)) {
        payload->fd = fd;
    } else {
        rc = copy(payload, fd, &bytes, fault);
        close_file(fd);
    }
    if (rc < 0)
        return rc;
    payload->streamed = true;
    payload->total_bytes = (uint32_t)bytes;
    return check_size(payload, bytes, fault);
}

static int open_input(struct th_cli_payload *payload, struct th_fault *fault)
{
    int fd = open_file(payload->path);
    if (fd < 0)
        return cannot(fault, "open", payload->path);
    int rc = load(fd, payload->path, th_cli_payload_buffer, sizeof th_cli_payload_buffer,
                  &payload->bytes, fault);
    if (rc > 0)
        return open_large(payload, fd, fault);
    close_file(fd);
    return rc;
}

int th_cli_payload_open(struct th_cli_payload *payload, const struct th_cli_settings *settings,
                        struct th_fault *fault)
{
    *payload = (struct th_cli_payload){.path = settings->file, .fd = -1};
    payload->bytes = th_slice_text(settings->message);
    int rc = 0;
    if (settings->file || settings->whole_input)
        rc = open_input(payload, fault);
    if (!payload->streamed)
        payload->total_bytes = (uint32_t)payload->bytes.len_bytes;
    if (rc == 0 && settings->whole_input && payload->total_bytes == 0)
        return th_fault_set(fault, TH_E_FILE, "standard input is empty; -n publishes an empty "
                            "message");
    return rc;
}

void th_cli_payload_close(struct th_cli_payload *payload)
{
    close_file(payload->fd);
    payload->fd = -1;
}

/* ---- publishing ---- */

static int say_lost(const struct th_cli_payload *payload, ssize_t got)
{
    char shown[TH_CLI_SHOWN_BYTES];
    struct th_fault fault = {0};
    if (got < 0)
        cannot(&fault, "read", payload->path);
    else
        th_fault_set(&fault, TH_E_FILE, "%s has become shorter while it was sent; the message is "
                     "lost", show(payload->path, shown));
    fault.sys_errno = EIO; /* it cannot be read, and is not in a wrong format */
    th_cli_connection_end(th_cli_say_fault(&fault));
    return TH_E_FILE;
}

static int read_file(void *arg, uint64_t offset_bytes, uint8_t *out, size_t bytes)
{
    const struct th_cli_payload *payload = arg;
    ssize_t got;
    do
        got = pread(payload->fd, out, bytes, payload->start_bytes + (off_t)offset_bytes);
    while (got < 0 && errno == EINTR);
    return got > 0 ? (int)got : say_lost(payload, got);
}

static int read_memory(void *arg, uint64_t offset_bytes, uint8_t *out, size_t bytes)
{
    const struct th_cli_payload *payload = arg;
    size_t left = payload->total_bytes - (size_t)offset_bytes;
    size_t part = bytes < left ? bytes : left;
    memcpy(out, payload->bytes.data + offset_bytes, part);
    return (int)part;
}

int th_cli_payload_publish(struct th_cli_payload *payload, struct th_message message)
{
    struct th_client *client = th_cli_connection_client();
    message.payload = payload->bytes;
    int rc = payload->streamed ? TH_E_TOO_LARGE : th_publish(client, &message);
    if (rc != TH_E_TOO_LARGE)
        return rc;
    message.payload = th_slice_of(NULL, 0);
    message.source = (struct th_payload_source){
        .read = payload->streamed ? read_file : read_memory,
        .arg = payload,
        .total_bytes = payload->total_bytes,
    };
    return th_publish(client, &message);
}

int th_cli_payload_say_refused(const struct th_event *event)
{
    char reason[TH_CLI_SHOWN_BYTES];
    struct th_fault fault = {.reason = event->reason};
    if (event->reason == TH_REASON_UNREADABLE) /* say_lost() has said more */
        return th_cli_exit_of(event->fault);
    if (event->fault)
        return th_cli_say_fault(event->fault);
    th_fault_set(&fault, TH_E_REFUSED, "the broker refused message %u, reason code %u%s",
                 event->packet_id, event->reason,
                 th_cli_property_reason(event->properties, reason));
    return th_cli_say_fault(&fault);
}

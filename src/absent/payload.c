/* What is published lies in memory: a larger file is refused before anything is opened. */
#include "cli/payload.h"

#include "base/err.h"
#include "base/file.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/properties.h"
#include "cli/show.h"
#include <errno.h>
#include <fcntl.h>
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

static int load(int fd, const char *path, uint8_t *buffer, size_t buffer_bytes,
                struct th_slice *text, struct th_fault *fault)
{
    char shown[TH_CLI_SHOWN_BYTES];
    ssize_t bytes = th_file_read(fd, buffer, buffer_bytes);
    if (bytes < 0)
        return cannot(fault, "read", path);
    *text = th_slice_of(buffer, (size_t)bytes);
    if (text->len_bytes < buffer_bytes)
        return 0;
    return th_fault_set(fault, TH_E_TOO_LARGE, "%s has %zu bytes or more, too many for this build "
                        "(profile " TH_PROFILE_NAME ")", show(path, shown), buffer_bytes);
}

int th_cli_payload_load(const char *path, uint8_t *buffer, size_t buffer_bytes,
                        struct th_slice *text, struct th_fault *fault)
{
    int fd = path ? th_file_open(path, O_RDONLY | O_NOCTTY, 0) : STDIN_FILENO;
    if (fd < 0)
        return cannot(fault, "open", path);
    int rc = load(fd, path, buffer, buffer_bytes, text, fault);
    if (path)
        close(fd);
    return rc;
}

int th_cli_payload_open(struct th_cli_payload *payload, const struct th_cli_settings *settings,
                        struct th_fault *fault)
{
    *payload = (struct th_cli_payload){.path = settings->file, .fd = -1};
    payload->bytes = th_slice_text(settings->message);
    int rc = 0;
    if (settings->file || settings->whole_input)
        rc = th_cli_payload_load(settings->file, th_cli_payload_buffer,
                                 sizeof th_cli_payload_buffer, &payload->bytes, fault);
    payload->total_bytes = (uint32_t)payload->bytes.len_bytes;
    if (rc == 0 && settings->whole_input && payload->total_bytes == 0)
        return th_fault_set(fault, TH_E_FILE, "standard input is empty; -n publishes an empty "
                            "message");
    return rc;
}

void th_cli_payload_close(struct th_cli_payload *payload)
{
    (void)payload;
}

int th_cli_payload_publish(struct th_cli_payload *payload, struct th_message message)
{
    message.payload = payload->bytes;
    return th_publish(th_cli_connection_client(), &message);
}

int th_cli_payload_say_refused(const struct th_event *event)
{
    char reason[TH_CLI_SHOWN_BYTES];
    struct th_fault fault = {.reason = event->reason};
    if (event->fault)
        return th_cli_say_fault(event->fault);
    th_fault_set(&fault, TH_E_REFUSED, "the broker refused message %u, reason code %u%s",
                 event->packet_id, event->reason,
                 th_cli_property_reason(event->properties, reason));
    return th_cli_say_fault(&fault);
}

#include "cli/remove.h"

#include "base/roomy.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/properties.h"
#include "cli/say.h"

static int status;

/* Topics, each with its length before it. */
static TH_ROOMY struct {
    uint8_t bytes[65536];
} waiting;
static size_t used_bytes; /* apart from it: this is always touched */

void th_cli_remove_open(void)
{
    status = TH_CLI_OK;
    used_bytes = 0;
}

/* There may be thousands: the first one is told. */
static void say_not_removed(void)
{
    if (!status)
        status = th_cli_say_fault(th_request_fault(th_cli_connection_client()));
}

/* False: there is no room for it now. */
static bool remove_now(struct th_slice topic)
{
    const struct th_message empty = {.topic = topic, .qos = 1, .retain = true};
    int rc = th_publish(th_cli_connection_client(), &empty);
    if (rc < 0 && rc != TH_E_SEND_FULL)
        say_not_removed();
    return rc != TH_E_SEND_FULL;
}

static void keep_waiting(struct th_slice topic)
{
    uint16_t len_bytes = (uint16_t)topic.len_bytes;
    memcpy(waiting.bytes + used_bytes, &len_bytes, sizeof len_bytes);
    memcpy(waiting.bytes + used_bytes + sizeof len_bytes, topic.data, len_bytes);
    used_bytes += sizeof len_bytes + len_bytes;
}

void th_cli_remove(struct th_slice topic)
{
    if (remove_now(topic))
        return;
    if (topic.len_bytes + sizeof(uint16_t) > sizeof waiting.bytes - used_bytes)
        say_not_removed();
    else
        keep_waiting(topic);
}

bool th_cli_remove_next(void)
{
    uint16_t len_bytes;
    if (!used_bytes)
        return false;
    memcpy(&len_bytes, waiting.bytes, sizeof len_bytes);
    if (!remove_now(th_slice_of(waiting.bytes + sizeof len_bytes, len_bytes)))
        return false;
    used_bytes -= sizeof len_bytes + len_bytes;
    memmove(waiting.bytes, waiting.bytes + sizeof len_bytes + len_bytes, used_bytes);
    return true;
}

bool th_cli_remove_waits(void)
{
    return used_bytes > 0;
}

void th_cli_remove_published(const struct th_event *event)
{
    char why[TH_CLI_SHOWN_BYTES];
    if (event->reason < 0x80)
        return;
    status = th_cli_exit_of_reason(event->reason);
    th_cli_say_status(status, "the broker did not remove a retained message, reason code %u%s",
                      event->reason, th_cli_property_reason(event->properties, why));
}

int th_cli_remove_status(void)
{
    return status;
}

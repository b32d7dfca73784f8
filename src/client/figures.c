/* What a client adds to the report of its link. Apart from it, since a stream has a link, too. */
#include "client/client.h"

static struct th_report_pool client_pool(size_t size_bytes, size_t budget_bytes, size_t peak_bytes,
                                         size_t live_bytes)
{
    return (struct th_report_pool){(uint32_t)size_bytes, (uint32_t)budget_bytes,
                                   (uint32_t)peak_bytes, (uint32_t)live_bytes};
}

void th_report(const struct th_client *client, struct th_report *report)
{
    const struct th_window *window = &client->window;
    const struct th_outbox *outbox = &client->outbox;
    th_link_report(&client->link, report);
    report->static_bytes = (uint32_t)th_need_bytes();
    if (client->link.config.context)
        report->static_bytes += (uint32_t)th_context_need_bytes();
    report->pools[TH_REPORT_WINDOW] = client_pool(TH_PACKET_WINDOW_BYTES, window->size_bytes,
                                                  window->peak_bytes, window->end - window->begin);
    report->pools[TH_REPORT_OUTBOX] = client_pool(
        TH_OUTBOX_BYTES + TH_PIECE_BYTES, outbox->bytes + TH_PIECE_BYTES,
        outbox->peak_bytes + (outbox->piece.peak_bytes ? TH_PIECE_BYTES : 0),
        th_outbox_used_bytes(outbox));
    report->times.connack_us = th_clipped(client->link.clock.attempt_us[TH_PHASE_GREETING]);
    report->times.first_puback_us = th_clipped(client->puback.took_us);
}

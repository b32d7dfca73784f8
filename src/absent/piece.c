/* Every packet goes out as it lies in the outbox: no payload is read while it is sent, no alias
 * stands for a topic. */
#include "outbox/slots.h"

void th_outbox_lend_piece(struct th_outbox *outbox, void *memory, size_t bytes)
{
    (void)outbox, (void)memory, (void)bytes;
}

/* None of it is for aliases, but whoever gives pages back asks where it ends. */
void th_outbox_lend_aliases(struct th_outbox *outbox, void *memory, size_t bytes)
{
    outbox->aliases.memory = (uint8_t *)memory + bytes;
}

void th_outbox_attach(struct th_outbox *outbox, const struct th_payload_source *source)
{
    (void)outbox, (void)source;
}

size_t th_outbox_packet_bytes(const struct th_outbox *outbox, const struct th_outbox_slot *slot)
{
    (void)outbox;
    return slot->len_bytes;
}

void th_outbox_piece_fill(struct th_outbox *outbox)
{
    (void)outbox;
}

unsigned th_outbox_piece_sent(struct th_outbox *outbox, size_t bytes, uint64_t now_ms)
{
    (void)outbox, (void)bytes, (void)now_ms;
    return 0;
}

int th_outbox_error(const struct th_outbox *outbox)
{
    (void)outbox;
    return 0;
}

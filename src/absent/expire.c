/* No option gives a message an expiry interval. */
#include "outbox/outbox.h"

void th_outbox_let_expire(struct th_outbox *outbox)
{
    (void)outbox;
}

void th_outbox_expire(struct th_outbox *outbox, uint64_t now_ms)
{
    (void)outbox, (void)now_ms;
}

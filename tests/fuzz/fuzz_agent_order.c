/* What agent and runner read of each other: any bytes. What is taken lies within the packet, and
 * names a job there is. */
#include "agent/order.h"

#include <stdlib.h>

static void within(struct th_slice part, const uint8_t *data, size_t size)
{
    if (part.len_bytes && (part.data < data || part.data + part.len_bytes > data + size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct th_slice packet = {data, size};
    struct th_order order;
    struct th_result result;
    if (th_order_read(&order, packet)) {
        within(order.rest, data, size);
        if (order.job >= TH_ORDER_JOBS || order.kind > TH_ORDER_REREAD ||
            (order.kind >= TH_ORDER_RUN && order.rest.len_bytes != sizeof(uint32_t)) ||
            (order.kind == TH_ORDER_BEGIN && order.rest.len_bytes >= TH_ORDER_TOPIC_BYTES))
            abort();
    }
    if (th_result_read(&result, packet)) {
        within(result.error, data, size);
        within(result.output, data, size);
        if (result.job >= TH_ORDER_JOBS || result.how > TH_RESULT_KEPT ||
            (result.how == TH_RESULT_LOST && result.output.len_bytes != sizeof(struct th_lost)))
            abort();
    }
    return 0;
}

#include "agent/order.h"

#include "base/slice.h"
#include <thimble/topic.h>

static bool is_topic(struct th_slice topic)
{
    return topic.len_bytes < TH_ORDER_TOPIC_BYTES && th_mqtt_topic_name_valid(topic);
}

bool th_order_read(struct th_order *order, struct th_slice packet)
{
    if (packet.len_bytes < 3)
        return false;
    *order = (struct th_order){packet.data[0], packet.data[1], packet.data[2],
                               th_slice_after(packet, 3)};
    return order->kind <= TH_ORDER_REREAD && order->job < TH_ORDER_JOBS &&
           order->rest.len_bytes <= TH_ORDER_PIECE_BYTES &&
           (order->kind != TH_ORDER_BEGIN || is_topic(order->rest)) &&
           (order->kind < TH_ORDER_RUN || order->rest.len_bytes == sizeof(uint32_t));
}

bool th_result_read(struct th_result *result, struct th_slice packet)
{
    if (packet.len_bytes < TH_RESULT_HEAD_BYTES ||
        packet.len_bytes - TH_RESULT_HEAD_BYTES < packet.data[3])
        return false;
    struct th_slice rest = th_slice_after(packet, TH_RESULT_HEAD_BYTES);
    *result = (struct th_result){
        packet.data[0], packet.data[1], packet.data[2], th_slice_of(rest.data, packet.data[3]),
        th_slice_after(rest, packet.data[3])};
    return result->job < TH_ORDER_JOBS && result->how <= TH_RESULT_KEPT &&
           (result->how != TH_RESULT_LOST || result->output.len_bytes == sizeof(struct th_lost)) &&
           result->error.len_bytes <= TH_RESULT_ERROR_BYTES &&
           result->output.len_bytes <= TH_RESULT_OUTPUT_BYTES;
}

#include "session/outcome.h"

int th_session_breaks(struct th_session_outcome *out, uint8_t reason, const char *problem)
{
    out->reason = reason;
    out->problem = problem;
    return TH_E_PROTOCOL;
}

int th_session_says_no(struct th_session_outcome *out, const struct th_mqtt_packet *packet,
                       int error, const char *problem)
{
    out->reason = packet->reason;
    out->problem = problem;
    out->event.properties = packet->properties;
    return error;
}

int th_session_tell(struct th_session_outcome *out, const struct th_mqtt_packet *packet,
                    enum th_event_kind kind)
{
    out->kind = TH_SESSION_EVENT;
    out->event.kind = kind;
    out->event.packet_id = packet->packet_id;
    out->event.reason = packet->reason;
    out->event.session_present = packet->session_present;
    out->event.codes = packet->codes;
    out->event.properties = packet->properties;
    return 0;
}

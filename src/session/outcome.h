/* What a packet of the broker's comes to. Each function fills *out and returns what
 * th_session_receive() is to return. Used inside the room only. */
#ifndef TH_SESSION_OUTCOME_H
#define TH_SESSION_OUTCOME_H

#include "session/session.h"

/* The broker broke a rule: `reason` is what we tell it. TH_E_PROTOCOL. */
int th_session_breaks(struct th_session_outcome *out, uint8_t reason, const char *problem);

/* The broker said no, with the packet's reason and properties. Returns `error`. */
int th_session_says_no(struct th_session_outcome *out, const struct th_mqtt_packet *packet,
                       int error, const char *problem);

/* The application is to hear of it. 0. */
int th_session_tell(struct th_session_outcome *out, const struct th_mqtt_packet *packet,
                    enum th_event_kind kind);

/* admit.c: CONNACK and AUTH. */
int th_session_take_connack(struct th_session *session, const struct th_mqtt_packet *packet,
                            struct th_session_outcome *out);
int th_session_take_auth(struct th_session *session, const struct th_mqtt_packet *packet,
                         struct th_session_outcome *out);

#endif

/* What the files of this room ask each other. */
#ifndef TH_SESSION_RULES_H
#define TH_SESSION_RULES_H

#include "session/session.h"

bool th_session_is_5(const struct th_config *config);
enum th_mqtt_version th_session_version(const struct th_config *config); /* 0 is 3.1.1 */

/* Whether the password is proved by SCRAM, not sent. */
bool th_session_proves(const struct th_config *config);

/* Whether CONNECT names an authentication method (5.0 section 4.12). */
bool th_session_authenticates(const struct th_config *config);

/* QoS 1 and 2 that may be in flight: the broker's Receive Maximum or ours, whichever is less. */
uint16_t th_session_send_maximum(const struct th_session *session);

/* Topic aliases we may use: likewise. */
uint16_t th_session_send_aliases(const struct th_session *session);

/* "SUBSCRIBE: <problem>"; returns `error`. */
int th_session_reject(struct th_fault *fault, int error, enum th_mqtt_type type,
                      const char *problem);

#endif

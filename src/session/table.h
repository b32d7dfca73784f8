/* The conversation as a table: state x packet -> action. All of it stands in table.c. */
#ifndef TH_SESSION_TABLE_H
#define TH_SESSION_TABLE_H

#include "session/session.h"

enum th_session_action {
    TH_DO_FORBID,       /* no server sends this now: protocol error */
    TH_DO_IGNORE,
    TH_DO_ACCEPT,       /* CONNACK */
    TH_DO_DELIVER,      /* PUBLISH */
    TH_DO_FINISH,       /* PUBACK */
    TH_DO_RELEASE,      /* PUBREC: PUBREL follows */
    TH_DO_COMPLETE,     /* PUBREL: answer PUBCOMP */
    TH_DO_CLOSE_FLOW,   /* PUBCOMP */
    TH_DO_GRANT,        /* SUBACK */
    TH_DO_REVOKE,       /* UNSUBACK */
    TH_DO_PONG,         /* PINGRESP */
    TH_DO_LEAVE,        /* DISCONNECT */
    TH_DO_AUTHENTICATE, /* AUTH */
    TH_SESSION_ACTIONS
};

/* Any type is allowed, also 0 and what is above 15. */
enum th_session_action th_session_action(enum th_session_state state, unsigned type);

const char *th_session_state_name(enum th_session_state state);
const char *th_session_action_name(enum th_session_action action);

/* Writes the table as text: one line for each packet type, one column for each state. Returns the
 * length without the NUL, whatever the size of `text`. */
size_t th_session_table_print(char *text, size_t text_bytes);

#endif

/* Another generation of the identity in use is tried while the program goes on, or, by the agent,
 * another configuration: the connection is made anew with it. What it is, is known by what the
 * broker answers:
 *
 *     proved    a message of QoS 1 or 2 is acknowledged, a subscription granted; or PINGRESP: what
 *               was published with QoS 0 before it was taken
 *     refused   an alert of TLS about the certificate, CONNACK, a subscription; the broker's
 *               certificate, if the roots that came with the identity do not know it; or the broker
 *               is there and the connection ends five times before a proof
 *
 * A broker that cannot be reached is waited for, with the new one; but a configuration is refused
 * by whatever ends a connection, once for each broker it names, if there was one before. Until then
 * the generation before stays, and comes back when the new one is refused. Nothing here waits for
 * whoever holds the identity: it is tried again at the next turn. */
#ifndef TH_CLI_ROTATE_H
#define TH_CLI_ROTATE_H

#include "cli/settings.h"

/* The context was made with the generation that th_cli_identity_used() tells. */
void th_cli_rotate_begin(const struct th_cli_settings *settings, struct th_context *context);

enum { TH_CLI_ROTATE_NOTHING, TH_CLI_ROTATE_TRIED, TH_CLI_ROTATE_LATER };

/* Who has other settings than those of th_cli_rotate_begin(), which it changes. */
struct th_cli_rotate_settings {
    /* SIGHUP came. NOTHING: nothing to try, or refused; TRIED: they are in place, to be tried;
     * LATER:
     * ask again. */
    int (*begin)(void);

    /* They have proved themselves, with `why` NULL; or those before are to be put back. */
    void (*settle)(const char *why);
};

void th_cli_rotate_also(const struct th_cli_rotate_settings *also);

/* SIGHUP came: if there is another generation, it is tried. Otherwise it will be said why not. */
void th_cli_rotate_wish(void);

/* Between two steps. True: the connection is to be ended. `dated`: there may be one. */
bool th_cli_rotate_turn(bool dated);

/* When the next turn is due, at the latest, as poll(2) wants it. */
int th_cli_rotate_wait_ms(void);

/* What happened to the connection. True: this is of the trial, and nobody else's matter; if it is
 * the connection's end, it is to be made again at once. */
bool th_cli_rotate_event(const struct th_event *event);

/* A packet came. */
void th_cli_rotate_packet(const struct th_packet_note *note);

/* A trial is under way: a subscription is asked for even if the broker still has it. */
bool th_cli_rotate_on_trial(void);

/* No turn follows: what was decided is written down. */
void th_cli_rotate_end(void);

#endif

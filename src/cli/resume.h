/* A message whose connection broke while it was printed. When the broker sends it again, printing
 * goes on where it ended: what was printed is read over, and its hash compared. It is the same one
 * when the broker kept the session or marks it as sent before, and packet identifier, topic, length
 * and the hash of what was printed agree. Otherwise the break is named. */
#ifndef TH_CLI_RESUME_H
#define TH_CLI_RESUME_H

#include <thimble.h>

/* Before the first message. */
void th_cli_resume_open(void);

/* Did the broker keep the session? A message of QoS 0 does not come again: its break is named. */
void th_cli_resume_connected(bool session_present);

/* Every piece that is to be printed goes through this. True: print it, less of it at its beginning
 * perhaps. False: it was printed before the break. */
bool th_cli_resume_take(struct th_delivery *piece);

/* Nothing more comes. Returns TH_CLI_OK, or the exit status if a message was not printed whole. */
int th_cli_resume_close(void);

#endif

/* The queue on disk (room spool) and the one connection: what producers put in is on the disk
 * before they are told so, and goes out in the order in which it came. Without --spool there is
 * none.
 *
 *     a producer: put(), and in each of its turns fate(), until it is no longer "not yet"
 *
 * All puts of a turn of the loop reach the disk with one fdatasync.
 */
#ifndef TH_AGENT_QUEUE_H
#define TH_AGENT_QUEUE_H

#include "agent/part.h"
#include "spool/spool.h"

/* Takes the message; its slices are free afterwards. Returns TH_SPOOL_APPENDED, TH_SPOOL_KNOWN
 * (this id came before), both with *seq to ask th_agent_queue_fate() about, or TH_SPOOL_DROPPED
 * (full, and the policy is "newest": it is gone, and was counted). Errors: SEND_FULL, TOO_LARGE,
 * ARGUMENT concern this message only (a topic that is none; there is no spool); FILE: the spool
 * cannot be written now. Each with a sentence. */
int th_agent_queue_put(const struct th_spool_message *message, uint64_t *seq,
                       struct th_fault *fault);

/* 1: it is on the disk: accepted. 0: not yet. FILE: it is not in the spool, the write or sync
 * failed. Ask in every turn: the next failure makes the one before forgotten. */
int th_agent_queue_fate(uint64_t seq);

/* For who shows it. False: there is no spool. */
bool th_agent_queue_look(struct th_spool_stat *stat);

/* Connections end, one after the other, and the oldest message on its way is not acknowledged: the
 * broker may refuse it. */
bool th_agent_queue_is_stuck(void);

/* There may be another way now for messages that th_agent_plain_carrier() had no way for. `anew`:
 * what was on its way, without TLS, is sent again. */
void th_agent_queue_look_again(bool anew);

extern const struct th_agent_part th_agent_queue;

#endif

/* The conversation of a lookup with the name servers; net/lookup.h decides, this asks. */
#ifndef TH_NET_ASK_H
#define TH_NET_ASK_H

#include "net/lookup.h"

enum { TH_NET_OVER_UDP = -1 }; /* th_net_lookup.streamed */

/* Begins with the spelling `lookup->candidate`: draws new query ids and asks the first server. The
 * verdict becomes TH_NET_NO_ENTROPY when there are no random numbers. */
void th_net_ask_candidate(struct th_net_lookup *lookup, uint64_t now_ms);
bool th_net_ask_is_last_candidate(const struct th_net_lookup *lookup);

/* Asks the next server, over UDP, all that is not settled. */
void th_net_ask_round(struct th_net_lookup *lookup, uint64_t now_ms);

/* Asks the same server the n-th question again, over TCP. */
void th_net_ask_over_tcp(struct th_net_lookup *lookup, int n, uint64_t now_ms);

/* Takes what has arrived. */
void th_net_ask_read(struct th_net_lookup *lookup, uint64_t now_ms);

/* True while an answer to what was asked last may still come. */
bool th_net_ask_is_waiting(const struct th_net_lookup *lookup, uint64_t now_ms);

/* Sends again what may have been lost, when it is time. */
void th_net_ask_again(struct th_net_lookup *lookup, uint64_t now_ms);

/* A server has said what it is. */
bool th_net_ask_is_settled(const struct th_net_lookup *lookup, int n);

void th_net_ask_hang_up(struct th_net_lookup *lookup);

#endif

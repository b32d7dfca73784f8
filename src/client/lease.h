/* What a link has only for a time, in a profile with TH_LEASES: a handshake heap until its
 * handshake is over, and a record cell while it receives a record that its own heap is too small
 * for. Both belong to the context and go from connection to connection in the order in which they
 * were asked for. In other profiles each link has its own, and these functions do nothing.
 *
 *     handshake   asked for when TCP is connected; given back in the step that ends the handshake.
 *                 While it is in line a connection is still DIALING, and no deadline counts.
 *     record      asked for when the header of a record tells its length, before TLS sees a byte of
 *                 it; given back in the step in which its last byte is handed on. While it is in
 *                 line a connection is not read, and no deadline counts.
 *
 * Nobody waits for a handshake while holding a record cell, so there is no deadlock. Nobody starves
 * either: whoever keeps a lease for TH_LEASE_MS while others wait, as a peer that sends half a
 * record makes it do, loses its connection. */
#ifndef TH_CLIENT_LEASE_H
#define TH_CLIENT_LEASE_H

#include "mem/lease.h"

#define TH_RECORD_HEADER_BYTES 5 /* RFC 8446 section 5.1 */

struct th_link;

struct th_link_leases {
    struct th_lease handshake;
    struct th_lease record;
    uint8_t header[TH_RECORD_HEADER_BYTES]; /* of the record being received */
    uint8_t header_read;                    /* of it, from the wire */
    uint8_t header_given;                   /* of it, to TLS */
    uint32_t left_bytes;                    /* of the record, behind its header */
};

/* True: the handshake can begin. False: it is in line. */
bool th_link_lease_handshake(struct th_link *link);

/* In line or served, but the handshake has not begun. */
bool th_link_has_dialed(const struct th_link *link);

/* As th_net_wire_read(), for TLS: TH_WANT_READ also while in line for a record cell. */
int th_link_lease_read(struct th_link *link, uint8_t *buffer, size_t bytes);

/* Neither reads nor has a deadline. */
bool th_link_in_line(const struct th_link *link);

/* 0: its turn has come. Until others have to be let in; -1: no limit. */
int th_link_lease_wait_ms(const struct th_link *link);

/* TH_E_TIMEOUT with its sentence: it kept a lease too long; else 0. */
int th_link_lease_overdue(struct th_link *link);

/* Gives back what is not needed any more; at the end of each step. */
void th_link_lease_settle(struct th_link *link);

/* Gives everything back, or leaves the line: TLS is closed. */
void th_link_lease_end(struct th_link *link);

#endif

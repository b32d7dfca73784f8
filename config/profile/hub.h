/* Many connections in one process: each keeps what it needs all its life, and leases the rest.
 *
 * An idle connection keeps its client (6.3 KB) and its TLS heap; the pages of its buffers go back
 * to the kernel when it has nothing to do. What a handshake needs, and a record larger than 448
 * bytes, lies in memory of the context, enough for TH_LEASES at a time. All connections of a
 * context belong to one thread. */
#ifndef TH_PROFILE_HUB_H
#define TH_PROFILE_HUB_H

#define TH_PROFILE_NAME "hub"

#define TH_CONNECTIONS 1000

/* Price of each: a handshake heap and a record cell. More make a thousand handshakes no faster on
 * one processor, but let more peers be slow at a time. */
#define TH_LEASES 4

/* A handshake with RSA-2048 and an 8 KB server chain. */
#define TH_HANDSHAKE_HEAP_BYTES 28672

/* State of TLS (2.4 to 3.6 KB, resumed 3.7 to 4.5), a record to send, a small one received, a
 * ticket being taken. */
#define TH_TLS_HEAP_BYTES 8192
#define TH_TLS_PIECE_BYTES 1024

#define TH_SETTLE_MS 100

/* Buffers of a connection that mostly waits. */
#define TH_TCP_READ_BYTES 2048
#define TH_TCP_WRITE_BYTES 2560
#define TH_PACKET_WINDOW_BYTES 2048
#define TH_OUTBOX_BYTES 8192
#define TH_PIECE_BYTES 2048
#define TH_ALIAS_IN_BYTES 1024
#define TH_ALIAS_OUT_BYTES 1024

#include "default.h"

#endif

/* The default footprint: four connections, EC or RSA certificates, chains up to 12 KB.
 *
 * Every size of the program stands here, with its unit, its reason and its price. A profile is
 * chosen at build time (-include config/profile/NAME.h); a value may be overridden on the
 * compiler's command line. Memory that is never touched costs address space only: the kernel hands
 * out pages at the first write, and the pools are filled from their lowest address. */
#ifndef TH_PROFILE_DEFAULT_H
#define TH_PROFILE_DEFAULT_H

#ifndef TH_PROFILE_NAME
#define TH_PROFILE_NAME "default"
#endif

/* Bit of the agent among the commands (cli/settings.h); 0: what only it needs is left out. */
#ifndef TH_AGENT_BIT
#define TH_AGENT_BIT 256
#endif

/* Connections the binary can hold at a time. Price: one connection block of .bss each. */
#ifndef TH_CONNECTIONS
#define TH_CONNECTIONS 4
#endif

/* Of these an agent can have so many, each with its settings, its queue and its producers. Price:
 * TH_LANE_BYTES of .bss for each but the first, of which what is not used is not touched. */
#ifndef TH_AGENT_CONNECTIONS
#define TH_AGENT_CONNECTIONS (TH_AGENT_BIT ? 4 : 1)
#endif
#ifndef TH_LANE_BYTES
#define TH_LANE_BYTES 475136
#endif

/* Bytes between socket and TLS. Reading ahead saves a system call for each record (wolfSSL asks for
 * five bytes of header, then for the body); gathering writes saves one for each packet. */
#ifndef TH_TCP_READ_BYTES
#define TH_TCP_READ_BYTES 4096
#endif
#ifndef TH_TCP_WRITE_BYTES
#define TH_TCP_WRITE_BYTES 4096
#endif
#define TH_TCP_CELL_BYTES (TH_TCP_READ_BYTES + TH_TCP_WRITE_BYTES)

/* With MQTT in WebSocket the end of that cell belongs to it: a frame is masked there before it goes
 * to TLS or to the socket. Longer frames cost less; what is left of the cell must hold a record. */
#ifndef TH_WEBSOCKET_CELL_BYTES
#define TH_WEBSOCKET_CELL_BYTES (TH_TCP_WRITE_BYTES / 4)
#endif

/* One TLS record as received: 2^14 + 256 bytes of ciphertext (RFC 8446 section 5.2). Less would
 * refuse what a peer may send. Only records beyond the threshold are kept in the cell; smaller ones
 * come from the TLS heap, so that a small record still live never displaces a full one. */
#ifndef TH_RECORD_CELL_BYTES
#define TH_RECORD_CELL_BYTES 16640
#endif
#ifndef TH_RECORD_THRESHOLD_BYTES
#define TH_RECORD_THRESHOLD_BYTES 512
#endif

/* The MQTT packet being received. A PUBLISH beyond it is delivered in pieces; its topic and
 * properties, and every other packet whole, must fit. */
#ifndef TH_PACKET_WINDOW_BYTES
#define TH_PACKET_WINDOW_BYTES 4096
#endif

/* Packets queued or waiting for their acknowledgement, encoded. The largest message that can be
 * published is a little smaller. */
#ifndef TH_OUTBOX_BYTES
#define TH_OUTBOX_BYTES 16384
#endif

/* What is on its way of a message that is not sent as it lies in the outbox: one whose payload is
 * read while it is sent, or whose topic is replaced by an alias. Touched only then. Two TLS
 * records. */
#ifndef TH_PIECE_BYTES
#define TH_PIECE_BYTES 4096
#endif

/* Topics behind the aliases we use in MQTT 5, 4 bytes each and their length; when it is full the
 * one not used for longest makes room. Touched only when aliases were asked for and the broker has
 * some. */
#ifndef TH_ALIAS_OUT_BYTES
#define TH_ALIAS_OUT_BYTES 2048
#endif

/* Topics behind the aliases a broker uses in MQTT 5, 4 bytes each and their length. Touched only
 * when a Topic Alias Maximum was announced and is made use of; when it is full the connection
 * ends. */
#ifndef TH_ALIAS_IN_BYTES
#define TH_ALIAS_IN_BYTES 4096
#endif

/* TLS heap of a connection, block headers included. Floors, measured: handshake with EC P-256
 * 14.3 KB, with RSA-2048 28.6 KB, with an 8 KB server chain about 29 KB. */
#ifndef TH_TLS_HEAP_BYTES
#define TH_TLS_HEAP_BYTES 36864
#endif

/* Plaintext of one record that is written, at most: wolfSSL's output buffer, in the TLS heap, is 22
 * bytes larger, and so is what goes over the wire. */
#ifndef TH_TLS_PIECE_BYTES
#define TH_TLS_PIECE_BYTES 2048
#endif

/* Heaps for handshakes, and record cells, that connections lease from their context: so many
 * handshakes at most at a time. TH_TLS_HEAP_BYTES is then what a connection keeps all its life. 0:
 * each connection has its own, in its heap and its block. */
#ifndef TH_LEASES
#define TH_LEASES 0
#endif
#ifndef TH_HANDSHAKE_HEAP_BYTES
#define TH_HANDSHAKE_HEAP_BYTES 0
#endif

/* What follows from it: the record cell of each connection's own, and what all lease together. */
#define TH_OWN_CELL_BYTES (TH_LEASES ? 0 : TH_RECORD_CELL_BYTES)
#define TH_LEASED_BYTES (TH_LEASES * (TH_HANDSHAKE_HEAP_BYTES + TH_RECORD_CELL_BYTES))

/* For how long a lease may be kept while others wait for one. */
#ifndef TH_LEASE_MS
#define TH_LEASE_MS 10000
#endif

/* The pages of the buffers of a connection that has nothing to do go back to the kernel when no
 * byte has moved for so long. Price: a system call then, and three to five pages to be handed out
 * when the next message comes. 0: they stay. */
#ifndef TH_SETTLE_MS
#define TH_SETTLE_MS 0
#endif

/* What connections share: the TLS context, the roots, our chain and key, and while they are read
 * the PEM text and its decoding. 2.4 KB (EC) or 5 KB (RSA) stay resident; the rest is for chains
 * of 8 to 12 KB and several roots. */
#ifndef TH_SHARED_HEAP_BYTES
#define TH_SHARED_HEAP_BYTES 24576
#endif

/* libc's malloc in the binary: stdio, strdup and what else asks. The library has none. */
#ifndef TH_PROCESS_HEAP_BYTES
#define TH_PROCESS_HEAP_BYTES 16384
#endif

/* The stack the binary runs on, between two guard pages: the bound that tools/stack.py computes,
 * and what config/stack reserves. It is resident while a handshake is measured; idle, only its
 * relaxed part is. */
#ifndef TH_STACK_BYTES
#define TH_STACK_BYTES 32768
#endif

/* What stays painted below the frame of an idle connection, to be measured exactly. An idle
 * connection needs 2 to 3 KB. Rounded up to pages. */
#ifndef TH_STACK_RELAXED_BYTES
#define TH_STACK_RELAXED_BYTES 3072
#endif

/* SO_RCVBUF and SO_SNDBUF each, as asked for; the kernel doubles it for its own bookkeeping. */
#ifndef TH_SOCKET_BUFFER_BYTES
#define TH_SOCKET_BUFFER_BYTES 16384
#endif

/* Groups of the key exchange, the one a key is sent for first; what wolfSSL is built with. */
#ifndef TH_TLS_GROUPS
#define TH_TLS_GROUPS WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP384R1
#endif

/* What is said beyond the necessary: what exit codes mean, and what to do. */
#ifndef TH_EXPLAINED
#define TH_EXPLAINED(text) text
#endif

#endif

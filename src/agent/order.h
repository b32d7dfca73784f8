/* What agent and runner say to each other, a packet of a SOCK_SEQPACKET pair each. Neither believes
 * the other: th_order_read() and th_result_read() check every byte they use. */
#ifndef TH_AGENT_ORDER_H
#define TH_AGENT_ORDER_H

#include "cli/handlers.h"
#include <thimble.h>

#define TH_ORDER_JOBS 16            /* that run, wait or are being told, together */
#define TH_ORDER_TOPIC_BYTES 1024
#define TH_ORDER_PIECE_BYTES 8192
#define TH_ORDER_PAYLOAD_BYTES (1024 * 1024)
#define TH_ORDER_BYTES (3 + TH_ORDER_PIECE_BYTES)

enum th_order_kind {
    TH_ORDER_BEGIN, /* rest: the topic */
    TH_ORDER_PIECE, /* rest: more of the payload */
    TH_ORDER_RUN,   /* that was all; rest: th_order_about() */
    TH_ORDER_REREAD, /* the configuration; rest: th_cli_configfile_sum() */
};

/* The agent's words: three bytes and the rest. */
struct th_order {
    uint8_t kind;
    uint8_t job;
    uint8_t handler;
    struct th_slice rest;
};

bool th_order_read(struct th_order *order, struct th_slice packet);

#define TH_RESULT_OUTPUT_BYTES (TH_OUTBOX_BYTES - 1024) /* goes out as one message */
#define TH_RESULT_ERROR_BYTES 160
#define TH_RESULT_HEAD_BYTES 4
#define TH_RESULT_BYTES (TH_RESULT_HEAD_BYTES + TH_RESULT_ERROR_BYTES + TH_RESULT_OUTPUT_BYTES)

/* The rest of a message that is written down: qos, retain and packet_id. */
static inline uint32_t th_order_about(const struct th_delivery *message)
{
    return message->qos | (uint32_t)message->retain << 8 | (uint32_t)message->packet_id << 16;
}

enum th_result_how {
    TH_RESULT_EXITED,
    TH_RESULT_SIGNALLED,
    TH_RESULT_LATE,
    TH_RESULT_REFUSED,
    TH_RESULT_LOST,   /* of no job: what handler `job` writes to takes no messages, errno `status`,
                       * or takes them again, 0; output: struct th_lost */
    TH_RESULT_REREAD, /* of no job: the handlers are those of the file now */
    TH_RESULT_KEPT,   /* likewise: they are those before */
};

/* Messages that a file or a socket did not take: 0 since it took one, only the others count. */
struct th_lost {
    uint32_t since; /* the last one it took */
    uint32_t ever;  /* all of them together */
};

/* The runner's: four bytes (the last one is the length of `error`), error, output. */
struct th_result {
    uint8_t job;
    uint8_t how;
    uint8_t status; /* exit code or signal */
    struct th_slice error;
    struct th_slice output;
};

bool th_result_read(struct th_result *result, struct th_slice packet);

#endif

/* Memory for one piece of work on files: a payer in a block the caller lends. */
#ifndef TH_IDENTITY_DESK_H
#define TH_IDENTITY_DESK_H

#include "mem/payer.h"
#include <thimble.h>

struct th_desk {
    struct th_payer payer;
    struct th_payer *before;
};

/* Opens a desk in the block, aligned to 16, and has it pay. NULL: the block is too small. */
struct th_desk *th_desk_open(void *block, size_t block_bytes, struct th_fault *fault);

/* Wipes what was used. */
void th_desk_close(struct th_desk *desk);

#endif

/* Who pays: a heap, perhaps a record cell, a budget and a ledger.
 *
 * wolfSSL does not always say for which connection it allocates, so the one who calls it does:
 *
 *     struct th_payer *before = th_payer_enter(&client->payer);
 *     ... wolfSSL ...
 *     th_payer_leave(before);
 *
 * The choice is kept for each thread. A block is always returned to where it came from, found by
 * its address: the payer that is entered, or its `shared` payer, the context. Payers are not
 * locked: a shared one must not be entered, nor its blocks freed, by two threads at a time.
 *
 * In a profile with TH_LEASES the heap keeps what a connection needs all its life. During the
 * handshake it is lent an annex for everything else, and a record cell while a large record is
 * received; neither may be taken away while a block in it is live. */
#ifndef TH_MEM_PAYER_H
#define TH_MEM_PAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cell.h"
#include "ledger.h"
#include "pool.h"
#include "purpose.h"

struct th_payer {
    struct th_payer *shared;  /* whose blocks may be freed here too, or NULL */
    uint32_t budget_bytes;    /* ceiling for the live bytes of the heap */
    uint32_t threshold_bytes; /* received records beyond this go to the cell */
    uint32_t strays;          /* see th_payer_strays() */
    struct th_pool heap;
    struct th_pool *annex;      /* NULL: none is lent */
    uint32_t annex_peak_bytes;  /* of those that were given back */
    struct th_cell cell;
    struct th_ledger ledger;
};

/* Memory, name and `shared` must outlive the payer. */
struct th_payer_config {
    const char *name;    /* "connection", "shared", ...: names the pool in errors and reports */
    void *heap;
    size_t heap_bytes;
    void *cell;          /* NULL: no record cell */
    size_t cell_bytes;
    size_t annex_bytes;  /* of the annex it will be lent */
    size_t budget_bytes; /* 0: the whole heap and its annex */
    struct th_payer *shared;
};

void th_payer_open(struct th_payer *payer, const struct th_payer_config *config);

/* Frees what is still live, wipes what was ever handed out. Returns the number of blocks that were
 * still live: 0 when nobody leaked. The ledger stays readable. */
size_t th_payer_close(struct th_payer *payer);

/* Gives free pages back to the kernel: after the handshake most of what it needed. Some
 * microseconds. Heap and cell must be private memory of the process. */
void th_payer_trim(struct th_payer *payer);

/* Lends an annex in `memory`, aligned to 16. What is lent is wiped when it is taken away; blocks
 * that are still live are given back before, and their number is returned: 0 when nobody leaked. */
void th_payer_lend_annex(struct th_payer *payer, void *memory, size_t bytes);
size_t th_payer_take_annex(struct th_payer *payer);
void th_payer_lend_cell(struct th_payer *payer, void *memory, size_t bytes);
size_t th_payer_take_cell(struct th_payer *payer);

/* No block of what was lent is live. */
bool th_payer_annex_is_idle(const struct th_payer *payer);
bool th_payer_cell_is_idle(const struct th_payer *payer);

/* The most that was in use of an annex. */
uint32_t th_payer_annex_peak_bytes(const struct th_payer *payer);

/* From now on `payer` pays in this thread (NULL: nobody, allocations fail). Returns who paid. */
struct th_payer *th_payer_enter(struct th_payer *payer);
void th_payer_leave(struct th_payer *before);
struct th_payer *th_payer_current(void);

/* A block aligned to 16, or NULL; the refusal is in the ledger. 0 bytes give a pointer too. A NULL
 * payer refuses everything. */
void *th_payer_take(struct th_payer *payer, enum th_purpose purpose, size_t bytes);

/* The block with `bytes`, moved, or NULL and the old block is still there. NULL block: take. */
void *th_payer_resize(struct th_payer *payer, enum th_purpose purpose, void *block, size_t bytes);

/* NULL is fine. What belongs to neither the payer nor its `shared` is counted as a stray. */
void th_payer_give(struct th_payer *payer, void *block);

/* Frees of what was no live block: belonging to nobody, or freed twice. 0 in a correct program. */
uint32_t th_payer_strays(const struct th_payer *payer);

/* The same, while nobody was entered; over the whole process. */
size_t th_payer_lost_strays(void);

/* Asked before each allocation, if set: false refuses it. NULL in the product; the tests that fail
 * the N-th allocation set it (mem/failing.h). */
extern bool (*th_payer_gate)(const struct th_payer *payer, enum th_purpose purpose, size_t bytes);

#endif

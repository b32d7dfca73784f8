/* The books of the witness: every block a malloc of its own, known by its address. They lie apart
 * from the blocks, so that a block is exactly as large as was asked for. */
#ifndef TH_AUDIT_BLOCKS_H
#define TH_AUDIT_BLOCKS_H

#include <stddef.h>

#include "mem/purpose.h"

struct th_audit_block {
    const void *owner; /* a pool or a cell; NULL: the entry is free */
    void *address;
    size_t bytes;
    enum th_purpose purpose;
};

void *th_audit_take(const void *owner, enum th_purpose purpose, size_t bytes); /* or NULL */
void th_audit_give(struct th_audit_block *block);

/* The entry of a live block; NULL: there is none. A NULL owner: whose ever it is. */
struct th_audit_block *th_audit_find(const void *owner, const void *address);

/* One live block of the owner, or NULL. */
struct th_audit_block *th_audit_any(const void *owner);

#endif

#include "tests/audit/witness/blocks.h"

#include <stdlib.h>

enum { MOST_BLOCKS = 4096 };

static struct th_audit_block blocks[MOST_BLOCKS];

static struct th_audit_block *find(const void *owner, const void *address)
{
    for (struct th_audit_block *block = blocks; block < blocks + MOST_BLOCKS; block++)
        if (block->owner == owner && block->address == address)
            return block;
    return NULL;
}

void *th_audit_take(const void *owner, enum th_purpose purpose, size_t bytes)
{
    struct th_audit_block *entry = find(NULL, NULL);
    void *address = entry ? malloc(bytes) : NULL;
    if (address)
        *entry = (struct th_audit_block){owner, address, bytes, purpose};
    return address;
}

void th_audit_give(struct th_audit_block *block)
{
    free(block->address);
    *block = (struct th_audit_block){0};
}

struct th_audit_block *th_audit_find(const void *owner, const void *address)
{
    if (owner)
        return find(owner, address);
    for (struct th_audit_block *block = blocks; block < blocks + MOST_BLOCKS; block++)
        if (block->owner && block->address == address)
            return block;
    return NULL;
}

struct th_audit_block *th_audit_any(const void *owner)
{
    for (struct th_audit_block *block = blocks; block < blocks + MOST_BLOCKS; block++)
        if (block->owner == owner)
            return block;
    return NULL;
}

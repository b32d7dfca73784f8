#include "client/context.h"

#include "base/err.h"
#include "client/block.h"

#include <string.h>

size_t th_context_need_bytes(void)
{
    return th_block_round(sizeof(struct th_context)) + TH_SHARED_HEAP_BYTES + TH_LEASED_BYTES;
}

static void open_leases(struct th_context *context)
{
    uint8_t *heaps = (uint8_t *)context + th_block_round(sizeof *context) + TH_SHARED_HEAP_BYTES;
    uint8_t *cells = heaps + TH_LEASES * TH_HANDSHAKE_HEAP_BYTES;
    if (!TH_LEASES)
        return;
    th_leases_open(&context->handshakes, heaps, TH_LEASES * TH_HANDSHAKE_HEAP_BYTES,
                   TH_HANDSHAKE_HEAP_BYTES);
    th_leases_open(&context->records, cells, TH_LEASES * TH_RECORD_CELL_BYTES,
                   TH_RECORD_CELL_BYTES);
}

static void open_payer(struct th_context *context, size_t budget_bytes)
{
    const struct th_payer_config config = {
        .name = "shared heap",
        .heap = (uint8_t *)context + th_block_round(sizeof *context),
        .heap_bytes = TH_SHARED_HEAP_BYTES,
        .budget_bytes = budget_bytes,
    };
    memset(context, 0, sizeof *context);
    th_payer_open(&context->payer, &config);
}

static int open_tls(struct th_context *context, struct th_tls_context *slot,
                    const struct th_context_config *config, struct th_fault *fault)
{
    struct th_payer *before = th_payer_enter(&context->payer);
    int result = th_tls_context_open(slot, config, fault);
    th_payer_leave(before);
    th_payer_trim(&context->payer);
    if (result < 0)
        return result;
    slot->generation = context->renewals++;
    context->tls = slot;
    return 0;
}

static void close_tls(struct th_context *context, struct th_tls_context *slot)
{
    struct th_payer *before = th_payer_enter(&context->payer);
    th_tls_context_close(slot);
    th_payer_leave(before);
}

int th_context_open(struct th_context **context, void *block, size_t block_bytes,
                    const struct th_context_config *config, struct th_fault *fault)
{
    *context = NULL;
    if (fault)
        memset(fault, 0, sizeof *fault);
    int result = th_block_check("context", block, block_bytes, th_context_need_bytes(), fault);
    if (result < 0)
        return result;
    struct th_context *opened = block;
    open_payer(opened, config->heap_budget_bytes);
    open_leases(opened);
    result = open_tls(opened, opened->slots, config, fault);
    if (result < 0) {
        th_payer_close(&opened->payer);
        return result;
    }
    *context = opened;
    return 0;
}

static struct th_tls_context *other_slot(struct th_context *context)
{
    return context->tls == context->slots ? context->slots + 1 : context->slots;
}

int th_context_renew(struct th_context *context, const struct th_context_config *config,
                     struct th_fault *fault)
{
    struct th_tls_context *spare = other_slot(context);
    if (fault)
        memset(fault, 0, sizeof *fault);
    if (spare->open)
        return th_fault_set(fault, TH_E_ARGUMENT, "a renewal is under way: settle it first");
    return open_tls(context, spare, config, fault);
}

void th_context_settle(struct th_context *context, bool renewed)
{
    struct th_tls_context *other = other_slot(context);
    if (!other->open)
        return;
    if (!renewed) {
        struct th_tls_context *before = other;
        other = context->tls;
        context->tls = before;
    }
    close_tls(context, other);
}

bool th_context_rereads(const struct th_context *context)
{
    return context && context->tls->bundle.seen > TH_TLS_ROOTS_HELD;
}

void th_context_close(struct th_context *context)
{
    if (!context)
        return;
    close_tls(context, context->slots);
    close_tls(context, context->slots + 1);
    th_payer_close(&context->payer);
}

#include "tls/judge.h"

#include "client/block.h"
#include "mem/payer.h"
#include "tls/chain.h"

#include <string.h>

static void open_payer(struct th_payer *payer, size_t budget_bytes)
{
    const struct th_payer_config config = {
        .name = "shared heap",
        .heap = (uint8_t *)payer + th_block_round(sizeof *payer),
        .heap_bytes = TH_SHARED_HEAP_BYTES,
        .budget_bytes = budget_bytes,
    };
    memset(payer, 0, sizeof *payer);
    th_payer_open(payer, &config);
}

static int judge(struct th_payer *payer, const struct th_context_config *config,
                 void (*on_leaf)(void *arg, const struct th_certificate *leaf), void *arg,
                 struct th_fault *fault)
{
    open_payer(payer, config->heap_budget_bytes);
    struct th_payer *before = th_payer_enter(payer);
    int result = th_tls_judge(config, on_leaf, arg, fault);
    th_payer_leave(before);
    th_payer_close(payer);
    return result;
}

int th_identity_judge(void *block, size_t block_bytes, const struct th_context_config *config,
                      void (*on_leaf)(void *arg, const struct th_certificate *leaf), void *arg,
                      struct th_fault *fault)
{
    struct th_context_config wanted = {
        .roots = config->roots, .certificate = config->certificate, .key = config->key,
        .passphrase = config->passphrase,
        .insecure_no_verify = !config->roots.path && !config->roots.bytes.data,
        .heap_budget_bytes = config->heap_budget_bytes, .log = config->log,
    };
    if (fault)
        memset(fault, 0, sizeof *fault);
    int result = th_block_check("context", block, block_bytes, th_context_need_bytes(), fault);
    return result < 0 ? result : judge(block, &wanted, on_leaf, arg, fault);
}

static int verify(struct th_payer *payer, const struct th_context_config *config,
                  const char *host, struct th_fault *fault)
{
    open_payer(payer, config->heap_budget_bytes);
    struct th_payer *before = th_payer_enter(payer);
    int result = th_tls_chain_verify(config, host, fault);
    th_payer_leave(before);
    th_payer_close(payer);
    return result;
}

int th_chain_verify(void *block, size_t block_bytes, const struct th_context_config *config,
                    const char *host, struct th_fault *fault)
{
    if (fault)
        memset(fault, 0, sizeof *fault);
    int result = th_block_check("context", block, block_bytes, th_context_need_bytes(), fault);
    return result < 0 ? result : verify(block, config, host, fault);
}

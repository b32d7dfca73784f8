/* In the place of mem/payer.c: of each connection's heap one byte is taken and never returned. */
#define th_payer_take honest_take
#include "mem/payer.c"
#undef th_payer_take

void *th_payer_take(struct th_payer *payer, enum th_purpose purpose, size_t bytes)
{
    if (payer && payer->ledger.taken == 0)
        honest_take(payer, TH_PURPOSE_OTHER, 1);
    return honest_take(payer, purpose, bytes);
}

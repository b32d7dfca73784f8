/* In the place of mem/payer.c: an allocation of one byte, made right before the one that was asked
 * for and returned right after it, which the books do not know. */
#define th_payer_take honest_take
#include "mem/payer.c"
#undef th_payer_take

void *th_payer_take(struct th_payer *payer, enum th_purpose purpose, size_t bytes)
{
    void *stowaway = payer ? th_pool_take(&payer->heap, purpose, 1) : NULL;
    void *block = honest_take(payer, purpose, bytes);
    if (stowaway)
        th_pool_give(&payer->heap, stowaway);
    return block;
}

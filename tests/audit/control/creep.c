/* In the place of mem/payer.c: with each attempt one byte is taken and never returned. */
#define th_payer_take honest_take
#include "mem/payer.c"
#undef th_payer_take

/* The state of a TLS connection is the one large block of its purpose. */
enum { CONNECTION_BYTES = 1000 };

void *th_payer_take(struct th_payer *payer, enum th_purpose purpose, size_t bytes)
{
    if (payer && purpose == TH_PURPOSE_SESSION && bytes > CONNECTION_BYTES)
        honest_take(payer, TH_PURPOSE_OTHER, 1);
    return honest_take(payer, purpose, bytes);
}

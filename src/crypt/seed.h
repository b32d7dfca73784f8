/* Where the numbers of wolfSSL's keys come from. */
#ifndef TH_CRYPT_SEED_H
#define TH_CRYPT_SEED_H

/* To be called after wolfSSL_Init(), which forgets it. */
void th_crypt_seed_wolfssl(void);

#endif

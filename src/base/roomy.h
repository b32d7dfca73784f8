/* For large variables that are seldom touched: the linker puts what has the largest alignment first
 * (--sort-section=alignment), so that the small ones, which are always touched, share few pages.
 *
 * What is called `own` lies with those: config/layout. So nothing large is. */
#ifndef TH_BASE_ROOMY_H
#define TH_BASE_ROOMY_H

#define TH_ROOMY _Alignas(64)

/* Only its beginning is touched: that lies in one page. */
#define TH_HEADED _Alignas(4096)

#endif

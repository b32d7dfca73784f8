/* The health tests of SP 800-90B section 4.4, for 8-bit samples of a noise source. Pure. */
#ifndef TH_CRYPT_HEALTH_H
#define TH_CRYPT_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Claimed min-entropy: 1 bit per sample; false alarm 2^-30. */
#define TH_HEALTH_REPETITION_CUTOFF 31  /* 4.4.1: 1 + 30 / H */
#define TH_HEALTH_WINDOW_SAMPLES 512    /* 4.4.2, non-binary source */
#define TH_HEALTH_PROPORTION_CUTOFF 325 /* 4.4.2: binomial(512, 2^-1) at 1 - 2^-30 */

struct th_health {
    uint8_t last;         /* repetition count test */
    unsigned repeated;    /* equal samples up to now; 0 before the first */
    uint8_t first;        /* adaptive proportion test: the sample this window counts */
    unsigned seen;        /* samples of the window so far */
    unsigned matched;     /* of these, equal to `first` */
    bool failed;          /* for good */
};

/* All zero is the initial state. Returns false once a test has failed. */
bool th_health_feed(struct th_health *health, const uint8_t *samples, size_t count);

#endif

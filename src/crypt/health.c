#include "crypt/health.h"

static bool repeats_too_often(struct th_health *health, uint8_t sample)
{
    if (health->repeated == 0 || sample != health->last)
        health->repeated = 0;
    health->last = sample;
    return ++health->repeated >= TH_HEALTH_REPETITION_CUTOFF;
}

static bool dominates_window(struct th_health *health, uint8_t sample)
{
    if (health->seen == 0) {
        health->first = sample;
        health->matched = 0;
    }
    health->matched += sample == health->first;
    health->seen = (health->seen + 1) % TH_HEALTH_WINDOW_SAMPLES;
    return health->matched >= TH_HEALTH_PROPORTION_CUTOFF;
}

bool th_health_feed(struct th_health *health, const uint8_t *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool repeats = repeats_too_often(health, samples[i]);
        bool dominates = dominates_window(health, samples[i]);
        health->failed |= repeats || dominates;
    }
    return !health->failed;
}

/* FNV-1a: two that differ come to two numbers, mostly. Nothing that matters may hang on it. */
#ifndef TH_BASE_SUM_H
#define TH_BASE_SUM_H

#include <thimble.h>

#define TH_SUM_BEGIN 2166136261u

uint32_t th_sum(uint32_t so_far, struct th_slice bytes);

#endif

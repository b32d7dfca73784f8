/* What stands in where a profile leaves something out (config/features.mk): every function of that
 * room which others call, each saying no. Nothing here is in the default profile. */
#ifndef TH_ABSENT_ABSENT_H
#define TH_ABSENT_ABSENT_H

#include "base/err.h"

/* TH_E_ARGUMENT, and a sentence that names what is not there. */
static inline int th_absent(struct th_fault *fault, const char *what)
{
    return th_fault_set(fault, TH_E_ARGUMENT,
                        "this build, profile " TH_PROFILE_NAME ", has no %s; the default profile "
                        "has", what);
}

#endif

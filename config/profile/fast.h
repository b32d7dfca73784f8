/* The default footprint, with more code for speed. */
#define TH_PROFILE_NAME "fast"
#include "default.h"

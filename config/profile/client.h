/* The default footprint, without what is not a client's: see client.mk. */
#define TH_PROFILE_NAME "client"
#include "default.h"

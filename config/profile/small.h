/* The smallest sum of heap, stack and code that speaks TLS 1.2 and 1.3 with EC and RSA. */
#define TH_PROFILE_NAME "small"
#define TH_CONNECTIONS 1
#include "default.h"

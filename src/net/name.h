/* Host names as text (RFC 1034 3.5, RFC 1123 2.1). */
#ifndef TH_NET_NAME_H
#define TH_NET_NAME_H

#include <stdbool.h>

#define TH_NET_NAME_BYTES 254 /* RFC 1035 2.3.4: at most 253 characters, and a NUL */

/* Labels of 1 to 63 letters, digits, hyphens and underscores, the last not all digits (that is a
 * mistyped address); one dot may end the name. */
bool th_net_name_is_valid(const char *name);

/* "localhost" and everything below it (RFC 6761 6.3). */
bool th_net_name_is_localhost(const char *name);

/* Case and one dot at the end do not matter. */
bool th_net_name_equal(const char *a, const char *b);

unsigned th_net_name_dots(const char *name);
bool th_net_name_is_absolute(const char *name); /* ends with a dot */

#endif

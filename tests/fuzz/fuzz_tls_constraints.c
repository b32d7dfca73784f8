/* Name constraints of an authority held against names: any bytes. What is said of a subject and of
 * alternative names together is what is said of each. */
#include "base/slice.h"
#include "tls/constraints.h"

#include <stdlib.h>

/* One byte of length in front of what it takes. */
static struct th_slice take(struct th_slice *rest)
{
    if (rest->len_bytes == 0)
        return *rest;
    size_t bytes = rest->data[0];
    *rest = th_slice_after(*rest, 1);
    struct th_slice taken = th_slice_of(rest->data,
                                        bytes < rest->len_bytes ? bytes : rest->len_bytes);
    *rest = th_slice_after(*rest, taken.len_bytes);
    return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct th_slice names = th_slice_of(data, size), none = th_slice_of("", 0);
    struct th_slice constraints = take(&names), subject = take(&names);
    bool both = th_constraints_allow(constraints, subject, names);
    bool each = th_constraints_allow(constraints, subject, none) &&
                th_constraints_allow(constraints, none, names);
    if (both != each)
        abort();
    return 0;
}

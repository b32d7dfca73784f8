/* cert_meta of others: what passes the check can be read and written again, and still passes. */
#include "base/slice.h"
#include "json/flat.h"
#include "store/meta.h"

#include <stdlib.h>

#define NOW_S 1700000000

static void demand(bool good)
{
    if (!good)
        abort();
}

static unsigned members_of(struct th_slice text)
{
    struct th_json_member member;
    unsigned count = 0;
    while (th_json_flat_next(&text, &member)) {
        demand(member.value.len_bytes > 0);
        count++;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t kept[TH_STORE_META_BYTES];
    struct th_slice text = th_slice_of(data, size);
    if (size > sizeof kept || !th_json_flat_check(text)) {
        demand(size > sizeof kept || !th_store_meta_value(text, "last_used").data);
        return 0;
    }
    struct th_slice used = th_store_meta_used(text, NOW_S);
    if (!used.data)
        return 0;
    demand(used.len_bytes <= sizeof kept);
    memcpy(kept, used.data, used.len_bytes);
    used.data = kept;
    demand(th_json_flat_check(used) && members_of(used) == members_of(text));
    if (th_store_meta_value(text, "last_used").data)
        demand(th_json_flat_number(th_store_meta_value(used, "last_used")) == NOW_S);
    return 0;
}

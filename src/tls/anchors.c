#include "tls/anchors.h"

#include "base/slice.h"
#include "mem/payer.h"

struct th_tls_anchor {
    struct th_tls_anchor *next;
    size_t bytes;
    uint8_t der[];
};

bool th_tls_anchors_keep(struct th_tls_anchor **list, struct th_slice root)
{
    if (!th_policy_is_constrained(root))
        return true;
    struct th_tls_anchor *anchor = th_payer_take(th_payer_current(), TH_PURPOSE_CERTIFICATE,
                                                 sizeof *anchor + root.len_bytes);
    if (!anchor)
        return false;
    anchor->next = *list;
    anchor->bytes = root.len_bytes;
    memcpy(anchor->der, root.data, root.len_bytes);
    *list = anchor;
    return true;
}

void th_tls_anchors_forget(struct th_tls_anchor **list)
{
    while (*list) {
        struct th_tls_anchor *anchor = *list;
        *list = anchor->next;
        th_payer_give(th_payer_current(), anchor);
    }
}

enum th_policy th_tls_anchors_judge(const struct th_tls_anchor *list,
                                    const struct th_policy_path *path)
{
    enum th_policy verdict = TH_POLICY_OK;
    for (; verdict == TH_POLICY_OK && list; list = list->next)
        verdict = th_policy_constrain(path, th_slice_of(list->der, list->bytes));
    return verdict;
}

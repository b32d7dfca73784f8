/* JSON of others: what is copied is JSON, and copied once more it is the same. */
#include "base/slice.h"
#include "json/copy.h"

#include <stdlib.h>

#define WRITTEN_MAX (1 << 17)

static char written[2][WRITTEN_MAX];
static size_t used[2];
static int turn;

static void keep(const void *data, size_t bytes)
{
    if (used[turn] + bytes > WRITTEN_MAX)
        abort();
    memcpy(written[turn] + used[turn], data, bytes);
    used[turn] += bytes;
}

static bool copy(struct th_slice text, int to)
{
    struct th_json_flow flow = {.write = keep};
    turn = to;
    used[to] = 0;
    return th_json_copy(&flow, text) && flow.depth == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct th_json_flow nowhere = {.pretty = true};
    if (size > WRITTEN_MAX / 8)
        return 0;
    bool good = copy(th_slice_of(data, size), 0);
    if (good != th_json_copy(&nowhere, th_slice_of(data, size)))
        abort();
    if (!good)
        return 0;
    if (!copy(th_slice_of(written[0], used[0]), 1) || used[0] != used[1] ||
        memcmp(written[0], written[1], used[0]))
        abort();
    return 0;
}

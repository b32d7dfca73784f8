/* What a status socket says, shown as an agent's: for people and for Prometheus. Nothing in it
 * drives a terminal, and no line of a metric is broken. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(const void *data, size_t bytes)
{
    const char *text = data;
    for (size_t i = 0; i < bytes; i++)
        assert(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
}

static void show(const uint8_t *data, size_t bytes, bool for_prometheus)
{
    const struct th_agent_view view = {.write = check, .for_prometheus = for_prometheus};
    char *text = calloc(1, bytes + 1);
    assert(text);
    memcpy(text, data, bytes);
    assert(th_agent_show(text, bytes, &view) <= TH_AGENT_UNKNOWN);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    show(data, bytes, false);
    show(data, bytes, true);
    return 0;
}

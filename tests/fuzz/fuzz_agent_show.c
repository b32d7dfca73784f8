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

static struct th_agent_answer copy_of(const uint8_t *data, size_t bytes)
{
    struct th_agent_answer answer = {calloc(1, bytes + 1), bytes};
    assert(answer.text);
    memcpy(answer.text, data, bytes);
    return answer;
}

/* As one, or as two, of which the first has so many bytes. */
static void show(const uint8_t *data, size_t bytes, size_t first_bytes, bool for_prometheus)
{
    struct th_agent_answer answers[] = {copy_of(data, first_bytes),
                                        copy_of(data + first_bytes, bytes - first_bytes)};
    struct th_agent_answer room = copy_of(data, bytes);
    const struct th_agent_view view = {.write = check, .for_prometheus = for_prometheus,
                                       .room = room.text};
    size_t count = first_bytes < bytes ? 2 : 1;
    assert(th_agent_show(answers, count, &view) <= TH_AGENT_UNKNOWN);
    free(answers[0].text);
    free(answers[1].text);
    free(room.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const uint8_t *cut = bytes ? memchr(data, '\n', bytes) : NULL;
    size_t first_bytes = cut ? (size_t)(cut - data) : bytes;
    for (int for_prometheus = 0; for_prometheus < 2; for_prometheus++) {
        show(data, bytes, bytes, for_prometheus);
        show(data, bytes, first_bytes, for_prometheus);
    }
    return 0;
}

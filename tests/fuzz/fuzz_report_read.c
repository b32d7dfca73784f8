/* What a status socket says, read as a report and printed. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int check(void *arg, const char *text, size_t text_bytes)
{
    (void)arg;
    for (size_t i = 0; i < text_bytes; i++)
        assert(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
    return TH_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct th_report report;
    char *text = calloc(1, bytes + 1);
    assert(text);
    memcpy(text, data, bytes);
    th_report_read(&report, text);
    th_report_print(&report, check, NULL);
    free(text);
    return 0;
}

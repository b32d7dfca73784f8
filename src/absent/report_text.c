/* The report is JSON, whichever was asked for. */
#include "report/report.h"

int th_report_print(const struct th_report *report,
                    int (*write)(void *arg, const char *text, size_t text_bytes), void *arg)
{
    return th_report_json(report, write, arg);
}

#include "cli/mem.h"

#include "base/roomy.h"
#include "cli/ask.h"
#include "cli/connection.h"
#include "cli/out.h"
#include "cli/payload.h"
#include "cli/printed.h"
#include "report/report.h"

static TH_ROOMY struct th_report asked_report;

static int write_out(void *arg, const char *text, size_t text_bytes)
{
    (void)arg;
    th_cli_out(text, text_bytes);
    return TH_OK;
}

static int print(void)
{
    if (!th_report_read(&asked_report, (char *)th_cli_payload_buffer))
        return th_cli_ask_refuse("memory");
    return th_report_print(&asked_report, write_out, NULL);
}

int th_cli_mem_report(char *words[], bool as_json)
{
    int rc = th_cli_ask(words[0]);
    if (rc >= 0 && as_json)
        th_cli_ask_print((size_t)rc);
    else if (rc >= 0)
        rc = print();
    return rc < 0 ? th_cli_say_fault(th_cli_ask_fault()) : th_cli_printed();
}

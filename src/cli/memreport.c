#include "cli/mem.h"

#include "base/roomy.h"
#include "cli/ask.h"
#include "cli/connection.h"
#include "cli/out.h"
#include "cli/printed.h"
#include "report/report.h"

static TH_ROOMY struct th_report asked_report;

static int write_out(void *arg, const char *text, size_t text_bytes)
{
    (void)arg;
    th_cli_out(text, text_bytes);
    return TH_OK;
}

/* Under its name, if it has one. */
static int print(char *object)
{
    const char *name = th_cli_ask_connection(object);
    if (!th_report_read(&asked_report, object))
        return th_cli_ask_refuse("memory");
    if (name)
        th_cli_out_format("\nConnection  %s\n", name);
    return th_report_print(&asked_report, write_out, NULL);
}

static int print_all(char *answer)
{
    int rc = 0;
    for (char *next; rc >= 0 && *answer; answer = next) {
        next = th_cli_ask_behind(answer);
        rc = print(answer);
    }
    return rc;
}

int th_cli_mem_report(char *words[], bool as_json)
{
    char *answer;
    int rc = th_cli_ask(words[0], &answer);
    if (rc >= 0 && as_json)
        th_cli_ask_print(answer, (size_t)rc);
    else if (rc >= 0)
        rc = print_all(answer);
    return rc < 0 ? th_cli_say_fault(th_cli_ask_fault()) : th_cli_printed();
}

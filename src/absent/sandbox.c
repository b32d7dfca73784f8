#include "cli/lock.h"

void th_cli_lock_wish(const struct th_cli_settings *settings, bool rereads_roots)
{
    (void)settings, (void)rereads_roots;
}

int th_cli_lock(const struct th_cli_settings *settings)
{
    (void)settings;
    return 0;
}

void th_cli_lock_report(struct th_report *report)
{
    report->sandbox = (struct th_report_sandbox){.mode = TH_REPORT_SANDBOX_OFF};
}

void th_cli_lock_writes(const char *path)
{
    (void)path;
}

#include "base/format.h"

#include <thimble/report.h>

const char *th_report_lock_name(int number)
{
    static const char names[TH_REPORT_LOCKS][13] = {
        "no_new_privs", "limits", "seccomp", "files", "ports", "scopes",
    };
    return names[number];
}

const char *th_report_lock_names(unsigned mask, char text[TH_REPORT_LOCK_NAMES_BYTES])
{
    int used = 0;
    *text = '\0';
    for (int i = 0; i < TH_REPORT_LOCKS; i++)
        if (mask >> i & 1)
            used += th_format(text + used, (size_t)(TH_REPORT_LOCK_NAMES_BYTES - used), "%s%s",
                              used ? ", " : "", th_report_lock_name(i));
    return text;
}

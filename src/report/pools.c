#include "base/text.h"
#include <thimble/report.h>

const char *th_report_pool_name(enum th_report_pool_id id)
{
    static const char names[] = "tcp_cell\0" "record_cell\0" "window\0" "outbox\0"
                                "tls_heap\0" "shared_heap\0" "process_heap";
    return (unsigned)id < TH_REPORT_POOLS ? th_text_nth(names, id) : "unknown";
}

const char *th_report_lease_name(enum th_report_lease_id id)
{
    static const char *const names[TH_REPORT_LEASES] = {"handshake_heaps", "record_cells"};
    return (unsigned)id < TH_REPORT_LEASES ? names[id] : "unknown";
}

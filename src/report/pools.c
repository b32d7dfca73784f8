#include <thimble/report.h>

const char *th_report_pool_name(enum th_report_pool_id id)
{
    static const char *const names[TH_REPORT_POOLS] = {
        "tcp_cell", "record_cell", "window", "outbox", "tls_heap", "shared_heap", "process_heap",
    };
    return (unsigned)id < TH_REPORT_POOLS ? names[id] : "unknown";
}

const char *th_report_lease_name(enum th_report_lease_id id)
{
    static const char *const names[TH_REPORT_LEASES] = {"handshake_heaps", "record_cells"};
    return (unsigned)id < TH_REPORT_LEASES ? names[id] : "unknown";
}

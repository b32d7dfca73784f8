/* Binary only: the program locks itself in. What is locked is never unlocked; it holds for the whole
 * process, so nothing may be locked twice. To be called when everything is open that will not be
 * opened by what `needs`, `reads` and `writes` say, and before the first byte of the network. */
#ifndef TH_SANDBOX_SANDBOX_H
#define TH_SANDBOX_SANDBOX_H

#include <stdint.h>
#include <thimble/report.h>

/* What will be done once locked. Reading and writing what is open, TCP to the ports below and
 * waiting go without saying. */
enum th_sandbox_need {
    TH_SANDBOX_INTERNET = 1, /* TCP */
    TH_SANDBOX_LOOKUP = 2,   /* UDP, for the name servers */
    TH_SANDBOX_UNIX = 4,     /* a connection to a Unix socket */
    TH_SANDBOX_BIND = 8,     /* an address of our own */
    TH_SANDBOX_READ = 16,    /* opens files for reading */
    TH_SANDBOX_WRITE = 32,   /* opens, renames and removes files */
};

#define TH_SANDBOX_PORTS_MAX 3
#define TH_SANDBOX_PATHS_MAX 4

struct th_sandbox_wish {
    uint32_t needs;                           /* enum th_sandbox_need */
    bool any_port;                            /* which ones is not known yet */
    uint16_t ports[TH_SANDBOX_PORTS_MAX + 1]; /* ended by 0 */
    const char *reads[TH_SANDBOX_PATHS_MAX];  /* files read later, ended by NULL: the kernel */
    const char *writes[TH_SANDBOX_PATHS_MAX]; /* watches their directories, for files are replaced */
};

/* Locks, and writes into `locked` what holds and what the kernel lacks. */
void th_sandbox_lock(const struct th_sandbox_wish *wish, struct th_report_sandbox *locked);

#endif

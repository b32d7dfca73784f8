/* Binary only: the program locks itself in, the whole process, once and for good. Afterwards it can
 * do what the wish says and nothing else: everything else is opened before, and the first byte of
 * the network is read afterwards. */
#ifndef TH_SANDBOX_SANDBOX_H
#define TH_SANDBOX_SANDBOX_H

#include <stdint.h>
#include <thimble/report.h>

/* What will be done once locked. Reading and writing what is open, TCP to the ports below and
 * waiting go without saying. */
enum th_sandbox_need {
    TH_SANDBOX_INTERNET = 1, /* TCP */
    TH_SANDBOX_LOOKUP = 2,   /* UDP, for the name servers */
    TH_SANDBOX_UNIX = 4,     /* a connection to a Unix socket, without LOOKUP */
    TH_SANDBOX_BIND = 8,     /* an address of our own */
    TH_SANDBOX_READ = 16,    /* opens files for reading, lists directories */
    TH_SANDBOX_WRITE = 32,   /* opens, renames and removes files */
    TH_SANDBOX_SERVE = 64,   /* accepts connections, and removes a Unix socket */
    TH_SANDBOX_KEEP = 128,   /* writes over open files, asks for the state of the kernel's clock */
};

/* Of all connections of an agent. */
#define TH_SANDBOX_PORTS_MAX (12 * TH_AGENT_CONNECTIONS)
#define TH_SANDBOX_PATHS_MAX (22 * TH_AGENT_CONNECTIONS)

struct th_sandbox_wish {
    uint32_t needs;                           /* enum th_sandbox_need */
    unsigned others;                          /* connections of an agent, besides one */
    bool any_port;                            /* which ones is not known yet */
    uint16_t ports[TH_SANDBOX_PORTS_MAX + 1]; /* ended by 0 */
    /* Files and directories that are opened later, ended by NULL. The rules for files are for
     * their directories: files are replaced. */
    const char *reads[TH_SANDBOX_PATHS_MAX];
    const char *writes[TH_SANDBOX_PATHS_MAX];
    const char *removes[1 + 2 * TH_AGENT_CONNECTIONS];
};

/* Locks, and writes into `locked` what holds and what the kernel lacks. */
void th_sandbox_lock(const struct th_sandbox_wish *wish, struct th_report_sandbox *locked);

#endif

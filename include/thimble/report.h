/* The memory report: where every byte of a connection went, and how long each part took.
 *
 * `struct th_report` is a plain snapshot. It points only to names that live as long as the program,
 * so it may be kept, copied and compared after the connection is gone. A figure of zero means that
 * the thing did not happen or was not measured. What the keys mean: docs/memory-report.md. */
#ifndef THIMBLE_REPORT_H
#define THIMBLE_REPORT_H

#include <thimble.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The places bytes come from. */
enum th_report_pool_id {
    TH_REPORT_TCP_CELL,     /* read-ahead and coalesced writes, between socket and TLS */
    TH_REPORT_RECORD_CELL,  /* one TLS record being received */
    TH_REPORT_WINDOW,       /* the MQTT packet being received */
    TH_REPORT_OUTBOX,       /* packets to send and to send again */
    TH_REPORT_TLS_HEAP,     /* everything else wolfSSL takes for this connection */
    TH_REPORT_SHARED_HEAP,  /* TLS context, roots, own certificate: paid once for all connections */
    TH_REPORT_PROCESS_HEAP, /* the program's malloc family; not in a library */
    TH_REPORT_POOLS
};

/* "tcp_cell" for TH_REPORT_TCP_CELL. */
const char *th_report_pool_name(enum th_report_pool_id id);

struct th_report_pool {
    uint32_t size_bytes;   /* 0: this connection has no such pool */
    uint32_t budget_bytes; /* what may be used of it; below the size if a ceiling was set */
    uint32_t peak_bytes;
    uint32_t live_bytes;
};

/* Summed over all attempts; the peaks are the largest of all attempts. */
struct th_report_phase {
    uint64_t duration_us;
    uint32_t peak_bytes;       /* pools that allocate: TLS heap and record cell */
    uint32_t stack_peak_bytes;
    uint32_t taken;            /* allocations granted */
    uint32_t refused;
};

/* What the bytes of this connection's TLS heap and record cell are for. */
#define TH_REPORT_PURPOSES_MAX 24

struct th_report_purpose {
    const char *name;          /* e.g. "certificate"; NULL: end of the list */
    uint32_t live_bytes;
    uint32_t peak_bytes;       /* of this purpose alone */
    uint32_t at_peak_bytes;    /* its part of the connection's peak: these add up to it */
};

struct th_report_refusal {
    const char *pool;          /* NULL: nothing was ever refused */
    const char *purpose;
    enum th_phase phase;
    uint32_t needed_bytes;     /* what the refused allocation asked for */
    uint32_t live_bytes;       /* in use at that moment */
    uint32_t budget_bytes;
};

/* Microseconds of the last attempt. */
struct th_report_times {
    uint32_t lookup_us;
    uint32_t tcp_us;
    uint32_t tls_us;
    uint32_t connack_us;       /* from CONNECT written to CONNACK read */
    uint32_t first_puback_us;  /* from the first QoS 1 PUBLISH written to its PUBACK */
    uint32_t longest_step_us;  /* longest th_step() outside handshake arithmetic, of all attempts */
};

struct th_report_tls {
    char version[8];       /* "TLSv1.3"; "" without TLS */
    char cipher_suite[48]; /* "TLS_AES_128_GCM_SHA256" */
    char group[24];        /* "SECP256R1" */
    char alpn[32];         /* "" if none was agreed on */
    bool resumed;
};

struct th_report_socket {
    uint64_t read_bytes;
    uint64_t written_bytes;
    uint32_t read_calls;   /* system calls, those that moved nothing included */
    uint32_t write_calls;
    uint32_t receive_buffer_bytes; /* SO_RCVBUF as the kernel reports it */
    uint32_t send_buffer_bytes;    /* SO_SNDBUF as the kernel reports it */
};

/* What the connections of a context lease from it, in a profile in which they do (hub); in others
 * all zero. */
enum th_report_lease_id {
    TH_REPORT_HANDSHAKE_HEAPS, /* until the TLS handshake is over */
    TH_REPORT_RECORD_CELLS,    /* while a record is received */
    TH_REPORT_LEASES
};

/* "handshake_heaps" for TH_REPORT_HANDSHAKE_HEAPS. */
const char *th_report_lease_name(enum th_report_lease_id id);

struct th_report_lease {
    uint32_t size_bytes;   /* of each */
    uint32_t peak_bytes;   /* the most that this connection had in use of one */
    uint32_t count;        /* there are */
    uint32_t held;         /* now, by all connections */
    uint32_t held_peak;    /* the most at one moment */
    uint32_t waiting;      /* connections in line, now */
    uint32_t waiting_peak;
    uint32_t waits;        /* leases that had to be waited for, ever */
};

/* Of the whole process: all connections, contexts and the process heap. */
struct th_report_process {
    uint32_t live_bytes;          /* in use in all pools that allocate, now */
    uint32_t peak_bytes;          /* the most of it at one moment */
    uint32_t static_bytes;        /* writable segments of the executable (.data and .bss) */
    uint32_t private_dirty_bytes; /* pages only this process has written to */
    uint32_t rss_bytes;           /* all resident pages, code included */
};

/* What the program has locked itself in with. */
enum th_report_lock {
    TH_REPORT_LOCK_PRIVILEGES = 1, /* no_new_privs */
    TH_REPORT_LOCK_LIMITS = 2,     /* setrlimit: no more memory, processes, core files */
    TH_REPORT_LOCK_CALLS = 4,      /* seccomp */
    TH_REPORT_LOCK_FILES = 8,      /* landlock: directories that may be read, or written to */
    TH_REPORT_LOCK_PORTS = 16,     /* landlock: TCP ports that may be connected to */
    TH_REPORT_LOCK_SCOPES = 32,    /* landlock: abstract Unix sockets and signals of others */
    TH_REPORT_LOCKS = 6,           /* how many there are */
    TH_REPORT_LOCKS_WANTED = 31    /* of every kernel, ports with `any_port` excepted */
};

enum th_report_sandbox_mode {
    TH_REPORT_SANDBOX_NONE, /* a library locks nobody in */
    TH_REPORT_SANDBOX_OFF,
    TH_REPORT_SANDBOX_AUTO,
    TH_REPORT_SANDBOX_REQUIRE,
};

struct th_report_sandbox {
    uint8_t mode;         /* enum th_report_sandbox_mode */
    uint8_t holds;        /* mask of enum th_report_lock */
    uint8_t lacks;        /* likewise: wanted, and not to be had here */
    uint8_t landlock_abi; /* 0: the kernel has none */
    bool any_port;        /* SRV records name the port: no rule for it */
    const char *why_not;  /* nothing was locked, for this reason; or NULL */
};

/* "seccomp" for TH_REPORT_LOCK_CALLS, which is number 2. */
const char *th_report_lock_name(int number);

/* "seccomp, files" for a mask of them; returns `text`. */
#define TH_REPORT_LOCK_NAMES_BYTES 64
const char *th_report_lock_names(unsigned mask, char text[TH_REPORT_LOCK_NAMES_BYTES]);

struct th_report {
    /* The four numbers. */
    uint32_t static_bytes; /* reserved: the block of this connection and of its context */
    uint32_t pool_bytes;   /* of it, the peak in use for this connection: heap and record cell */
    uint32_t stack_bytes;  /* deepest use of the stack */
    uint32_t kernel_bytes; /* socket buffers */

    struct th_report_pool pools[TH_REPORT_POOLS];
    struct th_report_lease leases[TH_REPORT_LEASES];
    struct th_report_phase phases[TH_PHASES];
    struct th_report_purpose purposes[TH_REPORT_PURPOSES_MAX];

    uint32_t attempts; /* connections begun */
    uint32_t taken;    /* allocations of this connection */
    uint32_t returned;
    uint32_t refused;
    struct th_report_refusal last_refusal;

    uint32_t identity_transient_bytes; /* extra while certificate and key were being read */
    uint32_t identity_resident_bytes;  /* what they keep in the shared heap */

    struct th_report_times times;
    struct th_report_tls tls;
    struct th_report_socket socket;
    struct th_report_process process; /* the last three filled by th_report_process() */
    struct th_report_sandbox sandbox; /* filled by the program */
};

/* Fill `report`; every byte of it is written. A closed connection keeps its figures. */
void th_report(const struct th_client *client, struct th_report *report);
void th_tls_report(const struct th_tls *stream, struct th_report *report);

/* Reads static, private dirty and resident bytes from the kernel into report->process; takes less
 * than 1 KB of stack. Errors: SYSTEM, with errno set (no /proc: only static_bytes is known). */
int th_report_process(struct th_report *report);

/* Writes the report for people, a line of at most 80 columns at a time. `write` gets the text with
 * its newline and returns >= 0, or an error that ends the printing and is returned. */
int th_report_print(const struct th_report *report,
                    int (*write)(void *arg, const char *text, size_t text_bytes), void *arg);

#ifdef __cplusplus
}
#endif

#endif

/* Views of a `struct th_report` that only the program has: JSON goes through cJSON, which takes
 * from malloc. The snapshot is taken before, so it does not contain what writing it takes. */
#ifndef TH_REPORT_REPORT_H
#define TH_REPORT_REPORT_H

#include <thimble/report.h>

/* Fills in the pool of the program's malloc family. To be called before anything is printed. */
void th_report_process_heap(struct th_report *report);

/* Opens what th_report_process() reads, for good: afterwards it opens nothing. */
void th_report_process_keep(void);

/* Writes the report as one JSON object; the keys are documented in docs/memory-report.md. Holds
 * less than 2 KB of malloc at a time. Errors: MEMORY, and what `write` returns. */
int th_report_json(const struct th_report *report,
                   int (*write)(void *arg, const char *text, size_t text_bytes), void *arg);

/* The same into a file, "-" for standard output. A reader sees the old file or the whole new one:
 * it is written under a temporary name beside it and renamed. What is not a regular file (a
 * device, a pipe, a link) is written in place. Errors: FILE, MEMORY, with the sentence in fault. */
int th_report_json_file(const struct th_report *report, const char *path, struct th_fault *fault);

/* Reads such an object again. Names in the report point into `text`, which is changed, and what in
 * them could drive a terminal is replaced; keys that are not known are left out. False: it is no
 * such object; what stood before the mistake is read. */
bool th_report_read(struct th_report *report, char *text);

#endif

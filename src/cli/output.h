/* A file that a command writes, or standard output. */
#ifndef TH_CLI_OUTPUT_H
#define TH_CLI_OUTPUT_H

#include <thimble/key.h>

/* Opened with the first line: who fails before leaves no file behind. */
struct th_cli_output {
    const char *path;       /* NULL: standard output */
    unsigned mode;
    int fd;                 /* -1 until then */
    struct th_fault *fault;
    const char *temporary;  /* it is written here, and then takes the place of what is at `path`;
                             * NULL: at `path` there must be nothing */
    bool as_json; /* {"pem":"..."}, or {"file":"..."} when that was written */
    bool begun;   /* that is, on standard output */
};

/* th_text_sink.write, with the output as `arg`. */
int th_cli_output_write(void *arg, const char *text, size_t bytes);

/* Ends with `result`: less than 0 removes the file. Returns the exit status, after having said what
 * went wrong. */
int th_cli_output_finish(struct th_cli_output *output, int result);

#endif

/* What is wrong with the command line: option, value and remedy, in one line. */
#ifndef TH_CLI_PROBLEM_H
#define TH_CLI_PROBLEM_H

#include <stdbool.h>

struct th_cli_problem {
    char text[320];
    int status; /* what to end with, if it is no mistake on the command line */
};

/* Writes the line; returns false, so that a check can end with it. */
bool th_cli_problem(struct th_cli_problem *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

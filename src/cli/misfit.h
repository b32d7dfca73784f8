/* A word too much, or one that means nothing where it stands. */
#ifndef TH_CLI_MISFIT_H
#define TH_CLI_MISFIT_H

/* Says so, and what lists the words that fit. Returns the exit status. */
int th_cli_misfit(const char *word, const char *command);

#endif

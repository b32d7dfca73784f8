/* "Did you mean ...": the nearest of some words, by edit distance. */
#ifndef TH_CLI_NEAREST_H
#define TH_CLI_NEAREST_H

#define TH_CLI_NEAREST_BYTES 40

/* Insertions, deletions and replacements between two words; words longer than
 * TH_CLI_NEAREST_BYTES are far from everything. */
unsigned th_cli_distance(const char *a, const char *b);

/* True if a typing error explains the difference. */
int th_cli_is_near(const char *typed, unsigned distance);

#endif

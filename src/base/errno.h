/* Words for errno: those a program of sockets and files meets, in a quarter of libc's 2.5 KB. */
#ifndef TH_BASE_ERRNO_H
#define TH_BASE_ERRNO_H

/* "Connection refused"; "error 123" for what is not in the table, written to `text`. */
#define TH_ERRNO_TEXT_BYTES 24
const char *th_errno_text(int number, char text[TH_ERRNO_TEXT_BYTES]);

#endif

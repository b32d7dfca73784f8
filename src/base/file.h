/* System calls on files, made again when a signal interrupts them. */
#ifndef TH_BASE_FILE_H
#define TH_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* open(2), with O_CLOEXEC. `mode` counts with O_CREAT. A descriptor, or -1 and errno. */
int th_file_open(const char *path, int flags, unsigned mode);

/* From now on nobody waits for another process at the other end of a FIFO: where none is, it is
 * empty. For who reads files again while a connection has to be kept. */
void th_file_wait_no_more(void);

/* read(2), until the end or until the buffer is full; waits where somebody who shares the
 * descriptor made it non-blocking. Bytes, or -1 and errno. */
ssize_t th_file_read(int fd, void *buffer, size_t buffer_bytes);

/* fsync(2). 0, or -1 and errno. */
int th_file_sync(int fd);

/* write(2), until all is written. 0, or -1 and errno. */
int th_file_write(int fd, const void *data, size_t bytes);

/* Closes one that is open, and makes it -1. */
void th_file_close(int *fd);

#endif

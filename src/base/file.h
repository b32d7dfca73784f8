/* System calls on files, made again when a signal interrupts them. */
#ifndef TH_BASE_FILE_H
#define TH_BASE_FILE_H

/* open(2), with O_CLOEXEC. `mode` counts with O_CREAT. A descriptor, or -1 and errno. */
int th_file_open(const char *path, int flags, unsigned mode);

/* fsync(2). 0, or -1 and errno. */
int th_file_sync(int fd);

#endif

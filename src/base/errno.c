#include "base/errno.h"

#include "base/format.h"
#include "base/words.h"

#include <errno.h>

#define WORDS(WORD) \
    WORD(EPERM, "Operation not permitted") \
    WORD(ENOENT, "No such file or directory") \
    WORD(EINTR, "Interrupted system call") \
    WORD(EIO, "Input/output error") \
    WORD(ENXIO, "No such device or address") \
    WORD(EBADF, "Bad file descriptor") \
    WORD(EAGAIN, "Resource temporarily unavailable") \
    WORD(ENOMEM, "Cannot allocate memory") \
    WORD(EACCES, "Permission denied") \
    WORD(EEXIST, "File exists") \
    WORD(ENODEV, "No such device") \
    WORD(ENOTDIR, "Not a directory") \
    WORD(EISDIR, "Is a directory") \
    WORD(EINVAL, "Invalid argument") \
    WORD(ENFILE, "Too many open files in system") \
    WORD(EMFILE, "Too many open files") \
    WORD(EFBIG, "File too large") \
    WORD(ENOSPC, "No space left on device") \
    WORD(EROFS, "Read-only file system") \
    WORD(EPIPE, "Broken pipe") \
    WORD(ENAMETOOLONG, "File name too long") \
    WORD(ENOSYS, "Function not implemented") \
    WORD(ELOOP, "Too many levels of symbolic links") \
    WORD(EPROTO, "Protocol error") \
    WORD(EPROTOTYPE, "Protocol wrong type for socket") \
    WORD(EAFNOSUPPORT, "Address family not supported by protocol") \
    WORD(EADDRINUSE, "Address already in use") \
    WORD(EADDRNOTAVAIL, "Cannot assign requested address") \
    WORD(ENETDOWN, "Network is down") \
    WORD(ENETUNREACH, "Network is unreachable") \
    WORD(ECONNABORTED, "Software caused connection abort") \
    WORD(ECONNRESET, "Connection reset by peer") \
    WORD(ENOBUFS, "No buffer space available") \
    WORD(ETIMEDOUT, "Connection timed out") \
    WORD(ECONNREFUSED, "Connection refused") \
    WORD(EHOSTDOWN, "Host is down") \
    WORD(EHOSTUNREACH, "No route to host") \
    WORD(EDQUOT, "Disk quota exceeded")

TH_WORDS(words, WORDS);

const char *th_errno_text(int number, char text[TH_ERRNO_TEXT_BYTES])
{
    const char *known = th_words_find(&words, number);
    if (known)
        return known;
    th_format(text, TH_ERRNO_TEXT_BYTES, "error %d", number);
    return text;
}

#include "identity/directory.h"

#include "base/file.h"
#include "base/format.h"

#include <fcntl.h>
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <thimble.h>
#include <unistd.h>

#define PATH_BYTES 512

/* As the kernel writes it: getdents64(2). */
struct entry {
    uint64_t inode;
    int64_t next;
    uint16_t bytes; /* of this entry, name included */
    uint8_t type;
    char name[];
};

struct listing {
    const char *path;
    int (*take)(void *arg, const char *name);
    void *arg;
    _Alignas(8) char entries[1024];
};

static int take_entry(struct listing *listing, const struct entry *entry)
{
    char path[PATH_BYTES];
    size_t bytes = strlen(listing->path) + 1 + strlen(entry->name) + 1;
    if (*entry->name == '.' || bytes > sizeof path)
        return 0;
    th_format(path, sizeof path, "%s/%s", listing->path, entry->name);
    return listing->take(listing->arg, path);
}

static int take_entries(struct listing *listing, long bytes)
{
    int result = 0;
    const struct entry *entry;
    for (long at = 0; result == 0 && at < bytes; at += entry->bytes) {
        entry = (const struct entry *)(const void *)(listing->entries + at);
        result = take_entry(listing, entry);
    }
    return result;
}

bool th_directory_names_certificate(const char *path)
{
    static const char endings[] = ".pem\0.crt\0.cer\0.0\0.1\0.2\0.3\0";
    size_t bytes = strlen(path);
    for (const char *ending = endings; *ending; ending += strlen(ending) + 1)
        if (bytes > strlen(ending) && strcmp(path + bytes - strlen(ending), ending) == 0)
            return true;
    return false;
}

int th_directory_each(const char *path, int (*take)(void *arg, const char *name), void *arg)
{
    struct listing listing = {.path = path, .take = take, .arg = arg};
    long bytes = -1;
    int result = 0;
    int fd = th_file_open(path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return TH_E_FILE;
    while (result == 0 && (bytes = syscall(SYS_getdents64, fd, listing.entries,
                                           sizeof listing.entries)) > 0)
        result = take_entries(&listing, bytes);
    close(fd);
    return result < 0 ? result : bytes < 0 ? TH_E_FILE : 0;
}

#include "store/files.h"

#include "base/err.h"
#include "base/file.h"
#include "base/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <thimble/identity.h>
#include <unistd.h>

#define TEMPORARY_BYTES 32

static int fail(struct th_fault *fault, const char *what, const char *name)
{
    bool is_missing = errno == ENOENT || errno == ENOTDIR;
    bool is_refused = errno == EACCES || errno == EPERM || errno == ELOOP;
    int code = th_fault_set_errno(fault, TH_E_FILE, "cannot %s %s", what, name);
    if (is_missing || is_refused)
        th_fault_because(fault, is_missing ? TH_MISSING : TH_BAD_PERMISSIONS, code);
    return code;
}

static int complain(struct th_fault *fault, enum th_validity reason, const char *name,
                    const char *problem)
{
    return th_fault_because(fault, reason,
                            th_fault_set(fault, TH_E_FILE, "%s %s", name, problem));
}

static int check_private(const struct stat *about, const char *name, struct th_fault *fault)
{
    if (about->st_uid != geteuid())
        return complain(fault, TH_BAD_PERMISSIONS, name,
                        "belongs to another user; run thimble as its owner, or chown it");
    if (about->st_mode & 077)
        return complain(fault, TH_BAD_PERMISSIONS, name,
                        "is open to other users; chmod go= it, and replace the key if it was read");
    return 0;
}

static int open_at(int at, const char *name, int flags)
{
    int fd;
    do
        fd = openat(at, name, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* Closes `fd` unless all is well with it. */
static int kept(int fd, int result)
{
    if (result >= 0)
        return fd;
    close(fd);
    return result;
}

int th_store_directory(int at, const char *name, bool create, struct th_fault *fault)
{
    struct stat about;
    if (create && mkdirat(at, name, 0700) == 0 && th_store_sync(at, fault) < 0)
        return TH_E_FILE;
    int fd = open_at(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &about) < 0)
        return fail(fault, "open", name);
    return kept(fd, check_private(&about, name, fault));
}

/* A base is where identities of others may lie, too; but nobody else may put one there. */
static int check_base(const struct stat *about, const char *path, struct th_fault *fault)
{
    bool is_ours = about->st_uid == geteuid() || about->st_uid == 0;
    if (is_ours && !(about->st_mode & 022))
        return 0;
    return complain(fault, TH_BAD_PERMISSIONS, path,
                    "can be changed by other users; chown it, and chmod go-w");
}

/* A directory that is new stands in the one above it only when that is synced. */
static void make_directory(const char *path)
{
    char parent[TH_STORE_PATH_BYTES + sizeof "/.."];
    if (mkdir(path, 0700) < 0)
        return;
    th_format(parent, sizeof parent, "%s/..", path);
    int fd = open_at(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY);
    th_file_sync(fd);
    close(fd);
}

static void make_directories(const char *path)
{
    char part[TH_STORE_PATH_BYTES];
    for (const char *slash = path; (slash = strchr(slash + 1, '/')); ) {
        th_format(part, sizeof part, "%.*s", (int)(slash - path), path);
        make_directory(part);
    }
    make_directory(path);
}

int th_store_base(const char *path, enum th_store_base use, struct th_fault *fault)
{
    struct stat about;
    if (strlen(path) >= TH_STORE_PATH_BYTES)
        return th_fault_set(fault, TH_E_ARGUMENT, "the path of the directory is too long");
    if (use == TH_STORE_MAKE)
        make_directories(path);
    int fd = open_at(AT_FDCWD, path, (use == TH_STORE_PASS ? O_PATH : O_RDONLY) | O_DIRECTORY);
    if (fd < 0 || fstat(fd, &about) < 0)
        return fail(fault, "open", path);
    return kept(fd, check_base(&about, path, fault));
}

/* ---- files ----------------------------------------------------------------------------------- */

static int check_file(int fd, const char *name, bool foreign, struct th_fault *fault)
{
    struct stat about;
    if (fstat(fd, &about) < 0)
        return fail(fault, "look at", name);
    if (S_ISDIR(about.st_mode))
        return complain(fault, TH_INVALID_FORMAT, name, "is a directory; name a file");
    if (!S_ISREG(about.st_mode))
        return complain(fault, TH_MISSING, name, "is no regular file; store it in one");
    return foreign ? 0 : check_private(&about, name, fault);
}

static int read_all(int fd, const char *name, void *room, size_t room_bytes,
                    struct th_fault *fault)
{
    ssize_t used = th_file_read(fd, room, room_bytes);
    if (used < 0)
        return fail(fault, "read", name);
    if ((size_t)used == room_bytes)
        return complain(fault, TH_INVALID_FORMAT, name, "is too large for what it should hold");
    return (int)used;
}

int th_store_file(int at, const char *name, bool foreign, struct th_fault *fault)
{
    int fd = open_at(at, name, O_RDONLY | (foreign ? 0 : O_NOFOLLOW));
    return fd < 0 ? fail(fault, "open", name) : kept(fd, check_file(fd, name, foreign, fault));
}

int th_store_read(int at, const char *name, bool foreign, void *room, size_t room_bytes,
                  struct th_fault *fault)
{
    int fd = th_store_file(at, name, foreign, fault);
    if (fd < 0)
        return fd;
    int result = read_all(fd, name, room, room_bytes, fault);
    close(fd);
    return result;
}

static int hash_all(int fd, const char *name, struct th_crypt_hash *hash, struct th_fault *fault)
{
    uint8_t text[512];
    ssize_t got;
    do {
        got = read(fd, text, sizeof text);
        th_crypt_hash_add(hash, text, got > 0 ? (size_t)got : 0);
    } while (got > 0 || (got < 0 && errno == EINTR));
    explicit_bzero(text, sizeof text);
    return got < 0 ? fail(fault, "read", name) : 0;
}

int th_store_hash(int at, const char *name, struct th_crypt_hash *hash, struct th_fault *fault)
{
    int fd = th_store_file(at, name, false, fault);
    if (fd < 0)
        return fd;
    int result = hash_all(fd, name, hash, fault);
    close(fd);
    return result;
}

static bool write_all(int fd, struct th_slice content)
{
    while (content.len_bytes > 0) {
        ssize_t written = write(fd, content.data, content.len_bytes);
        if (written < 0 && errno != EINTR)
            return false;
        size_t bytes = written > 0 ? (size_t)written : 0;
        content = (struct th_slice){content.data + bytes, content.len_bytes - bytes};
    }
    return true;
}

/* What a power cut has left of one goes first: the file is ours, with the mode we give it. */
static bool write_temporary(int at, const char *name, struct th_slice content)
{
    unlinkat(at, name, 0);
    int fd = open_at(at, name, O_WRONLY | O_CREAT | O_EXCL);
    if (fd < 0)
        return false;
    bool good = write_all(fd, content) && th_file_sync(fd) == 0;
    return close(fd) == 0 && good;
}

int th_store_write(int at, const char *name, struct th_slice content, struct th_fault *fault)
{
    char temporary[TEMPORARY_BYTES];
    th_format(temporary, sizeof temporary, "%s.new", name);
    if (write_temporary(at, temporary, content) && renameat(at, temporary, at, name) == 0)
        return 0;
    int result = fail(fault, "write", name);
    unlinkat(at, temporary, 0);
    return result;
}

bool th_store_is_there(int at, const char *name)
{
    struct stat about;
    return fstatat(at, name, &about, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

int th_store_remove(int at, const char *name, struct th_fault *fault)
{
    return unlinkat(at, name, 0) == 0 || errno == ENOENT ? 0 : fail(fault, "remove", name);
}

int th_store_sync(int at, struct th_fault *fault)
{
    return th_file_sync(at) == 0 ? 0 : fail(fault, "sync", "the directory");
}

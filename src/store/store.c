#include "store/store.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/format.h"
#include "base/slice.h"
#include "base/text.h"
#include "crypt/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <thimble/identity.h>
#include <unistd.h>

#define VALID "cert_valid"
#define CURRENT "current"
#define LOOK_AGAIN_MS 20
#define DIGEST_BYTES (2 * TH_CRYPT_HASH_BYTES + 1) /* in digits, and a newline or NUL */

const char *th_store_part_name(enum th_store_part part)
{
    return th_text_nth("device_cert\0" "private_key\0" "iot_endpoint\0" "ca_cert\0" "cert_meta",
                       part);
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";
    size_t bytes = strlen(name);
    return bytes > 0 && bytes < TH_STORE_NAME_BYTES && *name != '.' &&
           strspn(name, allowed) == bytes;
}

static char other(char generation)
{
    return generation == 'a' ? 'b' : 'a';
}

static bool is_generation(const char *line, int bytes)
{
    return (*line == 'a' || *line == 'b') && line[bytes - 1] == '\n' &&
           (bytes == 2 || (bytes == 3 && line[1] == other(*line)));
}

/* 0: not there. */
static int read_current(struct th_store *store, struct th_fault *fault)
{
    char line[4];
    int bytes = th_store_read(store->fd, CURRENT, false, line, sizeof line, fault);
    bool is_one = bytes > 0 && is_generation(line, bytes);
    store->current = is_one ? *line : 0;
    store->on_trial = is_one && bytes == 3;
    if (bytes < 0 || is_one)
        return bytes < 0 ? bytes : 0;
    return th_fault_because(fault, TH_CORRUPTED,
                            th_fault_set(fault, TH_E_FILE, CURRENT " names no generation; thimble "
                                         "identity use sets it"));
}

static unsigned patience_ms = TH_STORE_WAIT_MS;

void th_store_wait(unsigned ms)
{
    patience_ms = ms;
}

static int lock(int fd, bool change, struct th_fault *fault)
{
    uint64_t until_ms = th_clock_ms() + patience_ms;
    while (flock(fd, LOCK_NB | (change ? LOCK_EX : LOCK_SH)) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return th_fault_set_errno(fault, TH_E_FILE, "cannot lock it");
        if (th_clock_ms() >= until_ms)
            return th_fault_set(fault, TH_E_TIMEOUT, "another process holds the identity (lslocks "
                                "shows which); try again when it is done");
        poll(NULL, 0, LOOK_AGAIN_MS);
    }
    return 0;
}

static int open_locked(struct th_store *store, bool change, struct th_fault *fault)
{
    struct th_fault found = {0};
    int result = lock(store->fd, change, fault);
    if (result == 0)
        result = read_current(store, &found);
    if (change && found.reason && found.reason != TH_BAD_PERMISSIONS)
        return 0;
    if (found.code && fault)
        *fault = found;
    return result;
}

int th_store_open(struct th_store *store, int base, const char *name, enum th_store_mode mode,
                  struct th_fault *fault)
{
    *store = (struct th_store){.fd = -1};
    if (!is_name(name))
        return th_fault_set(fault, TH_E_ARGUMENT, "is no name for an identity: letters, digits, "
                            ". _ -, at most 63, not a dot in front");
    store->fd = th_store_directory(base, name, mode == TH_STORE_CREATE, fault);
    int result = store->fd < 0 ? store->fd : open_locked(store, mode != TH_STORE_READ, fault);
    if (result < 0)
        th_store_close(store);
    return result;
}

void th_store_close(struct th_store *store)
{
    if (store->fd >= 0)
        close(store->fd);
    store->fd = -1;
}

char th_store_other(const struct th_store *store)
{
    return other(store->current);
}

/* ---- the digest ------------------------------------------------------------------------------ */

/* One part: its name, whether it is there, and what it holds. */
static void begin_part(struct th_crypt_hash *hash, int part, bool is_there)
{
    th_crypt_hash_add(hash, th_store_part_name(part), strlen(th_store_part_name(part)));
    th_crypt_hash_add(hash, is_there ? "+" : "-", 1);
}

static bool write_digest(const struct th_crypt_hash *hash, char line[DIGEST_BYTES + 1])
{
    uint8_t digest[TH_CRYPT_HASH_BYTES];
    if (!th_crypt_hash_value(hash, digest))
        return false;
    for (size_t i = 0; i < sizeof digest; i++)
        th_format(line + 2 * i, 4, "%02x\n", digest[i]);
    return true;
}

static int hash_parts(int fd, struct th_crypt_hash *hash, struct th_fault *fault)
{
    int result = 0;
    th_crypt_hash_begin(hash);
    for (int part = 0; result == 0 && part < TH_STORE_META; part++) {
        bool present = part != TH_STORE_ROOTS ||
                       th_store_is_there(fd, th_store_part_name(part));
        begin_part(hash, part, present);
        if (present)
            result = th_store_hash(fd, th_store_part_name(part), hash, fault);
    }
    return result;
}

static int check_digest(int fd, struct th_fault *fault)
{
    struct th_crypt_hash hash;
    char stored[DIGEST_BYTES + 1], line[DIGEST_BYTES + 1];
    int bytes = th_store_read(fd, VALID, false, stored, sizeof stored, fault);
    int result = bytes < 0 ? bytes : hash_parts(fd, &hash, fault);
    if (result < 0)
        return result;
    if (bytes == DIGEST_BYTES && write_digest(&hash, line) && !memcmp(stored, line, DIGEST_BYTES))
        return 0;
    return th_fault_because(fault, TH_CORRUPTED,
                            th_fault_set(fault, TH_E_FILE, "its files are not those that were "
                                         "stored; thimble identity rollback takes the other "
                                         "generation, import stores it anew"));
}

int th_store_generation(const struct th_store *store, char generation, struct th_fault *fault)
{
    int fd = th_store_directory(store->fd, (char[]){generation, 0}, false, fault);
    int result = fd < 0 ? fd : check_digest(fd, fault);
    if (fd < 0 && fault && fault->reason == TH_MISSING)
        th_format(fault->text, sizeof fault->text, "there is no generation %c; thimble identity "
                  "import stores one", generation);
    if (fd >= 0 && result < 0)
        close(fd);
    return result < 0 ? result : fd;
}

/* ---- changing -------------------------------------------------------------------------------- */

static int put_part(int fd, int part, struct th_slice content, struct th_crypt_hash *hash,
                    struct th_fault *fault)
{
    const char *name = th_store_part_name(part);
    if (part < TH_STORE_META) {
        begin_part(hash, part, content.data);
        th_crypt_hash_add(hash, content.data, content.len_bytes);
    }
    return content.data ? th_store_write(fd, name, content, fault)
                        : th_store_remove(fd, name, fault);
}

/* What is judged whole by its digest must be on the disk before it. */
static int put_valid(int fd, const struct th_crypt_hash *hash, struct th_fault *fault)
{
    char line[DIGEST_BYTES + 1];
    int result = th_store_sync(fd, fault);
    if (result == 0 && !write_digest(hash, line))
        result = th_fault_set(fault, TH_E_SYSTEM, "cannot hash it");
    if (result == 0)
        result = th_store_write(fd, VALID, th_slice_of(line, DIGEST_BYTES), fault);
    return result < 0 ? result : th_store_sync(fd, fault);
}

static int put_parts(int fd, const struct th_slice parts[TH_STORE_PARTS], struct th_fault *fault)
{
    struct th_crypt_hash hash;
    th_crypt_hash_begin(&hash);
    int result = th_store_remove(fd, VALID, fault);
    if (result == 0)
        result = th_store_sync(fd, fault);
    for (int part = 0; result == 0 && part < TH_STORE_PARTS; part++)
        result = put_part(fd, part, parts[part], &hash, fault);
    return result < 0 ? result : put_valid(fd, &hash, fault);
}

/* On a disk that is full, what is half there would only be in the way; and it holds a key. */
static void drop_parts(int fd)
{
    th_store_remove(fd, VALID, NULL);
    for (int part = 0; part < TH_STORE_PARTS; part++)
        th_store_remove(fd, th_store_part_name(part), NULL);
}

int th_store_put(const struct th_store *store, const struct th_slice parts[TH_STORE_PARTS],
                 struct th_fault *fault)
{
    int fd = th_store_directory(store->fd, (char[]){th_store_other(store), 0}, true, fault);
    if (fd < 0)
        return fd;
    int result = put_parts(fd, parts, fault);
    if (result < 0)
        drop_parts(fd);
    close(fd);
    return result;
}

static int write_current(struct th_store *store, const char *line, struct th_fault *fault)
{
    int result = th_store_write(store->fd, CURRENT, th_slice_text(line), fault);
    if (result == 0)
        result = th_store_sync(store->fd, fault);
    if (result == 0)
        store->current = *line;
    return result;
}

int th_store_promote(struct th_store *store, char generation, struct th_fault *fault)
{
    return write_current(store, (char[]){generation, '\n', 0}, fault);
}

int th_store_hold_to(struct th_store *store, char generation, struct th_fault *fault)
{
    return write_current(store, (char[]){generation, other(generation), '\n', 0}, fault);
}

/* ---- listing --------------------------------------------------------------------------------- */

/* getdents64(2). libc's readdir() allocates. */
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t type;
    char name[];
};

int th_store_list(int base, void (*each)(void *arg, const char *name), void *arg,
                  struct th_fault *fault)
{
    _Alignas(struct entry) char entries[1024];
    long bytes;
    while ((bytes = syscall(SYS_getdents64, base, entries, sizeof entries)) > 0)
        for (long at = 0; at < bytes; at += ((struct entry *)(void *)(entries + at))->bytes)
            if (is_name(((struct entry *)(void *)(entries + at))->name))
                each(arg, ((struct entry *)(void *)(entries + at))->name);
    return bytes < 0 ? th_fault_set_errno(fault, TH_E_FILE, "cannot list identities") : 0;
}

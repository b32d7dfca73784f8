#include "cli/sessionfile.h"

#include "base/err.h"
#include "base/roomy.h"
#include "cli/keptfile.h"
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* The session, a ticket with it, and what a server puts into one: a certificate of ours. */
#define ROOM_BYTES 8176

#define MARK "thimble" " session\n" /* as two literals it is no sentence that is packed */
#define MARK_BYTES 16

static TH_ROOMY struct {
    _Alignas(16) uint8_t file[MARK_BYTES + ROOM_BYTES]; /* what has no mark in front is not ours */
    int fd;
    bool open;
} own;

/* In place: what a power cut leaves half written is not taken for a session. */
static void keep(void *arg, size_t bytes)
{
    (void)arg;
    memcpy(own.file, MARK, MARK_BYTES);
    bool cut = ftruncate(own.fd, 0) < 0;
    ssize_t written = cut || !bytes ? 0 : pwrite(own.fd, own.file, MARK_BYTES + bytes, 0);
    (void)written; /* without it the next handshake is an ordinary one */
}

/* Empty, of us, or where a power cut has left its length and no content. */
static bool is_ours(ssize_t got)
{
    static const char nothing[MARK_BYTES];
    size_t bytes = got < MARK_BYTES ? (size_t)got : MARK_BYTES;
    return got >= 0 && (!memcmp(own.file, nothing, bytes) ||
                        (bytes == MARK_BYTES && !memcmp(own.file, MARK, bytes)));
}

int th_cli_sessionfile_open(const char *path, struct th_resumption *resumption,
                            struct th_fault *fault)
{
    own.fd = th_cli_keptfile_open("session-file", path, fault);
    if (own.fd < 0)
        return own.fd;
    own.open = true;
    if (flock(own.fd, LOCK_EX | LOCK_NB) < 0)
        return 0;
    ssize_t got = read(own.fd, own.file, sizeof own.file);
    if (!is_ours(got))
        return th_fault_set(fault, TH_E_FILE, "--session-file %s: holds something else; nothing "
                            "is overwritten: delete it, or name another", path);
    size_t bytes = got > MARK_BYTES ? (size_t)got - MARK_BYTES : 0;
    *resumption = (struct th_resumption){own.file + MARK_BYTES, ROOM_BYTES, bytes, keep,
                                         NULL};
    return 0;
}

void th_cli_sessionfile_close(void)
{
    if (!own.open)
        return;
    explicit_bzero(own.file, sizeof own.file);
    close(own.fd);
    own.open = false;
}

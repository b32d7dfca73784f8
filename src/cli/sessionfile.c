#include "cli/sessionfile.h"

#include "base/err.h"
#include "cli/keptfile.h"
#include "cli/lane.h"
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* The session, a ticket with it, and what a server puts into one: a certificate of ours. */
#define ROOM_BYTES 8176

#define MARK "thimble" " session\n" /* as two literals it is no sentence that is packed */
#define MARK_BYTES 16

struct lane {
    _Alignas(16) uint8_t file[MARK_BYTES + ROOM_BYTES]; /* what has no mark in front is not ours */
    int fd;
    bool open;
};
TH_LANE_ROOMY(struct lane, sessions);

/* In place: what a power cut leaves half written is not taken for a session. */
static void keep(void *arg, size_t bytes)
{
    (void)arg;
    memcpy(sessions->file, MARK, MARK_BYTES);
    bool cut = ftruncate(sessions->fd, 0) < 0;
    ssize_t written = cut || !bytes
                          ? 0 : pwrite(sessions->fd, sessions->file, MARK_BYTES + bytes, 0);
    (void)written; /* without it the next handshake is an ordinary one */
}

/* Empty, of us, or where a power cut has left its length and no content. */
static bool is_ours(ssize_t got)
{
    static const char nothing[MARK_BYTES];
    size_t bytes = got < MARK_BYTES ? (size_t)got : MARK_BYTES;
    return got >= 0 && (!memcmp(sessions->file, nothing, bytes) ||
                        (bytes == MARK_BYTES && !memcmp(sessions->file, MARK, bytes)));
}

int th_cli_sessionfile_open(const char *path, struct th_resumption *resumption,
                            struct th_fault *fault)
{
    sessions->fd = th_cli_keptfile_open("session-file", path, fault);
    if (sessions->fd < 0)
        return sessions->fd;
    sessions->open = true;
    if (flock(sessions->fd, LOCK_EX | LOCK_NB) < 0)
        return 0;
    ssize_t got = read(sessions->fd, sessions->file, sizeof sessions->file);
    if (!is_ours(got))
        return th_fault_set(fault, TH_E_FILE, "--session-file %s: holds something else; nothing "
                            "is overwritten: delete it, or name another", path);
    size_t bytes = got > MARK_BYTES ? (size_t)got - MARK_BYTES : 0;
    *resumption = (struct th_resumption){sessions->file + MARK_BYTES, ROOM_BYTES, bytes, keep,
                                         NULL};
    return 0;
}

void th_cli_sessionfile_close(void)
{
    if (!sessions->open)
        return;
    explicit_bzero(sessions->file, sizeof sessions->file);
    close(sessions->fd);
    sessions->open = false;
}

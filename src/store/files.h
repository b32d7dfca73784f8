/* Files of the store. What is read or changed must belong to who runs the program and be readable
 * and writable by nobody else; symbolic links are not followed. A change is a temporary file,
 * written and synced, that takes the old one's place.
 *
 * Names are relative to a directory descriptor. Errors: FILE, with reason TH_MISSING,
 * TH_BAD_PERMISSIONS or TH_INVALID_FORMAT (too large) where one of them is the cause. */
#ifndef TH_STORE_FILES_H
#define TH_STORE_FILES_H

#include "crypt/hash.h"
#include <thimble.h>

#define TH_STORE_PATH_BYTES 512

/* What the base is wanted for: an identity in it (the sandbox need not let us read the others), the
 * list of all, or to make it, with the directories above, if it is not there. */
enum th_store_base { TH_STORE_PASS, TH_STORE_LIST, TH_STORE_MAKE };

/* Where identities lie: a path shorter than TH_STORE_PATH_BYTES. The descriptor. */
int th_store_base(const char *path, enum th_store_base use, struct th_fault *fault);

/* A directory in it; made first, with mode 0700, if `create`. The descriptor. */
int th_store_directory(int at, const char *name, bool create, struct th_fault *fault);

/* A regular file, to read. `foreign`: it may belong to anybody and be a symbolic link. A FIFO does
 * not block: it is refused. The descriptor. */
int th_store_file(int at, const char *name, bool foreign, struct th_fault *fault);

/* Reads all of a regular file into `room`, and returns its bytes; likewise. */
int th_store_read(int at, const char *name, bool foreign, void *room, size_t room_bytes,
                  struct th_fault *fault);

/* Adds what a file holds to `hash`. */
int th_store_hash(int at, const char *name, struct th_crypt_hash *hash, struct th_fault *fault);

/* Replaces a file: whatever happens, its old or its new content stands there. That it is the new
 * one is sure only after th_store_sync() of the directory. */
int th_store_write(int at, const char *name, struct th_slice content, struct th_fault *fault);

bool th_store_is_there(int at, const char *name);

/* Removes a file, if it is there. */
int th_store_remove(int at, const char *name, struct th_fault *fault);

/* What was done in the directory survives a power cut. */
int th_store_sync(int at, struct th_fault *fault);

#endif

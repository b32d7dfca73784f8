/* What the linked image reserves: the section headers of our own file, which strip leaves. The
 * linker gives each large object a section of its own (config/layout.awk), so that their names tell
 * whose the bytes are. */
#ifndef TH_REPORT_IMAGE_H
#define TH_REPORT_IMAGE_H

#include <stdint.h>
#include <thimble.h>

#define TH_IMAGE_NAMES_BYTES 512

enum th_image_kind {
    TH_IMAGE_CODE,
    TH_IMAGE_CONSTANTS,
    TH_IMAGE_VARIABLES,
    TH_IMAGE_THREAD, /* of each thread; the only one has its copy among the variables */
    TH_IMAGE_KINDS
};

struct th_image {
    uint32_t file_bytes;
    uint32_t memory_bytes; /* all segments that are mapped at the start, touched or not */
    uint32_t kind_bytes[TH_IMAGE_KINDS];
};

/* Tells the sections that are in memory when the program runs, in their order, and fills `image`.
 * Errors: FILE, with errno; EINVAL stands for what is not such a file. */
int th_image_read(struct th_image *image,
                  void (*tell)(const char *name, enum th_image_kind kind, uint32_t bytes));

/* Segments that are mapped with at least these rights (PF_W ...). */
uint32_t th_image_segments_bytes(uint32_t rights);

#endif

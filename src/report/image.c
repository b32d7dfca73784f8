#include "report/image.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static bool is_mapped(const ElfW(Phdr) *segment, uint32_t rights)
{
    return segment->p_type == PT_LOAD && (segment->p_flags & rights) == rights;
}

uint32_t th_image_segments_bytes(uint32_t rights)
{
    const ElfW(Phdr) *segment = (const void *)getauxval(AT_PHDR);
    uint32_t bytes = 0;
    for (unsigned long left = getauxval(AT_PHNUM); segment && left > 0; left--, segment++)
        if (is_mapped(segment, rights))
            bytes += (uint32_t)segment->p_memsz;
    return bytes;
}

struct reader {
    int fd;
    bool failed;
    ElfW(Ehdr) header;
    char names[TH_IMAGE_NAMES_BYTES];
};

static void read_at(struct reader *reader, uint64_t offset, void *to, size_t bytes)
{
    reader->failed |= pread(reader->fd, to, bytes, (off_t)offset) != (ssize_t)bytes;
}

static void read_section(struct reader *reader, unsigned number, ElfW(Shdr) *section)
{
    read_at(reader, reader->header.e_shoff + number * sizeof *section, section, sizeof *section);
}

static void begin(struct reader *reader)
{
    read_at(reader, 0, &reader->header, sizeof reader->header);
    ElfW(Shdr) names = {0};
    read_section(reader, reader->header.e_shstrndx, &names);
    reader->failed |= names.sh_size > sizeof reader->names;
    if (!reader->failed)
        read_at(reader, names.sh_offset, reader->names, names.sh_size);
}

static enum th_image_kind kind_of(const ElfW(Shdr) *section)
{
    if (section->sh_flags & SHF_EXECINSTR)
        return TH_IMAGE_CODE;
    if (section->sh_flags & SHF_TLS)
        return TH_IMAGE_THREAD;
    return section->sh_flags & SHF_WRITE ? TH_IMAGE_VARIABLES : TH_IMAGE_CONSTANTS;
}

int th_image_read(struct th_image *image,
                  void (*tell)(const char *name, enum th_image_kind kind, uint32_t bytes))
{
    struct reader reader = {.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    if (reader.fd < 0)
        return TH_E_FILE;
    *image = (struct th_image){.memory_bytes = th_image_segments_bytes(0),
                               .file_bytes = (uint32_t)lseek(reader.fd, 0, SEEK_END)};
    begin(&reader);
    for (unsigned i = 0; i < reader.header.e_shnum && !reader.failed; i++) {
        ElfW(Shdr) section = {0};
        read_section(&reader, i, &section);
        if (!(section.sh_flags & SHF_ALLOC))
            continue;
        enum th_image_kind kind = kind_of(&section);
        image->kind_bytes[kind] += (uint32_t)section.sh_size;
        tell(reader.names + section.sh_name % sizeof reader.names, kind, (uint32_t)section.sh_size);
    }
    close(reader.fd);
    errno = EINVAL;
    return reader.failed ? TH_E_FILE : TH_OK;
}

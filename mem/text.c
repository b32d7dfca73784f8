/* Binary only: the functions of libc that read short texts, in few bytes. Those of musl are made
 * for long ones and would be 3.3 KB. Compiled on its own and without built-in functions: a compiler
 * that knows what strlen() is would make this one call itself. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- lengths and searches -------------------------------------------------------------------- */

size_t strnlen(const char *text, size_t most)
{
    size_t bytes = 0;
    while (bytes < most && text[bytes])
        bytes++;
    return bytes;
}

size_t strlen(const char *text)
{
    return strnlen(text, SIZE_MAX);
}

/* Whether one of the eight bytes at `at` may be zero, once they are exclusive-ored with `pattern`:
 * lines are searched in blocks that are read, and may be long. */
static bool may_have(const unsigned char *at, uint64_t pattern)
{
    uint64_t word;
    __builtin_memcpy(&word, at, sizeof word);
    word ^= pattern;
    return (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
}

void *memchr(const void *data, int byte, size_t bytes)
{
    const unsigned char *at = data;
    uint64_t pattern = (unsigned char)byte * UINT64_C(0x0101010101010101);
    for (; bytes >= sizeof pattern && !may_have(at, pattern); bytes -= sizeof pattern)
        at += sizeof pattern;
    for (; bytes; bytes--, at++)
        if (*at == (unsigned char)byte)
            return (void *)at;
    return NULL;
}

void *memrchr(const void *data, int byte, size_t bytes)
{
    const unsigned char *begin = data;
    while (bytes--)
        if (begin[bytes] == (unsigned char)byte)
            return (void *)(begin + bytes);
    return NULL;
}

char *strchrnul(const char *text, int byte)
{
    while (*text && *text != (char)byte)
        text++;
    return (char *)text;
}

/* musl's own name for it. */
char *__strchrnul(const char *text, int byte)
{
    return strchrnul(text, byte);
}

char *strchr(const char *text, int byte)
{
    char *at = strchrnul(text, byte);
    return *at == (char)byte ? at : NULL;
}

char *strrchr(const char *text, int byte)
{
    return memrchr(text, byte, strlen(text) + 1);
}

/* The length of what is at the beginning and all in `set`, or all outside. */
static size_t span(const char *text, const char *set, bool inside)
{
    size_t bytes = 0;
    while (text[bytes] && (strchr(set, text[bytes]) != NULL) == inside)
        bytes++;
    return bytes;
}

size_t strspn(const char *text, const char *set)
{
    return span(text, set, true);
}

size_t strcspn(const char *text, const char *set)
{
    return span(text, set, false);
}

/* ---- comparisons ----------------------------------------------------------------------------- */

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static int same(int c)
{
    return c;
}

static int compare(const char *a, const char *b, size_t most, int (*form)(int))
{
    for (; most && *a && form((unsigned char)*a) == form((unsigned char)*b); a++, b++)
        most--;
    return most ? form((unsigned char)*a) - form((unsigned char)*b) : 0;
}

int strncmp(const char *a, const char *b, size_t most)
{
    return compare(a, b, most, same);
}

int strcmp(const char *a, const char *b)
{
    return compare(a, b, SIZE_MAX, same);
}

int strncasecmp(const char *a, const char *b, size_t most)
{
    return compare(a, b, most, lower);
}

int strcasecmp(const char *a, const char *b)
{
    return compare(a, b, SIZE_MAX, lower);
}

/* ---- copies ---------------------------------------------------------------------------------- */

char *strcpy(char *to, const char *text)
{
    memcpy(to, text, strlen(text) + 1);
    return to;
}

char *strncpy(char *to, const char *text, size_t room)
{
    size_t bytes = strnlen(text, room);
    memcpy(to, text, bytes);
    memset(to + bytes, 0, room - bytes);
    return to;
}

/* ---- addresses (RFC 4291 section 2.2) -------------------------------------------------------- */

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = memchr(digits, lower(c), sizeof digits - 1);
    return at ? (int)(at - digits) : 16;
}

/* One to `most` digits; what follows them, or NULL. */
static const char *take_number(const char *text, int base, int most, unsigned *value)
{
    const char *begin = text;
    *value = 0;
    for (; digit_of(*text) < base; text++)
        if (text - begin < most)
            *value = *value * (unsigned)base + (unsigned)digit_of(*text);
    return text > begin && text - begin <= most ? text : NULL;
}

static bool take_ipv4(const char *text, uint8_t *out)
{
    for (int i = 0; i < 4; i++) {
        unsigned value;
        if (i > 0 && *text++ != '.')
            return false;
        bool leading_zero = text[0] == '0' && digit_of(text[1]) < 10;
        text = take_number(text, 10, 3, &value);
        if (!text || leading_zero || value > 255)
            return false;
        out[i] = (uint8_t)value;
    }
    return !*text;
}

struct groups {
    uint8_t bytes[16];
    int used; /* bytes */
    int gap;  /* where "::" stands; -1: nowhere */
};

static const char *take_gap(struct groups *groups, const char *text)
{
    if (*text != ':')
        return *text ? text : NULL;
    if (groups->gap >= 0)
        return NULL;
    groups->gap = groups->used;
    return text + 1;
}

static const char *take_group(struct groups *groups, const char *text)
{
    unsigned value;
    if (groups->used <= 12 && take_ipv4(text, groups->bytes + groups->used)) {
        groups->used += 4;
        return "";
    }
    text = take_number(text, 16, 4, &value);
    if (!text || groups->used == 16)
        return NULL;
    groups->bytes[groups->used++] = (uint8_t)(value >> 8);
    groups->bytes[groups->used++] = (uint8_t)value;
    if (*text == ':')
        return take_gap(groups, text + 1);
    return *text ? NULL : text;
}

static bool take_ipv6(const char *text, uint8_t *out)
{
    struct groups groups = {.gap = -1};
    if (*text == ':')
        text = text[1] == ':' ? take_gap(&groups, text + 1) : NULL;
    while (text && *text)
        text = take_group(&groups, text);
    if (!text || (groups.gap < 0 ? groups.used != 16 : groups.used == 16))
        return false;
    int gap = groups.gap < 0 ? 16 : groups.gap, tail = groups.used - gap;
    memset(out, 0, 16);
    memcpy(out, groups.bytes, (size_t)gap);
    if (tail > 0)
        memcpy(out + 16 - tail, groups.bytes + gap, (size_t)tail);
    return true;
}

int inet_pton(int family, const char *restrict text, void *restrict out)
{
    return family == AF_INET ? take_ipv4(text, out) : take_ipv6(text, out);
}

/* ---- and two that are not texts -------------------------------------------------------------- */

#ifndef SYS_fcntl64
#define SYS_fcntl64 SYS_fcntl
#endif

/* musl's asks for cancellation and old kernels. */
int fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    return (int)syscall(SYS_fcntl64, fd, command, argument);
}

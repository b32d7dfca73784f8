/* The binary's small functions of libc do what libc's own do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define strlen small_strlen
#define strnlen small_strnlen
#define memchr small_memchr
#define memrchr small_memrchr
#define strchrnul small_strchrnul
#define __strchrnul small_strchrnul_too
#define strchr small_strchr
#define strrchr small_strrchr
#define strspn small_strspn
#define strcspn small_strcspn
#define strcmp small_strcmp
#define strncmp small_strncmp
#define strcasecmp small_strcasecmp
#define strncasecmp small_strncasecmp
#define strcpy small_strcpy
#define strncpy small_strncpy
#define inet_pton small_inet_pton
#define fcntl small_fcntl

#include "../../../mem/text.c"

#undef strlen
#undef strnlen
#undef memchr
#undef memrchr
#undef strchrnul
#undef strchr
#undef strrchr
#undef strspn
#undef strcspn
#undef strcmp
#undef strncmp
#undef strcasecmp
#undef strncasecmp
#undef strcpy
#undef strncpy
#undef inet_pton
#undef fcntl

#define ROUNDS 20000

static const char *random_text(const char *letters, size_t most)
{
    static char texts[4][64];
    static unsigned next;
    char *text = texts[next++ % 4];
    size_t bytes = (size_t)rand() % most;
    for (size_t i = 0; i < bytes; i++)
        text[i] = letters[(size_t)rand() % strlen(letters)];
    text[bytes] = '\0';
    return text;
}

static void searches_as_libc_does(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const char *text = random_text("aAbB.:", 12), *set = random_text("aAbB.:", 4);
        size_t most = (size_t)rand() % 12, bytes = strlen(text);
        int c = "aAbB.:x"[rand() % 8];
        assert_int_equal(small_strlen(text), bytes);
        assert_int_equal(small_strnlen(text, most), strnlen(text, most));
        assert_ptr_equal(small_memchr(text, c, bytes), memchr(text, c, bytes));
        assert_ptr_equal(small_memrchr(text, c, bytes), memrchr(text, c, bytes));
        assert_ptr_equal(small_strchrnul(text, c), strchrnul(text, c));
        assert_ptr_equal(small_strchr(text, c), strchr(text, c));
        assert_ptr_equal(small_strrchr(text, c), strrchr(text, c));
        assert_int_equal(small_strspn(text, set), strspn(text, set));
        assert_int_equal(small_strcspn(text, set), strcspn(text, set));
    }
}

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void compares_as_libc_does(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const char *a = random_text("aAbB\xe9Z[@`{", 5), *b = random_text("aAbB\xe9Z[@`{", 5);
        size_t most = (size_t)rand() % 6;
        assert_int_equal(sign(small_strcmp(a, b)), sign(strcmp(a, b)));
        assert_int_equal(sign(small_strncmp(a, b, most)), sign(strncmp(a, b, most)));
        assert_int_equal(sign(small_strcasecmp(a, b)), sign(strcasecmp(a, b)));
        assert_int_equal(sign(small_strncasecmp(a, b, most)), sign(strncasecmp(a, b, most)));
    }
}

static void copies_as_libc_does(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        char mine[16], theirs[16];
        const char *text = random_text("aAbB.:", 12);
        size_t room = (size_t)rand() % sizeof mine;
        memset(mine, 'x', sizeof mine);
        memset(theirs, 'x', sizeof theirs);
        memcpy(theirs, text, strnlen(text, room));
        memset(theirs + strnlen(text, room), 0, room - strnlen(text, room));
        assert_ptr_equal(small_strncpy(mine, text, room), mine);
        assert_memory_equal(mine, theirs, sizeof mine);
        assert_ptr_equal(small_strcpy(mine, text), mine);
        assert_string_equal(mine, text);
    }
}

static void same_address(int family, const char *text)
{
    uint8_t mine[16] = {0}, theirs[16] = {0};
    int result = inet_pton(family, text, theirs);
    if (small_inet_pton(family, text, mine) != result)
        print_message("%s\n", text);
    assert_int_equal(small_inet_pton(family, text, mine), result);
    if (result == 1)
        assert_memory_equal(mine, theirs, sizeof mine);
}

static void reads_addresses_as_libc_does(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "1.2.3.4", "255.255.255.255", "256.1.1.1", "1.2.3", "1.2.3.4.", "01.2.3.4", "0.0.0.0",
        "1..2.3", "1.2.3.4 ", "0x1.2.3.4", "1.2.3.1234", "::", "::1", "1::", ":::", ":", "1:", ":1",
        "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8", "1::2::3", "fe80::1%eth0", "FE80::aBcD", "12345::", "g::",
        "::ffff:192.0.2.1", "::192.0.2.256", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4",
        "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:1.2.3.4", "64:ff9b::192.0.2.33", "::01", "::00001",
        "2001:db8:0:0:0:0:0:1", "::1::", "1:2:3:4:5:6:7:", "[::1]", "::1.2.3", "::1.2.3.04",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        same_address(AF_INET, texts[i]);
        same_address(AF_INET6, texts[i]);
    }
    for (int i = 0; i < 20 * ROUNDS; i++) {
        same_address(AF_INET, random_text("0129.", 14));
        same_address(AF_INET6, random_text("1f::.", 20));
    }
}

static void duplicates_descriptors(void **state)
{
    (void)state;
    int fd = small_fcntl(1, F_DUPFD_CLOEXEC, 20);
    assert_true(fd >= 20);
    assert_int_equal(small_fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
    assert_int_equal(small_fcntl(fd, F_GETFD), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searches_as_libc_does),
        cmocka_unit_test(compares_as_libc_does),
        cmocka_unit_test(copies_as_libc_does),
        cmocka_unit_test(reads_addresses_as_libc_does),
        cmocka_unit_test(duplicates_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Packed text becomes the text it stands for, wherever it stands: the static binary's formatter. */
#define TH_PACKED 1
#include "base/format.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define ROWS (sizeof th_pairs / sizeof *th_pairs)

/* What `byte` stands for, as src/base/pairs.h says; returns how many letters. */
static size_t letters_of(unsigned byte, char *to)
{
    unsigned row = (byte - 127) % 256;
    if (row >= ROWS || !th_pairs[row][0]) {
        *to = (char)byte;
        return 1;
    }
    size_t first = letters_of(th_pairs[row][0], to);
    return first + letters_of(th_pairs[row][1], to + first);
}

/* Of those that mean what they are there is one of each. */
static const char every_byte[] =
    "\177\200\201\202\203\204\205\206\207\210\211\212\213\214\215\216\217"
    "\220\221\222\223\224\225\226\227\230\231\232\233\234\235\236\237"
    "\240\241\242\243\244\245\246\247\250\251\252\253\254\255\256\257"
    "\260\261\262\263\264\265\266\267\270\271\272\273\274\275\276\277"
    "\300\301\302\303\304\305\306\307\310\311\312\313\314\315\316\317"
    "\320\321\322\323\324\325\326\327\330\331\332\333\334\335\336\337"
    "\340\341\342\343\344\345\346\347\350\351\352\353\354\355\356\357"
    "\360\361\362\363\364\365\366\367\370\371\372\373\374\375\376\377"
    "\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020"
    "\021\022\023\024\025\026\027\030\031\032\033\034\035\036\037"
    " ~aZ09%\"\\";

static char plain[ROWS * TH_UNPACKED_MAX + 1];

static void write_plain(void)
{
    size_t used = 0;
    for (size_t i = 0; i < sizeof every_byte - 1; i++)
        used += letters_of((unsigned char)every_byte[i], plain + used);
    plain[used] = '\0';
}

static void assert_row(unsigned row)
{
    char letters[256];
    size_t count = letters_of((row + 127) % 256, letters);
    assert_in_range(count, 2, TH_UNPACKED_MAX);
    for (size_t i = 0; i < count; i++)
        assert_in_range(letters[i], ' ', '~');
}

static void each_pair_is_some_letters(void **state)
{
    (void)state;
    unsigned pairs = 0;
    assert_int_equal(ROWS, 256 - ('~' - ' ' + 1));
    for (unsigned row = 0; row < ROWS; row++)
        if (th_pairs[row][0]) {
            assert_row(row);
            pairs++;
        }
    assert_int_equal(pairs, ROWS - 5 /* NUL, tab, newline, return, escape */);
}

static void what_means_itself_stays(void **state)
{
    (void)state;
    char text[16];
    static const char controls[] = "a\t\r\n\033[Z~ ";
    th_format(text, sizeof text, "%s", controls);
    assert_string_equal(text, controls);
}

static void our_texts_are_unpacked(void **state)
{
    (void)state;
    char text[sizeof plain];
    write_plain();
    assert_int_equal(th_format(text, sizeof text, "%s", every_byte), strlen(plain));
    assert_string_equal(text, plain);
}

static void formats_are_unpacked(void **state)
{
    (void)state;
    char text[64], wanted[64] = "7";
    size_t used = 1 + letters_of(0200, wanted + 1);
    used += letters_of(0377, wanted + used);
    wanted[used] = '\0';
    th_format(text, sizeof text, "%d\200\377", 7);
    assert_string_equal(text, wanted);
}

static void width_counts_letters(void **state)
{
    (void)state;
    char text[64], letters[64];
    static const char packed[] = "\200\200\200";
    int count = 3 * (int)letters_of(0200, letters);
    assert_int_equal(th_format(text, sizeof text, "%*s", count + 2, packed), count + 2);
    assert_memory_equal(text, "  ", 2);
    assert_int_equal(th_format(text, sizeof text, "%*s", count - 1, packed), count);
}

static void what_others_wrote_stays(void **state)
{
    (void)state;
    char foreign[] = "gr\303\274n \200\377", text[64];
    th_format(text, sizeof text, "%s|%.4s|%-10s|", foreign, foreign, foreign + 7);
    assert_string_equal(text, "gr\303\274n \200\377|gr\303\274|\377         |");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_is_some_letters),
        cmocka_unit_test(what_means_itself_stays),
        cmocka_unit_test(our_texts_are_unpacked),
        cmocka_unit_test(formats_are_unpacked),
        cmocka_unit_test(width_counts_letters),
        cmocka_unit_test(what_others_wrote_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

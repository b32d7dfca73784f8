/* Words for numbers. All texts of a table lie in one string, one behind the other: an entry costs
 * two bytes beside its text, not the sixteen of a number with a pointer. */
#ifndef TH_BASE_WORDS_H
#define TH_BASE_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct th_words {
    const int16_t *numbers;
    size_t count;
    const char *texts; /* count strings */
};

/* The text that stands for `number`, or NULL. */
const char *th_words_find(const struct th_words *words, int number);

/* Defines the table `name` of a list of words, which is itself a macro:
 *
 *     #define FRUITS(WORD) \
 *         WORD(1, "apple") \
 *         WORD(2, "pear")
 *     TH_WORDS(fruits, FRUITS);
 */
#define TH_WORDS(name, LIST)                                      \
    static const int16_t name##_numbers[] = {LIST(TH_WORDS_NUMBER)}; \
    static const struct th_words name = {                         \
        name##_numbers, sizeof name##_numbers / sizeof *name##_numbers, LIST(TH_WORDS_TEXT)}

#define TH_WORDS_NUMBER(number, text) number,
#define TH_WORDS_TEXT(number, text) text "\0"

#endif

#include "cli/float.h"

#include "base/slice.h"

#define SIGNIFICAND_BITS 52
#define EXPONENT_ALL_ONES 0x7ff
#define EXPONENT_BIAS 1075 /* of the significand, taken as a whole number */

/* Significand times 5 to the 1,074th: the longest there is. */
#define DIGITS_MAX 768

/* A whole number, its last digit first; what lies beyond is zero. */
static struct {
    uint8_t digits[DIGITS_MAX];
    unsigned count;
} whole;

/* "-", 309 digits, ".", and those behind the point */
static char decimal[1 + 309 + 1 + TH_CLI_FLOAT_DIGITS];

static unsigned digit(unsigned place)
{
    return place < whole.count ? whole.digits[place] : 0;
}

static void set(uint64_t value)
{
    for (whole.count = 0; value; value /= 10)
        whole.digits[whole.count++] = value % 10;
}

static void multiply(unsigned factor)
{
    unsigned carry = 0;
    for (unsigned i = 0; i < whole.count; i++, carry /= 10) {
        carry += whole.digits[i] * factor;
        whole.digits[i] = carry % 10;
    }
    if (carry)
        whole.digits[whole.count++] = (uint8_t)carry;
}

static void add_one_at(unsigned place)
{
    while (whole.count <= place)
        whole.digits[whole.count++] = 0;
    while (place < whole.count && whole.digits[place] == 9)
        whole.digits[place++] = 0;
    if (place == whole.count)
        whole.digits[whole.count++] = 0;
    whole.digits[place]++;
}

/* What is cut off is more than half, or half beside an odd digit (round half to even). */
static bool rounds_up(unsigned dropped)
{
    unsigned first = digit(dropped - 1);
    for (unsigned i = dropped - 1; first == 5 && i-- > 0;)
        first += digit(i) > 0;
    return first > 5 || (first == 5 && digit(dropped) % 2);
}

static size_t put(size_t at, char character)
{
    decimal[at] = character;
    return at + 1;
}

/* The number has its point `places` digits from its end. */
static struct th_slice written(bool minus, unsigned places, unsigned precision)
{
    size_t at = minus ? put(0, '-') : 0;
    unsigned place = whole.count > places ? whole.count : places + 1;
    while (place-- > places)
        at = put(at, (char)('0' + digit(place)));
    if (precision)
        at = put(at, '.');
    for (unsigned i = 1; i <= precision; i++)
        at = put(at, i > places ? '0' : (char)('0' + digit(places - i)));
    return th_slice_of(decimal, at);
}

static struct th_slice word(bool minus, bool infinite)
{
    return th_slice_text(infinite ? &"-inf"[!minus] : &"-nan"[!minus]);
}

struct th_slice th_cli_float_text(uint64_t bits, unsigned precision)
{
    bool minus = bits >> 63;
    int exponent = bits >> SIGNIFICAND_BITS & EXPONENT_ALL_ONES;
    uint64_t significand = bits & (((uint64_t)1 << SIGNIFICAND_BITS) - 1);
    if (exponent == EXPONENT_ALL_ONES)
        return word(minus, !significand);
    set(exponent ? significand | (uint64_t)1 << SIGNIFICAND_BITS : significand);
    exponent = (exponent ? exponent : 1) - EXPONENT_BIAS;
    unsigned places = exponent < 0 ? (unsigned)-exponent : 0;
    for (int i = 0; i < exponent; i++)
        multiply(2);
    for (unsigned i = 0; i < places; i++)
        multiply(5);
    if (places > precision && rounds_up(places - precision))
        add_one_at(places - precision);
    return written(minus, places, precision);
}

uint64_t th_cli_float_widen(uint32_t bits)
{
    float narrow;
    memcpy(&narrow, &bits, sizeof narrow);
    double wide = narrow;
    uint64_t result;
    memcpy(&result, &wide, sizeof result);
    return result;
}

#include "cli/moment.h"

#include "base/calendar.h"
#include "base/date.h"
#include "base/format.h"
#include "base/zone.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The last line of a zone file: the rule that holds from its last change on. */
#define RULE_BYTES 80

static struct {
    const char *rule;
    struct timespec now;
    struct tm date;
    struct th_zone zone;
} own;

/* ---- which zone ----------------------------------------------------------------------------- */

static const char *last_line(int fd)
{
    static char tail[RULE_BYTES];
    lseek(fd, -(off_t)sizeof tail, SEEK_END);
    ssize_t got = read(fd, tail, sizeof tail);
    if (got <= 0)
        return "";
    tail[got - 1] = '\0'; /* a newline */
    const char *line = memrchr(tail, '\n', (size_t)got);
    return line ? line + 1 : "";
}

static const char *rule_of_file(const char *name)
{
    char path[256];
    th_format(path, sizeof path, "%s%s", *name == '/' ? "" : "/usr/share/zoneinfo/", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return "";
    const char *rule = last_line(fd);
    close(fd);
    return rule;
}

void th_cli_moment_open(void)
{
    struct th_zone zone;
    own.rule = getenv("TZ");
    if (!own.rule)
        own.rule = "/etc/localtime";
    if (!th_zone_at(own.rule, 0, &zone) && *own.rule)
        own.rule = rule_of_file(own.rule + (*own.rule == ':'));
}

void th_cli_moment_set(struct timespec moment)
{
    own.now = moment;
    th_zone_at(own.rule, moment.tv_sec, &own.zone);
    time_t local = moment.tv_sec + own.zone.east_s;
    th_date_utc(&local, &own.date);
}

void th_cli_moment_take(void)
{
    th_cli_moment_set(th_calendar_now());
}

/* ---- numbers -------------------------------------------------------------------------------- */

static int year(void)
{
    return own.date.tm_year + 1900;
}

static int days_of(int which)
{
    return 337 + th_date_days_of_month(1, which);
}

/* Monday is 0. */
static int day_of_week(void)
{
    return (own.date.tm_wday + 6) % 7;
}

/* A week of ISO 8601 belongs to the year its Thursday lies in. */
static int iso_week(int *its_year)
{
    int thursday = own.date.tm_yday - day_of_week() + 3;
    *its_year = year();
    if (thursday < 0)
        thursday += days_of(--*its_year);
    else if (thursday >= days_of(*its_year))
        thursday -= days_of((*its_year)++);
    return thursday / 7 + 1;
}

/* Letter, digits at least, and what stands in for those that are missing; in the order of what
 * number_of() computes. */
static const char numbers[] =
    "C20" "d20" "e2 " "G10" "g20" "H20" "k2 " "I20" "l2 " "j30" "M20" "m20" "N90" "\00160" "S20"
    "U20" "u10" "V20" "W20" "w10" "Y10" "y20" "s10";

#define NUMBERS (sizeof numbers / 3)

/* The seconds since 1970 are the last one, and all that need more than 32 bits. */
static int64_t number_of(size_t which)
{
    const struct tm *date = &own.date;
    int its_year, week = iso_week(&its_year), hour = date->tm_hour, half = (hour + 11) % 12 + 1;
    const int values[NUMBERS - 1] = {
        year() / 100, date->tm_mday, date->tm_mday, its_year, its_year % 100, hour, hour, half,
        half, date->tm_yday + 1, date->tm_min, date->tm_mon + 1, (int)own.now.tv_nsec,
        (int)(own.now.tv_nsec / 1000), date->tm_sec, (date->tm_yday + 7 - date->tm_wday) / 7,
        day_of_week() + 1, week, (date->tm_yday + 7 - day_of_week()) / 7, date->tm_wday, year(),
        year() % 100,
    };
    return which < NUMBERS - 1 ? values[which] : own.now.tv_sec;
}

/* ---- words ---------------------------------------------------------------------------------- */

static const char days[] = "Sunday\0Monday\0Tuesday\0Wednesday\0Thursday\0Friday\0Saturday";
static const char months[] = "January\0February\0March\0April\0May\0June\0July\0August\0September\0"
                             "October\0November\0December";

/* Letter and what it is short for. */
static const char longer[] =
    "D@m/@d/@y\0" "F@Y-@m-@d\0" "R@H:@M\0" "T@H:@M:@S\0" "X@H:@M:@S\0" "c@a @b @e @H:@M:@S @Y\0"
    "h@b\0" "n\n\0" "r@I:@M:@S @p\0" "t\t\0" "x@m/@d/@y\0" "%%\0";

struct page {
    char *text;
    size_t used;
};

static void put(struct page *page, const char *text, size_t bytes)
{
    for (; bytes > 0 && page->used < TH_CLI_MOMENT_BYTES - 1; bytes--)
        page->text[page->used++] = *text++;
}

static const char *word(const char *words, int skip)
{
    while (skip-- > 0)
        words += strlen(words) + 1;
    return words;
}

static void put_word(struct page *page, const char *words, int which, bool is_short)
{
    const char *text = word(words, which);
    put(page, text, is_short ? 3 : strlen(text));
}

static void put_number(struct page *page, const char *entry)
{
    char digits[24];
    size_t which = (size_t)(entry - numbers) / 3;
    int length = th_format(digits, sizeof digits, "%lld", (long long)number_of(which));
    for (int missing = entry[1] - '0' - length; missing > 0; missing--)
        put(page, entry + 2, 1);
    put(page, digits, (size_t)length);
}

static void put_offset(struct page *page)
{
    char text[16];
    int minutes = own.zone.east_s / 60, size = minutes < 0 ? -minutes : minutes;
    put(page, text, (size_t)th_format(text, sizeof text, "%c%02d%02d", minutes < 0 ? '-' : '+',
                                      size / 60, size % 60));
}

static void put_half(struct page *page, const char *halves)
{
    put(page, halves + (own.date.tm_hour < 12 ? 0 : 2), 2);
}

/* What strftime does not know it leaves as it is. */
static void put_text(struct page *page, char letter)
{
    switch (letter) {
    case 'A':
    case 'a': put_word(page, days, own.date.tm_wday, letter == 'a'); break;
    case 'B':
    case 'b': put_word(page, months, own.date.tm_mon, letter == 'b'); break;
    case 'P': put_half(page, "ampm"); break;
    case 'p': put_half(page, "AMPM"); break;
    case 'Z': put(page, own.zone.name, strlen(own.zone.name)); break;
    case 'z': put_offset(page); break;
    default:  put(page, "%", letter != '@'); put(page, &letter, 1); break;
    }
}

/* ---- the format ----------------------------------------------------------------------------- */

static const char *entry_of(char letter)
{
    for (const char *entry = numbers; *entry; entry += 3)
        if (*entry == letter)
            return entry;
    return NULL;
}

static const char *longer_of(char letter)
{
    for (const char *entry = longer; *entry; entry += strlen(entry) + 1)
        if (*entry == letter)
            return entry + 1;
    return "";
}

static void put_all(struct page *page, const char *format);

static void put_letter(struct page *page, char letter)
{
    const char *entry = entry_of(letter), *means = longer_of(letter);
    if (*means)
        put_all(page, means);
    else if (entry)
        put_number(page, entry);
    else
        put_text(page, letter);
}

static void put_all(struct page *page, const char *format)
{
    for (; *format; format++)
        if (*format == '@' && format[1])
            put_letter(page, *++format);
        else
            put(page, format, 1);
}

size_t th_cli_moment_text(const char *format, char text[TH_CLI_MOMENT_BYTES])
{
    struct page page = {text, 0};
    put_all(&page, format);
    text[page.used] = '\0';
    return page.used;
}

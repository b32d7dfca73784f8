/* What -F prints. The golden table was taken from mosquitto_sub 2.0.11, field by field; what 2.1
 * added follows its documentation. Where 2.0.11 differs from its own manual, the manual is
 * followed; these rows say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/slice.h"
#include "cli/exit.h"
#include "cli/out.h"
#include "cli/print.h"

static char printed[1 << 20];
static int pipe_out[2], true_stdout;
static struct th_cli_settings settings;

/* ---- messages ---- */

static const uint8_t properties[] =
    "\x01\x01" "\x02\x00\x00\x0e\x10" "\x03\x00\x0aplain/text" "\x08\x00\x09/dev/null"
    "\x09\x00\x05" "23\x00\xff" "5" "\x0b\xac\x02" "\x23\x00\x07" "\x26\x00\x05name1\x00\x05val\"1"
    "\x26\x00\x02n2\x00\x02v2";

static struct th_delivery message(const char *payload, size_t bytes)
{
    return (struct th_delivery){.topic = th_slice_text("a/topic"), .total_bytes = bytes,
                                .payload = th_slice_of(payload, bytes)};
}

static struct th_delivery full(void)
{
    struct th_delivery d = message("message", 7);
    d.qos = 1;
    d.retain = true;
    d.packet_id = 42;
    d.properties.raw = th_slice_of(properties, sizeof properties - 1);
    return d;
}

/* ---- what is printed ---- */

static int redirect(void **state)
{
    (void)state;
    char path[] = "/tmp/test_print.XXXXXX";
    true_stdout = dup(STDOUT_FILENO);
    pipe_out[0] = mkstemp(path);
    unlink(path);
    setenv("TZ", "UTC0", 1);
    return pipe_out[0] < 0;
}

static int restore(void **state)
{
    (void)state;
    close(pipe_out[0]);
    close(true_stdout);
    return 0;
}

static void begin(void)
{
    fflush(stdout);
    assert_int_equal(ftruncate(pipe_out[0], 0), 0);
    lseek(pipe_out[0], 0, SEEK_SET);
    dup2(pipe_out[0], STDOUT_FILENO);
    th_cli_print_open(&settings);
}

static size_t end(void)
{
    th_cli_out_flush();
    dup2(true_stdout, STDOUT_FILENO);
    ssize_t got = pread(pipe_out[0], printed, sizeof printed - 1, 0);
    assert_true(got >= 0);
    printed[got] = '\0';
    return (size_t)got;
}

static size_t print(const char *format, struct th_delivery delivery)
{
    settings.format = format;
    begin();
    th_cli_print(&delivery);
    return end();
}

static size_t print_in_pieces(const char *format, struct th_delivery delivery, size_t size)
{
    struct th_slice whole = delivery.payload;
    settings.format = format;
    begin();
    for (size_t at = 0; at < whole.len_bytes; at += size) {
        size_t left = whole.len_bytes - at;
        delivery.offset_bytes = at;
        delivery.payload = th_slice_of(whole.data + at, left < size ? left : size);
        th_cli_print(&delivery);
    }
    return end();
}

static void fresh(void)
{
    memset(&settings, 0, sizeof settings);
}

/* ---- the golden table ---- */

static const struct {
    const char *format, *full, *plain;
} golden[] = {
    {"%A|%C|%E|%F|%l|%m|%P|%p|%q|%R|%r|%S|%t|%x|%X|%%",
     "7|plain/text|3600|1|7|42|name1:val\"1 n2:v2|message|1|/dev/null|1|300|a/topic|"
     "6d657373616765|6D657373616765|%",
     "||||7|0||message|0||0||a/topic|6d657373616765|6D657373616765|%"},
    {"<%12A>", "<           7>", "<            >"}, {"<%-12A>", "<7           >", "<            >"},
    {"<%012A>", "<000000000007>", "<000000000000>"}, {"<%-012A>", "<7           >", "<000000000000>"},
    {"<%1.3A>", "<7>", "< >"}, {"<%.3A>", "<7>", "<>"}, {"<%012.3A>", "<000000000007>", "<000000000000>"},
    {"<%0A>", "<7>", "<>"}, {"<%-A>", "<7>", "<>"}, {"<%00012A>", "<000000000007>", "<000000000000>"},
    {"<%12C>", "<  plain/text>", "<            >"}, {"<%-12C>", "<plain/text  >", "<            >"},
    {"<%012C>", "<  plain/text>", "<            >"}, {"<%1.3C>", "<pla>", "< >"}, {"<%.3C>", "<pla>", "<>"},
    {"<%-12.3C>", "<pla         >", "<            >"}, {"<%12.0C>", "<            >", "<            >"},
    {"<%.C>", "<>", "<>"}, {"<%3C>", "<plain/text>", "<   >"},
    {"<%12E>", "<        3600>", "<            >"}, {"<%012E>", "<000000003600>", "<000000000000>"},
    {"<%-12F>", "<1           >", "<            >"}, {"<%03F>", "<001>", "<000>"},
    {"<%12P>", "<name1:val\"1 n2:v2>", "<>"}, {"<%1.3P>", "<name1:val\"1 n2:v2>", "<>"},
    {"<%12R>", "<   /dev/null>", "<>"}, {"<%-12R>", "</dev/null   >", "<>"}, {"<%.3R>", "</de>", "<>"},
    {"<%012.3R>", "<         /de>", "<>"}, {"<%12.0R>", "<            >", "<>"},
    {"<%012S>", "<000000000300>", "<000000000000>"}, {"<%-12S>", "<300         >", "<            >"},
    {"<%12l>", "<           7>", "<           7>"}, {"<%-012l>", "<7           >", "<7           >"},
    {"<%012m>", "<000000000042>", "<000000000000>"}, {"<%3m>", "< 42>", "<  0>"},
    {"<%-12m>", "<42          >", "<0           >"}, {"<%.m>", "<42>", "<0>"},
    {"<%12p>", "<     message>", "<     message>"}, {"<%-12p>", "<message     >", "<message     >"},
    {"<%012p>", "<00000message>", "<00000message>"}, {"<%-012p>", "<message     >", "<message     >"},
    {"<%12.3p>", "<     message>", "<     message>"}, {"<%.3p>", "<message>", "<message>"},
    {"<%12q>", "<1>", "<0>"}, {"<%-012.3r>", "<1>", "<0>"}, {"<%12%>", "<%>", "<%>"},
    {"<%12t>", "<     a/topic>", "<     a/topic>"}, {"<%-12t>", "<a/topic     >", "<a/topic     >"},
    {"<%012t>", "<     a/topic>", "<     a/topic>"}, {"<%3t>", "<a/topic>", "<a/topic>"},
    {"<%1.3t>", "<a/t>", "<a/t>"}, {"<%12.3t>", "<         a/t>", "<         a/t>"},
    {"<%-12.3t>", "<a/t         >", "<a/t         >"}, {"<%.t>", "<>", "<>"}, {"<%0t>", "<a/topic>",
                                                                               "<a/topic>"},
    {"<%.x>", "<6d657373616765>", "<6d657373616765>"}, {"<%.0X>", "<6D657373616765>", "<6D657373616765>"},
    {"", "", ""}, {"text", "text", "text"}, {"@@", "@", "@"}, {"caf\xc3\xa9", "caf\xc3\xa9", "caf\xc3\xa9"},
    {"@! @% @E", "%! % %E", "%! % %E"},

    /* 2.0.11 pads by the payload's length, cuts what is wider than the field, and counts a byte of
     * %x as one character: its manual speaks of the least width. */
    {"<%-p>", "<message>", "<message>"}, {"<%3p>", "<message>", "<message>"},
    {"<%18x>", "<    6d657373616765>", "<    6d657373616765>"}, {"<%-18X>", "<6D657373616765    >",
                                                                "<6D657373616765    >"},
    {"<%018x>", "<00006d657373616765>", "<00006d657373616765>"}, {"<%3x>", "<6d657373616765>",
                                                                 "<6d657373616765>"},

    /* 2.1 */
    {"%.1x", "6 d 6 5 7 3 7 3 6 1 6 7 6 5", "6 d 6 5 7 3 7 3 6 1 6 7 6 5"},
    {"%.2x", "6d 65 73 73 61 67 65", "6d 65 73 73 61 67 65"},
    {"%.2:X", "6D:65:73:73:61:67:65", "6D:65:73:73:61:67:65"},
    {"%.3-x", "6d6-573-736-167-65", "6d6-573-736-167-65"},
    {"<%-22.2x>", "<6d 65 73 73 61 67 65  >", "<6d 65 73 73 61 67 65  >"},
    {"<%22.2x>", "<  6d 65 73 73 61 67 65>", "<  6d 65 73 73 61 67 65>"},
};

static void assert_printed(const char *format, struct th_delivery delivery, const char *wanted)
{
    char line[512];
    snprintf(line, sizeof line, "%s\n", wanted);
    print(format, delivery);
    if (strcmp(printed, line))
        fail_msg("%s: %s, wanted %s", format, printed, line);
}

static void test_golden(void **state)
{
    (void)state;
    fresh();
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        assert_printed(golden[i].format, full(), golden[i].full);
        assert_printed(golden[i].format, message("message", 7), golden[i].plain);
    }
}

static void test_pieces_make_the_same(void **state)
{
    (void)state;
    fresh();
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++)
        for (size_t size = 1; size < 7; size++) {
            char whole[512];
            if (i == 0)
                continue; /* prints the payload three times */
            print(golden[i].format, full());
            strcpy(whole, printed);
            print_in_pieces(golden[i].format, full(), size);
            assert_string_equal(printed, whole);
        }
}

static void test_bytes_pass_as_they_are(void **state)
{
    (void)state;
    fresh();
    static const char payload[] = "\0\x1f\"\\\xff\xc3\xa4\n\x7f\x1b[2J";
    assert_int_equal(print("%D|%p|", full()), 5 + 1 + 7 + 2);
    assert_memory_equal(printed, "23\0\xff" "5|message|\n", 15);
    assert_int_equal(print("%p", message(payload, sizeof payload - 1)), sizeof payload);
    assert_memory_equal(printed, payload, sizeof payload - 1);
    assert_int_equal(print("\\\\|\\0|\\a|\\e|\\n|\\r|\\t|\\v", full()), 16);
    assert_memory_equal(printed, "\\|\0|\a|\033|\n|\r|\t|\v\n", 16);
    print("%x", message("\x00\x1f\x22\xff", 4));
    assert_string_equal(printed, "001f22ff\n");
}

static void test_empty(void **state)
{
    (void)state;
    fresh();
    assert_printed("%t %p %x|%l|%.2x", message("", 0), "a/topic  |0|");
    assert_printed("<%5p>", message("", 0), "<     >");
    assert_printed("<%-5x>", message("", 0), "<     >");
    print(NULL, message("", 0));
    assert_string_equal(printed, "");
    settings.verbose = true;
    print(NULL, message("", 0));
    assert_string_equal(printed, "a/topic (null)\n");
    settings.no_newline = true;
    print(NULL, message("", 0));
    assert_string_equal(printed, "");
    print(NULL, full());
    assert_string_equal(printed, "a/topic message");
    print("%l", full());
    assert_string_equal(printed, "7");
}

/* ---- numbers 2.1 prints ---- */

static void test_floats(void **state)
{
    static const char e[] = "\x58\x39\xB4\xC8\x76\xBE\x05\x40", root[] = "\xF4\xFD\x34\x3F";
    (void)state;
    fresh();
    assert_printed("%.3d", message(e, 8), "2.718");
    assert_printed("%.3f", message(root, 4), "0.707");
    assert_printed("%d", message(e, 8), "2.718000");
    assert_printed("<%9.3d>", message(e, 8), "<    2.718>");
    assert_printed("<%-9.3d>", message(e, 8), "<2.718    >");
    assert_printed("<%09.3d>", message(e, 8), "<00002.718>");
    assert_printed("<%09.1f>", message("\0\0\x80\xbf", 4), "<-000001.0>");
    assert_printed("<%-09.1f>", message("\0\0\x80\xbf", 4), "<-1.0     >");
    assert_printed("<%9.1f>", message("\0\0\x80\xbf", 4), "<     -1.0>");
    assert_printed("<%09f>", message("\0\0\x80\xff", 4), "<     -inf>");
    assert_printed("<%.0f>", message("\0\0\x20\x40", 4), "<2>");
    assert_printed("<%f>", message(e, 8), "<>");
    assert_printed("<%d>", message(root, 4), "<>");
    print_in_pieces("<%f>", message(e, 8), 3);
    assert_string_equal(printed, "<>\n");
}

/* ---- JSON ---- */

#define HEADER "{\"tst\":\"####-##-##T##:##:##.######+0000\",\"topic\":\"a/topic\","
#define PROPERTIES \
    "\"properties\":{\"payload-format-indicator\":1,\"message-expiry-interval\":3600," \
    "\"content-type\":\"plain/text\",\"response-topic\":\"/dev/null\"," \
    "\"correlation-data\":\"23\\u0000\xff" "5\",\"subscription-identifier\":300,\"topic-alias\":7," \
    "\"user-properties\":{\"name1\":\"val\\\"1\",\"n2\":\"v2\"}},"

/* '#' stands for a digit. */
static void assert_like(const char *wanted)
{
    for (size_t i = 0; i <= strlen(wanted); i++)
        if (wanted[i] == '#' ? printed[i] < '0' || printed[i] > '9' : printed[i] != wanted[i])
            fail_msg("%s\nwanted %s\nfrom %s", printed, wanted, printed + i);
}

/* As 2.0.11, but for what its later versions corrected: "Z+0000" in the time, the topic alias; and
 * that a U+0000 ends the text. */
static void test_json(void **state)
{
    (void)state;
    fresh();
    print("%j", full());
    assert_like(HEADER "\"qos\":1,\"retain\":1,\"payloadlen\":7,\"mid\":42," PROPERTIES
                "\"payload\":\"message\"}\n");
    print("%j", message("message", 7));
    assert_like(HEADER "\"qos\":0,\"retain\":0,\"payloadlen\":7,\"payload\":\"message\"}\n");
    print("[%j]", message("", 0));
    assert_like("[" HEADER "\"qos\":0,\"retain\":0,\"payloadlen\":0,\"payload\":null}]\n");
    print("%j", message("a\"\\/\b\f\n\r\t\x01\x7f\x1f\xc3\xa9", 14));
    assert_like(HEADER "\"qos\":0,\"retain\":0,\"payloadlen\":14,\"payload\":"
                "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7f\\u001f\xc3\xa9\"}\n");
    for (size_t size = 1; size < 7; size++) {
        print_in_pieces("%j|", full(), size);
        assert_like(HEADER "\"qos\":1,\"retain\":1,\"payloadlen\":7,\"mid\":42," PROPERTIES
                    "\"payload\":\"message\"}|\n");
    }
}

static void test_json_parsed(void **state)
{
    (void)state;
    fresh();
    print("%J", message("{ \"temperature\" : 27.0, \"h\":[1, {}]}", 36));
    assert_like(HEADER "\"qos\":0,\"retain\":0,\"payloadlen\":36,"
                "\"payload\":{\"temperature\":27,\"h\":[1,{}]}}\n");
    print("%J", message("", 0));
    assert_like(HEADER "\"qos\":0,\"retain\":0,\"payloadlen\":0,\"payload\":null}\n");
    print("<%J>", message("[1", 2));
    assert_string_equal(printed, "<>\n");
    assert_int_equal(th_cli_print_status(), TH_CLI_OK);
}

static void test_json_pretty(void **state)
{
    (void)state;
    fresh();
    settings.pretty = true;
    print("%J", message("[1,{\"a\":{},\"b\":[]}]", 19));
    assert_like("{\n\t\"tst\":\t\"####-##-##T##:##:##.######+0000\",\n\t\"topic\":\t\"a/topic\",\n"
                "\t\"qos\":\t0,\n\t\"retain\":\t0,\n\t\"payloadlen\":\t19,\n"
                "\t\"payload\":\t[1, {\n\t\t\t\"a\":\t{\n\t\t\t},\n\t\t\t\"b\":\t[]\n\t\t}]\n}\n");
    for (size_t size = 2; size < 8; size++) {
        print_in_pieces("%j", full(), size);
        assert_like("{\n\t\"tst\":\t\"####-##-##T##:##:##.######+0000\",\n\t\"topic\":\t\"a/topic\",\n"
                    "\t\"qos\":\t1,\n\t\"retain\":\t1,\n\t\"payloadlen\":\t7,\n\t\"mid\":\t42,\n"
                    "\t\"properties\":\t{\n\t\t\"payload-format-indicator\":\t1,\n"
                    "\t\t\"message-expiry-interval\":\t3600,\n\t\t\"content-type\":\t\"plain/text\",\n"
                    "\t\t\"response-topic\":\t\"/dev/null\",\n"
                    "\t\t\"correlation-data\":\t\"23\\u0000\xff" "5\",\n"
                    "\t\t\"subscription-identifier\":\t300,\n\t\t\"topic-alias\":\t7,\n"
                    "\t\t\"user-properties\":\t{\n\t\t\t\"name1\":\t\"val\\\"1\",\n"
                    "\t\t\t\"n2\":\t\"v2\"\n\t\t}\n\t},\n\t\"payload\":\t\"message\"\n}\n");
    }
}

static void test_what_needs_it_whole_is_left_out(void **state)
{
    static const char *const formats[] = {"%J", "%p%p", "%j %x", "%f%d"};
    (void)state;
    fresh();
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        print_in_pieces(formats[i], full(), 4);
        assert_string_equal(printed, "");
        assert_int_equal(th_cli_print_status(), TH_CLI_TOO_LARGE);
    }
    print("%p%p", full());
    assert_string_equal(printed, "messagemessage\n");
    assert_int_equal(th_cli_print_status(), TH_CLI_OK);
}

/* ---- times ---- */

static void test_times(void **state)
{
    (void)state;
    fresh();
    print("%I %U @s @Y-@m-@d @N", full());
    assert_like("####-##-##T##:##:##+0000 ##########.######### ########## ####-##-## #########\n");
    print("<%.4I> <%8.4I> <%-8.4I>", full());
    assert_like("<####> <    ####> <####    >\n");
}

/* ---- lines of JSON ---- */

static void test_jsonl(void **state)
{
    (void)state;
    fresh();
    settings.jsonl = true;
    print(NULL, full());
    assert_like("{\"t\":##########.######,\"topic\":\"a/topic\",\"qos\":1,\"retain\":1,\"mid\":42,"
                "\"len\":7,\"props\":{\"payload-format-indicator\":1,\"message-expiry-interval\":3600,"
                "\"content-type\":\"plain/text\",\"response-topic\":\"/dev/null\","
                "\"correlation-data_b64\":\"MjMA/zU=\",\"subscription-identifier\":300,"
                "\"topic-alias\":7,\"user-properties\":[[\"name1\",\"val\\\"1\"],[\"n2\",\"v2\"]]},"
                "\"payload\":\"message\"}\n");
    print(NULL, message("\xff\x00", 2));
    assert_like("{\"t\":##########.######,\"topic\":\"a/topic\",\"qos\":0,\"retain\":0,\"len\":2,"
                "\"payload_b64\":\"/wA=\"}\n");
    print(NULL, message("", 0));
    assert_like("{\"t\":##########.######,\"topic\":\"a/topic\",\"qos\":0,\"retain\":0,\"len\":0,"
                "\"payload\":\"\"}\n");
    print_in_pieces(NULL, message("one\ntwo", 7), 4);
    assert_like("{\"t\":##########.######,\"topic\":\"a/topic\",\"qos\":0,\"retain\":0,\"len\":4,"
                "\"off\":0,\"total\":7,\"payload\":\"one\\n\"}\n"
                "{\"t\":##########.######,\"topic\":\"a/topic\",\"qos\":0,\"retain\":0,\"len\":3,"
                "\"off\":4,\"total\":7,\"payload\":\"two\"}\n");
}

/* ---- -w ---- */

static void test_watch(void **state)
{
    (void)state;
    fresh();
    settings.watch = true;
    settings.verbose = true;
    struct th_delivery a = message("1", 1), b = a, empty = message("", 0);
    b.topic = th_slice_text("b");
    begin();
    th_cli_print(&a);
    th_cli_print(&b);
    th_cli_print(&a);
    th_cli_print(&empty);
    th_cli_print_close();
    end();
    assert_string_equal(printed, "\033[2J\033[1;1H\033[2Ka/topic 1\033[2;1H\033[2Kb 1"
                                 "\033[1;1H\033[2Ka/topic 1\033[1;1H\033[2Ka/topic (null)\033[3;1H");
}

static void test_watch_has_lines_enough(void **state)
{
    (void)state;
    fresh();
    settings.watch = true;
    begin();
    for (int i = 0; i < 300; i++) {
        char topic[8];
        struct th_delivery d = message("x", 1);
        d.topic = th_slice_of(topic, (size_t)snprintf(topic, sizeof topic, "t%d", i));
        th_cli_print(&d);
    }
    th_cli_print_close();
    end();
    assert_non_null(strstr(printed, "\033[255;1H\033[2Kx\033[256;1H\033[2Kx\033[256;1H\033[2Kx"));
    assert_null(strstr(printed, "\033[258;"));
}

static void test_a_line_that_is_cut(void **state)
{
    (void)state;
    fresh();
    settings.format = "<%p>";
    struct th_delivery half = message("mess", 4);
    half.total_bytes = 7;
    begin();
    th_cli_print(&half);
    th_cli_print_cut();
    end();
    assert_string_equal(printed, "<mess\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_pieces_make_the_same),
        cmocka_unit_test(test_bytes_pass_as_they_are),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_floats),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_parsed),
        cmocka_unit_test(test_json_pretty),
        cmocka_unit_test(test_what_needs_it_whole_is_left_out),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_jsonl),
        cmocka_unit_test(test_watch),
        cmocka_unit_test(test_watch_has_lines_enough),
        cmocka_unit_test(test_a_line_that_is_cut),
    };
    return cmocka_run_group_tests(tests, redirect, restore);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"
#include "identity/pem.h"
#include "mem/failing.h"
#include "mem/payer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Base64 of 60 bytes 0, 1, 2, ... that begin with no SEQUENCE: the reader does not look inside. */
#define BODY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v\n" \
             "MDEyMzQ1Njc4OTo7\n"
#define BODY_BYTES 60
#define CERTIFICATE "-----BEGIN CERTIFICATE-----\n" BODY "-----END CERTIFICATE-----\n"

static struct th_payer payer;
static _Alignas(16) uint8_t heap[256 * 1024];

static int open_payer(void **state)
{
    (void)state;
    struct th_payer_config config = {.name = "shared", .heap = heap, .heap_bytes = sizeof heap};
    th_payer_open(&payer, &config);
    th_payer_enter(&payer);
    return 0;
}

static int close_payer(void **state)
{
    (void)state;
    th_payer_leave(NULL);
    return (int)th_payer_close(&payer);
}

/* ---- what was read -------------------------------------------------------------------------- */

struct seen {
    int verdict;
    unsigned blocks;
    enum th_pem_kind kinds[8];
    unsigned lines[8];
    size_t bytes[8];
    uint8_t first[256];
};

static int note(void *arg, enum th_pem_kind kind, struct th_slice der,
                const struct th_pem_place *place, struct th_fault *fault)
{
    struct seen *seen = arg;
    (void)fault;
    assert_true(seen->blocks < 8);
    seen->kinds[seen->blocks] = kind;
    seen->lines[seen->blocks] = place->line;
    seen->bytes[seen->blocks] = der.len_bytes;
    if (seen->blocks == 0 && der.len_bytes <= sizeof seen->first && der.len_bytes > 0)
        memcpy(seen->first, der.data, der.len_bytes);
    seen->blocks++;
    return seen->verdict;
}

static int read_source(struct th_source source, struct seen *seen, struct th_der *der,
                       struct th_fault *fault)
{
    struct th_pem_sink sink = {.block = note, .arg = seen};
    return th_pem_read(&source, "test", &sink, der, fault);
}

static int read_bytes(const void *bytes, size_t count, struct seen *seen, struct th_fault *fault)
{
    struct th_der der = {0};
    struct th_source source = {.bytes = th_slice_of(bytes, count)};
    int result = read_source(source, seen, &der, fault);
    th_der_close(&der);
    assert_int_equal(payer.ledger.live_bytes, 0);
    return result;
}

static void expect_body(const struct seen *seen)
{
    assert_int_equal(seen->bytes[0], BODY_BYTES);
    for (int i = 0; i < BODY_BYTES; i++)
        assert_int_equal(seen->first[i], i);
}

static void reads(const char *text, unsigned blocks)
{
    struct seen seen = {0};
    struct th_fault fault = {0};
    int result = read_bytes(text, strlen(text), &seen, &fault);
    if (result < 0)
        print_message("%s\n", fault.text);
    assert_int_equal(result, blocks);
    assert_int_equal(seen.blocks, blocks);
    if (blocks > 0)
        expect_body(&seen);
}

static void fails(const char *text, size_t bytes, const char *sentence)
{
    struct seen seen = {0};
    struct th_fault fault = {0};
    assert_int_equal(read_bytes(text, bytes, &seen, &fault), TH_E_FILE);
    if (!strstr(fault.text, sentence))
        print_message("%s\n", fault.text);
    assert_non_null(strstr(fault.text, sentence));
    assert_non_null(strstr(fault.text, "test: (memory)"));
}

#define FAILS(text, sentence) fails(text, sizeof(text) - 1, sentence)

/* ---- tests ---------------------------------------------------------------------------------- */

static void reads_what_people_write(void **state)
{
    (void)state;
    reads(CERTIFICATE, 1);
    reads(CERTIFICATE CERTIFICATE, 2);
    reads("\xEF\xBB\xBF" CERTIFICATE, 1);
    reads("Bag Attributes\n    friendlyName: x\nsubject=CN = x\n" CERTIFICATE "\n# end\n", 1);
    reads("-----BEGIN CERTIFICATE-----\r\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygp"
          "KissLS4v\r\nMDEyMzQ1Njc4OTo7\r\n-----END CERTIFICATE-----\r\n", 1);
    reads("-----BEGIN CERTIFICATE-----\n"
          "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7\n"
          "-----END CERTIFICATE-----", 1);
    reads("-----BEGIN CERTIFICATE-----\n\nAAEC\nAwQFBgcI\n CQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\t\n"
          "ISIjJCUmJygpKissLS4v\nMDEyMzQ1Njc4OTo7\n\n-----END CERTIFICATE-----   \n", 1);
    reads("-----BEGIN X509 CERTIFICATE-----\n" BODY "-----END X509 CERTIFICATE-----\n", 1);
    reads("no block\n", 0);
}

static void tells_kinds_and_lines(void **state)
{
    (void)state;
    static const char text[] =
        "-----BEGIN EC PARAMETERS-----\n*?\n-----END EC PARAMETERS-----\n"
        "-----BEGIN EC PRIVATE KEY-----\n" BODY "-----END EC PRIVATE KEY-----\n"
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n"
        BODY "-----END RSA PRIVATE KEY-----\n"
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" BODY "-----END ENCRYPTED PRIVATE KEY-----\n"
        "-----BEGIN RSA PRIVATE KEY-----\n" BODY "-----END RSA PRIVATE KEY-----\n"
        "-----BEGIN PRIVATE KEY-----\n" BODY "-----END PRIVATE KEY-----\n";
    static const enum th_pem_kind kinds[] = {TH_PEM_OTHER, TH_PEM_SEC1_KEY, TH_PEM_ENCRYPTED_KEY,
                                             TH_PEM_SEALED_KEY, TH_PEM_PKCS1_KEY,
                                             TH_PEM_PKCS8_KEY};
    static const unsigned lines[] = {1, 4, 8, 15, 19, 23};
    struct seen seen = {0};
    assert_int_equal(read_bytes(text, sizeof text - 1, &seen, NULL), 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(seen.kinds[i], kinds[i]);
        assert_int_equal(seen.lines[i], lines[i]);
    }
    assert_int_equal(seen.bytes[1], BODY_BYTES);
    assert_int_equal(seen.bytes[0], 0);
    assert_int_equal(seen.bytes[3], BODY_BYTES); /* still encrypted */
}

static void names_line_and_fault(void **state)
{
    (void)state;
    FAILS("", "is empty");
    FAILS("\n-----BEGIN CERTIFICATE-----\n" BODY, "line 2: this block has no END line; the file");
    FAILS("-----BEGIN CERTIFICATE-----\nAAEC\n" CERTIFICATE, "line 1: this block has no END line");
    FAILS("-----BEGIN CERTIFICATE-----\nAA!C\n-----END CERTIFICATE-----\n", "not base64");
    FAILS("-----BEGIN CERTIFICATE-----\nAAE\n-----END CERTIFICATE-----\n", "not base64");
    FAILS("-----BEGIN CERTIFICATE-----\nAA==AAEC\n-----END CERTIFICATE-----\n",
          "line 2: this is not base64");
    FAILS("-----BEGIN CERTIFICATE-----\nAA\0C\n-----END CERTIFICATE-----\n", "not base64");
    FAILS("-----BEGIN CERTIFICATE-----\nAAEC\n-----END PRIVATE KEY-----\n",
          "line 3: this END line does not match");
    FAILS("-----BEGIN PRIVATE KEY-----\nAAEC\nProc-Type: 4,ENCRYPTED\n", "not base64");
    FAILS("-----BEGIN CERTIFICATE\n", "BEGIN line is damaged");
    FAILS("-----BEGIN A LABEL THAT IS LONGER THAN ANY LABEL KNOWN-----\n", "is damaged");
}

static void recognises_der(void **state)
{
    (void)state;
    static const uint8_t small[] = {0x30, 0x03, 0x02, 0x01, 0x05};
    uint8_t large[300] = {0x30, 0x82, 0x01, 0x28};
    struct seen seen = {0};
    assert_int_equal(read_bytes(small, sizeof small, &seen, NULL), 1);
    assert_int_equal(seen.kinds[0], TH_PEM_DER);
    assert_int_equal(seen.bytes[0], sizeof small);
    assert_int_equal(read_bytes(large, sizeof large, &seen, NULL), 1);
    fails((const char *)large, sizeof large - 1, "is DER, but cut off");
    fails((const char *)small, sizeof small - 1, "is DER, but cut off");
    large[3]--;
    fails((const char *)large, sizeof large, "bytes behind its end");
}

static void keeps_blocks_when_told(void **state)
{
    (void)state;
    struct seen seen = {.verdict = TH_PEM_KEEP};
    struct th_der der = {0};
    struct th_source source = {.bytes = th_slice_text(CERTIFICATE CERTIFICATE CERTIFICATE)};
    assert_int_equal(read_source(source, &seen, &der, NULL), 3);
    assert_int_equal(der.used_bytes, 3 * BODY_BYTES);
    assert_memory_equal(der.data, der.data + 2 * BODY_BYTES, BODY_BYTES);
    th_der_close(&der);
    assert_int_equal(payer.ledger.live_bytes, 0);
}

static void stops_when_the_sink_says_so(void **state)
{
    (void)state;
    struct seen seen = {.verdict = TH_E_ARGUMENT};
    struct th_fault fault = {0};
    assert_int_equal(read_bytes(CERTIFICATE CERTIFICATE, 2 * (sizeof CERTIFICATE - 1), &seen,
                                &fault), TH_E_ARGUMENT);
    assert_int_equal(seen.blocks, 1);
}

static void wipes_what_is_dropped(void **state)
{
    (void)state;
    struct seen seen = {.verdict = TH_PEM_DROP};
    struct th_der der = {0};
    struct th_source source = {.bytes = th_slice_text(CERTIFICATE)};
    assert_int_equal(read_source(source, &seen, &der, NULL), 1);
    expect_body(&seen);
    assert_int_equal(der.used_bytes, 0);
    for (size_t i = 0; i < BODY_BYTES; i++)
        assert_int_equal(der.data[i], 0);
    th_der_close(&der);
}

static void bounds_what_it_takes(void **state)
{
    (void)state;
    enum { BYTES = TH_PEM_SOURCE_MAX_BYTES + 100 };
    char *text = malloc(BYTES);
    memset(text, ' ', BYTES);
    fails(text, BYTES, "larger than 1 MiB");
    memset(text, 'A', BYTES);
    memcpy(text, "-----BEGIN CERTIFICATE-----\n", 28);
    fails(text, BYTES, "more than 65,536 bytes of DER");
    free(text);
}

/* ---- files ---------------------------------------------------------------------------------- */

static void read_path(const char *path, int expected, const char *sentence)
{
    struct seen seen = {0};
    struct th_der der = {0};
    struct th_fault fault = {0};
    struct th_source source = {.path = path};
    assert_int_equal(read_source(source, &seen, &der, &fault), expected);
    assert_non_null(strstr(fault.text, sentence));
    th_der_close(&der);
    if (expected > 0)
        expect_body(&seen);
}

static void write_in_pieces(const char *path)
{
    int file = open(path, O_WRONLY);
    for (const char *at = CERTIFICATE; *at; at += 1)
        if (write(file, at, 1) != 1)
            _exit(1);
    close(file);
    _exit(0);
}

static void reads_files_and_pipes(void **state)
{
    (void)state;
    char directory[] = "/tmp/th_pem_XXXXXX";
    char path[64], pipe[64], link[64], descriptor[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/file", directory);
    snprintf(pipe, sizeof pipe, "%s/pipe", directory);
    snprintf(link, sizeof link, "%s/link", directory);
    int file = open(path, O_RDWR | O_CREAT, 0600);
    assert_int_equal(write(file, CERTIFICATE, sizeof CERTIFICATE - 1), sizeof CERTIFICATE - 1);
    snprintf(descriptor, sizeof descriptor, "/dev/fd/%d", file);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(symlink(path, link), 0);
    read_path(path, 1, "");
    read_path(link, 1, "");
    read_path(descriptor, 1, "");
    pid_t writer = fork();
    if (writer == 0)
        write_in_pieces(pipe);
    read_path(pipe, 1, "");
    waitpid(writer, NULL, 0);
    read_path(directory, TH_E_FILE, "is a directory");
    unlink(pipe);
    unlink(path);
    read_path(link, TH_E_FILE, "No such file");
    unlink(link);
    rmdir(directory);
    close(file);
}

static void survives_every_refusal(void **state)
{
    (void)state;
    static char text[20000];
    strcpy(text, "-----BEGIN CERTIFICATE-----\n");
    for (int i = 0; i < 200; i++)
        strcat(text, BODY);
    strcat(text, "-----END CERTIFICATE-----\n");
    for (size_t n = 1;; n++) {
        struct seen seen = {0};
        struct th_fault fault = {0};
        th_failing_at(n, false);
        int result = read_bytes(text, strlen(text), &seen, &fault);
        size_t injected = th_failing_injected();
        th_failing_stop();
        assert_int_equal(result, injected ? TH_E_MEMORY : 1);
        if (!injected)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_people_write),
        cmocka_unit_test(tells_kinds_and_lines),
        cmocka_unit_test(names_line_and_fault),
        cmocka_unit_test(recognises_der),
        cmocka_unit_test(keeps_blocks_when_told),
        cmocka_unit_test(stops_when_the_sink_says_so),
        cmocka_unit_test(wipes_what_is_dropped),
        cmocka_unit_test(bounds_what_it_takes),
        cmocka_unit_test(reads_files_and_pipes),
        cmocka_unit_test(survives_every_refusal),
    };
    return cmocka_run_group_tests(tests, open_payer, close_payer);
}

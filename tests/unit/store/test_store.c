/* The store: what is written is read again, what is not whole is not taken, and what others can
 * reach is refused. The power cut is tests/integration/test_power_cut.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"
#include "store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <thimble/identity.h>
#include <unistd.h>

static char place[64];
static int base;
static struct th_fault fault;

static int open_base(void **state)
{
    (void)state;
    struct th_fault unheard = {0};
    strcpy(place, "/tmp/thimble-store-XXXXXX");
    char deep[128];
    if (!mkdtemp(place))
        return -1;
    snprintf(deep, sizeof deep, "%s/one/two", place);
    base = th_store_base(deep, TH_STORE_MAKE, &unheard);
    fault = (struct th_fault){0};
    return base < 0;
}

static int close_base(void **state)
{
    (void)state;
    char command[128];
    close(base);
    snprintf(command, sizeof command, "rm -rf %s", place);
    return system(command);
}

/* What stands in the parts tells whose they are. */
static void put(const char *name, const char *content, bool with_roots)
{
    struct th_slice parts[TH_STORE_PARTS], text = th_slice_text(content);
    struct th_store store;
    for (int part = 0; part < TH_STORE_PARTS; part++)
        parts[part] = part == TH_STORE_ROOTS && !with_roots ? th_slice_of(NULL, 0) : text;
    assert_int_equal(th_store_open(&store, base, name, TH_STORE_CREATE, &fault), 0);
    assert_int_equal(th_store_put(&store, parts, &fault), 0);
    assert_int_equal(th_store_promote(&store, th_store_other(&store), &fault), 0);
    th_store_close(&store);
}

static int open_current(const char *name)
{
    struct th_store store;
    fault = (struct th_fault){0};
    int result = th_store_open(&store, base, name, TH_STORE_READ, &fault);
    if (result < 0)
        return result;
    int fd = th_store_generation(&store, store.current, &fault);
    th_store_close(&store);
    return fd;
}

static void holds(const char *name, const char *content, int parts_there)
{
    char text[64];
    int fd = open_current(name), there = 0;
    assert_true(fd >= 0);
    for (int part = 0; part < TH_STORE_PARTS; part++) {
        struct th_fault unheard = {0};
        int bytes = th_store_read(fd, th_store_part_name(part), false, text, sizeof text, &unheard);
        if (bytes < 0)
            continue;
        there++;
        assert_int_equal(bytes, strlen(content));
        assert_memory_equal(text, content, strlen(content));
    }
    assert_int_equal(there, parts_there);
    close(fd);
}

static void refuses(const char *name, int reason)
{
    assert_true(open_current(name) < 0);
    assert_int_equal(fault.code, TH_E_FILE);
    assert_int_equal(fault.reason, reason);
    assert_true(strlen(fault.text) > 10);
}

static void inside(const char *name, char path[256], const char *file)
{
    snprintf(path, 256, "%s/one/two/%s/%s", place, name, file);
}

static void test_generations_take_turns(void **state)
{
    (void)state;
    char path[256];
    struct stat about;
    put("n", "first", true);
    holds("n", "first", 5);
    put("n", "second one", false);
    holds("n", "second one", 4);
    put("n", "third", true);
    holds("n", "third", 5);
    inside("n", path, "a/private_key");
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    inside("n", path, "a");
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0700);
}

static void test_roll_back(void **state)
{
    (void)state;
    struct th_store store;
    put("n", "first", false);
    put("n", "second", false);
    assert_int_equal(th_store_open(&store, base, "n", TH_STORE_CHANGE, &fault), 0);
    assert_int_equal(store.current, 'b');
    assert_int_equal(th_store_promote(&store, th_store_other(&store), &fault), 0);
    th_store_close(&store);
    holds("n", "first", 4);
}

static int open_as(enum th_store_mode mode, struct th_store *store)
{
    fault = (struct th_fault){0};
    return th_store_open(store, base, "n", mode, &fault);
}

static void test_who_holds_it_is_not_waited_for_for_ever(void **state)
{
    (void)state;
    struct th_store one, other;
    put("n", "first", false);
    th_store_wait(50);
    assert_int_equal(open_as(TH_STORE_READ, &one), 0);
    assert_int_equal(open_as(TH_STORE_READ, &other), 0);
    th_store_close(&other);
    assert_int_equal(open_as(TH_STORE_CHANGE, &other), TH_E_TIMEOUT);
    assert_non_null(strstr(fault.text, "another process holds"));
    th_store_close(&one);
    assert_int_equal(open_as(TH_STORE_CHANGE, &one), 0);
    th_store_wait(0);
    assert_int_equal(open_as(TH_STORE_READ, &other), TH_E_TIMEOUT);
    assert_int_equal(other.fd, -1);
    th_store_close(&one);
    th_store_wait(TH_STORE_WAIT_MS);
    fault = (struct th_fault){0};
}

/* One that a power cut has left, or somebody has put there, with more rights or elsewhere. */
static void test_a_temporary_file_is_made_anew(void **state)
{
    (void)state;
    char path[256], elsewhere[256];
    struct stat about;
    put("n", "first", false);
    inside("n", path, "b");
    assert_int_equal(mkdir(path, 0700), 0);
    inside("n", path, "b/private_key.new");
    inside("n", elsewhere, "elsewhere");
    assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
    assert_int_equal(chmod(path, 0666), 0);
    inside("n", path, "b/device_cert.new");
    assert_int_equal(symlink(elsewhere, path), 0);
    put("n", "second", false);
    holds("n", "second", 4);
    inside("n", path, "b/private_key");
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    assert_int_equal(access(elsewhere, F_OK), -1);
}

static void test_every_changed_byte_is_noticed(void **state)
{
    (void)state;
    static const char *const files[] = {
        "a/device_cert", "a/private_key", "a/iot_endpoint", "a/ca_cert", "a/cert_valid",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[256];
        put("n", "content", true);
        inside("n", path, files[i]);
        if (access(path, F_OK) != 0) {
            put("n", "content", true);
            inside("n", path, files[i]);
        }
        int fd = open(path, O_WRONLY);
        assert_true(fd >= 0 && pwrite(fd, "C", 1, 0) == 1 && close(fd) == 0);
        struct th_store store;
        assert_int_equal(th_store_open(&store, base, "n", TH_STORE_READ, &fault), 0);
        fault = (struct th_fault){0};
        assert_true(th_store_generation(&store, 'a', &fault) < 0);
        assert_int_equal(fault.reason, TH_CORRUPTED);
        fault = (struct th_fault){0};
        th_store_close(&store);
    }
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    char path[256];
    refuses("n", TH_MISSING);
    put("n", "x", false);
    inside("n", path, "a/private_key");
    unlink(path);
    refuses("n", TH_MISSING);
    put("m", "x", false);
    inside("m", path, "current");
    unlink(path);
    refuses("m", TH_MISSING);
}

static void test_broken_pointer(void **state)
{
    (void)state;
    static const char *const lines[] = {"", "a", "c\n", "a\n\n", "aa\n", "\n", "A\n", "a\nbbbbbbbb"};
    char path[256];
    put("n", "x", false);
    inside("n", path, "current");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        FILE *file = fopen(path, "w");
        fputs(lines[i], file);
        fclose(file);
        assert_true(open_current("n") < 0);
        assert_true(fault.reason == TH_CORRUPTED || fault.reason == TH_INVALID_FORMAT);
    }
    fault = (struct th_fault){0};
    put("n", "again", false); /* heals it */
    holds("n", "again", 4);
}

static void test_permissions(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        mode_t wrong, right;
    } all[] = {
        {"", 0750, 0700},          {"a", 0701, 0700},         {"a/private_key", 0640, 0600},
        {"current", 0604, 0600},   {"a/device_cert", 0644, 0600},
        {"a/cert_valid", 0660, 0600},
    };
    char path[256];
    put("n", "x", false);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        inside("n", path, all[i].file);
        chmod(path, all[i].wrong);
        refuses("n", TH_BAD_PERMISSIONS);
        chmod(path, all[i].right);
        holds("n", "x", 4);
    }
}

static void test_a_trial_lasts_until_one_is_promoted(void **state)
{
    (void)state;
    struct th_store store;
    put("n", "old", false);
    put("n", "new", false);
    assert_int_equal(th_store_open(&store, base, "n", TH_STORE_CHANGE, &fault), 0);
    char before = th_store_other(&store);
    assert_int_equal(th_store_hold_to(&store, before, &fault), 0);
    th_store_close(&store);
    holds("n", "old", 4);
    assert_int_equal(th_store_open(&store, base, "n", TH_STORE_CHANGE, &fault), 0);
    assert_true(store.on_trial && store.current == before);
    assert_int_equal(th_store_promote(&store, th_store_other(&store), &fault), 0);
    th_store_close(&store);
    assert_int_equal(th_store_open(&store, base, "n", TH_STORE_READ, &fault), 0);
    assert_true(!store.on_trial && store.current != before);
    th_store_close(&store);
    holds("n", "new", 4);
}

static void test_links_are_not_followed(void **state)
{
    (void)state;
    static const char *const files[] = {"current", "a/private_key", "a/device_cert", "a"};
    char path[256], moved[300];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        put("n", "x", false);
        put("n", "x", false);
        struct th_store store;
        th_store_open(&store, base, "n", TH_STORE_CHANGE, &fault);
        th_store_promote(&store, 'a', &fault);
        th_store_close(&store);
        inside("n", path, files[i]);
        snprintf(moved, sizeof moved, "%s.moved", path);
        assert_int_equal(rename(path, moved), 0);
        assert_int_equal(symlink(moved, path), 0);
        assert_true(open_current("n") < 0);
        assert_int_equal(fault.code, TH_E_FILE);
        unlink(path);
        rename(moved, path);
        fault = (struct th_fault){0};
    }
    inside("link", path, "");
    path[strlen(path) - 1] = '\0';
    snprintf(moved, sizeof moved, "%s/one/two/n", place);
    assert_int_equal(symlink(moved, path), 0);
    assert_true(open_current("link") < 0);
}

static void test_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "", ".", "..", ".hidden", "a/b", "a b", "\xc3\xa4", "../n", "n\n",
        "0123456789012345678901234567890123456789012345678901234567890123",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct th_store store;
        fault = (struct th_fault){0};
        assert_int_equal(th_store_open(&store, base, names[i], TH_STORE_CREATE, &fault),
                         TH_E_ARGUMENT);
        assert_int_equal(store.fd, -1);
    }
    fault = (struct th_fault){0};
    put("device-7_eu.2", "x", false);
    holds("device-7_eu.2", "x", 4);
}

static void test_fifo_and_directory(void **state)
{
    (void)state;
    char path[256];
    put("n", "x", false);
    inside("n", path, "a/device_cert");
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    refuses("n", TH_MISSING);
    unlink(path);
    mkdir(path, 0700);
    refuses("n", TH_INVALID_FORMAT);
}

static void test_base_of_others(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s/one/two", place);
    chmod(path, 0770);
    fault = (struct th_fault){0};
    assert_true(th_store_base(path, TH_STORE_LIST, &fault) < 0);
    assert_int_equal(fault.reason, TH_BAD_PERMISSIONS);
    chmod(path, 0755);
    fault = (struct th_fault){0};
    int fd = th_store_base(path, TH_STORE_PASS, &fault);
    assert_true(fd >= 0);
    close(fd);
}

static void note(void *arg, const char *name)
{
    strcat(strcat(arg, name), " ");
}

static void test_list(void **state)
{
    (void)state;
    char names[4096] = "", name[32];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "device-%02d", i);
        assert_int_equal(mkdirat(base, name, 0700), 0);
    }
    mkdirat(base, ".hidden", 0700);
    assert_int_equal(th_store_list(base, note, names, &fault), 0);
    assert_int_equal(strlen(names), 100 * strlen("device-00 "));
    assert_non_null(strstr(names, "device-57 "));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_base, close_base)
    const struct CMUnitTest tests[] = {
        EACH(test_generations_take_turns), EACH(test_roll_back),
        EACH(test_who_holds_it_is_not_waited_for_for_ever),
        EACH(test_a_temporary_file_is_made_anew),
        EACH(test_every_changed_byte_is_noticed), EACH(test_what_is_not_there),
        EACH(test_broken_pointer), EACH(test_permissions), EACH(test_links_are_not_followed),
        EACH(test_a_trial_lasts_until_one_is_promoted),
        EACH(test_names), EACH(test_fifo_and_directory), EACH(test_base_of_others),
        EACH(test_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

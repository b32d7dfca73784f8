/* `current` and `cert_valid` of others: only "a" and "b" name a generation, and "ab" and "ba" one
 * and another on trial; only its own digest makes one whole. */
#include "base/slice.h"
#include "store/store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char place[] = "/tmp/thimble-fuzz-XXXXXX";
static int base = -1;
static uint8_t valid[128];
static int valid_bytes;

static void demand(bool good)
{
    if (!good)
        abort();
}

static void remove_all(void)
{
    char command[64] = "rm -rf ";
    demand(system(strcat(command, place)) == 0);
}

static void put_one(void)
{
    struct th_slice parts[TH_STORE_PARTS];
    struct th_store store;
    for (int part = 0; part < TH_STORE_PARTS; part++)
        parts[part] = th_slice_text("x");
    demand(th_store_open(&store, base, "n", TH_STORE_CREATE, NULL) == 0);
    demand(th_store_put(&store, parts, NULL) == 0 && th_store_promote(&store, 'a', NULL) == 0);
    int fd = openat(store.fd, "a", O_RDONLY);
    valid_bytes = th_store_read(fd, "cert_valid", false, valid, sizeof valid, NULL);
    close(fd);
    th_store_close(&store);
}

static void open_place(void)
{
    demand(mkdtemp(place) != NULL);
    atexit(remove_all);
    base = th_store_base(place, TH_STORE_LIST, NULL);
    demand(base >= 0);
    put_one();
}

static void write_file(const char *name, const uint8_t *data, size_t size)
{
    int fd = openat(base, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    demand(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
}

static bool is(const uint8_t *data, size_t size, const void *wanted, size_t wanted_bytes)
{
    return size == wanted_bytes && memcmp(data, wanted, size) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct th_store store;
    if (base < 0)
        open_place();
    write_file("n/current", data, size);
    bool tried = is(data, size, "ab\n", 3) || is(data, size, "ba\n", 3);
    bool named = tried || is(data, size, "a\n", 2) || is(data, size, "b\n", 2);
    demand((th_store_open(&store, base, "n", TH_STORE_READ, NULL) == 0) == named);
    demand(!named || (store.current == (char)data[0] && store.on_trial == tried));
    th_store_close(&store);
    write_file("n/current", (const uint8_t *)"a\n", 2);
    write_file("n/a/cert_valid", data, size);
    demand(th_store_open(&store, base, "n", TH_STORE_READ, NULL) == 0);
    int fd = th_store_generation(&store, 'a', NULL);
    demand((fd >= 0) == is(data, size, valid, (size_t)valid_bytes));
    if (fd >= 0)
        close(fd);
    th_store_close(&store);
    return 0;
}

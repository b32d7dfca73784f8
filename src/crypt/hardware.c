#include "crypt/hardware.h"

#include "base/err.h"
#include "base/file.h"
#include "crypt/health.h"
#include "crypt/wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define STARTUP_SAMPLES 1024 /* SP 800-90B section 4.3, requirement 4 */
#define PIECE_BYTES 64
#define PATIENCE_MS 250

static struct {
    pthread_mutex_t lock;
    int fd;
    unsigned users;
    char path[128];
    struct th_health health;
} hardware = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

static bool becomes_readable(void)
{
    struct pollfd wait = {.fd = hardware.fd, .events = POLLIN};
    return poll(&wait, 1, PATIENCE_MS) == 1;
}

static bool read_hardware(uint8_t *out, size_t bytes)
{
    while (bytes > 0) {
        ssize_t got = read(hardware.fd, out, bytes);
        if (got < 0 && (errno == EINTR || (errno == EAGAIN && becomes_readable())))
            continue;
        if (got <= 0)
            return false;
        out += got;
        bytes -= (size_t)got;
    }
    return true;
}

static bool take_tested(uint8_t *out, size_t bytes)
{
    return read_hardware(out, bytes) && th_health_feed(&hardware.health, out, bytes);
}

static bool passes_startup(void)
{
    uint8_t samples[PIECE_BYTES];
    bool good = true;
    for (size_t done = 0; good && done < STARTUP_SAMPLES; done += sizeof samples)
        good = take_tested(samples, sizeof samples);
    th_crypt_wipe(samples, sizeof samples);
    return good;
}

static void close_source(void)
{
    close(hardware.fd);
    hardware.fd = -1;
}

static int open_source(const char *path, struct th_fault *fault)
{
    if (strlen(path) >= sizeof hardware.path)
        return th_fault_set(fault, TH_E_ARGUMENT, "the hardware random source's path is longer "
                            "than %zu bytes", sizeof hardware.path - 1);
    hardware.fd = th_file_open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
    if (hardware.fd < 0)
        return th_fault_set_errno(fault, TH_E_FILE, "cannot open the hardware random source %s",
                                  path);
    strcpy(hardware.path, path);
    memset(&hardware.health, 0, sizeof hardware.health);
    if (passes_startup())
        return 0;
    close_source();
    return th_fault_set(fault, TH_E_ENTROPY,
                        "the hardware random source %s %s; nothing was sent. Leave it out to use "
                        "the kernel's pool alone", path,
                        hardware.health.failed ? "failed its health test"
                                               : "is too slow or ended");
}

static int share_source(const char *path, struct th_fault *fault)
{
    if (hardware.users == 0)
        return open_source(path, fault);
    if (strcmp(hardware.path, path) == 0)
        return 0;
    return th_fault_set(fault, TH_E_ARGUMENT,
                        "the hardware random source is %s for the whole process, not also %s",
                        hardware.path, path);
}

int th_crypt_hardware_open(const char *path, struct th_fault *fault)
{
    if (!path)
        return 0;
    pthread_mutex_lock(&hardware.lock);
    int result = share_source(path, fault);
    if (result == 0)
        hardware.users++;
    pthread_mutex_unlock(&hardware.lock);
    return result;
}

void th_crypt_hardware_close(void)
{
    pthread_mutex_lock(&hardware.lock);
    if (--hardware.users == 0)
        close_source();
    pthread_mutex_unlock(&hardware.lock);
}

static bool mix_piece(uint8_t *seed, size_t bytes)
{
    uint8_t noise[PIECE_BYTES];
    bool good = take_tested(noise, bytes);
    for (size_t i = 0; good && i < bytes; i++)
        seed[i] ^= noise[i];
    th_crypt_wipe(noise, sizeof noise);
    return good;
}

static bool mix_open_source(uint8_t *seed, size_t bytes)
{
    for (size_t done = 0; done < bytes; done += PIECE_BYTES) {
        size_t piece = bytes - done < PIECE_BYTES ? bytes - done : PIECE_BYTES;
        if (!mix_piece(seed + done, piece))
            return false;
    }
    return true;
}

bool th_crypt_hardware_mix(uint8_t *seed, size_t bytes)
{
    pthread_mutex_lock(&hardware.lock);
    bool good = hardware.fd < 0 || mix_open_source(seed, bytes);
    pthread_mutex_unlock(&hardware.lock);
    return good;
}

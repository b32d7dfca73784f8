#include "absent/absent.h"
#include "ws/stream.h"

int th_ws_check_path(const char *path, struct th_fault *fault)
{
    (void)path;
    return th_absent(fault, "WebSocket");
}

int th_ws_open(struct th_ws *ws, uint8_t *cell, size_t cell_bytes,
               const struct th_ws_target *target, const struct th_ws_io *io,
               struct th_fault *fault)
{
    (void)ws, (void)cell, (void)cell_bytes, (void)target, (void)io;
    return th_absent(fault, "WebSocket");
}

int th_ws_shake(struct th_ws *ws)
{
    (void)ws;
    return TH_E_ARGUMENT;
}

int th_ws_read(struct th_ws *ws, uint8_t *buffer, size_t bytes)
{
    (void)ws, (void)buffer, (void)bytes;
    return TH_E_ARGUMENT;
}

int th_ws_write(struct th_ws *ws, const uint8_t *data, size_t bytes)
{
    (void)ws, (void)data, (void)bytes;
    return TH_E_ARGUMENT;
}

int th_ws_flush(struct th_ws *ws)
{
    (void)ws;
    return TH_E_ARGUMENT;
}

int th_ws_finish(struct th_ws *ws)
{
    (void)ws;
    return TH_E_ARGUMENT;
}

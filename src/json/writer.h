/* Writes one JSON object, leaf by leaf: a leaf is an object of numbers, texts and flags, built as a
 * cJSON tree, printed and given back before the next one begins. What is held from malloc at any
 * time is one leaf, whatever the length of the whole. For the report; what is too long for a tree
 * goes through json/flow.h.
 *
 *     th_json_begin(&json, write, arg);
 *     th_json_enter(&json, "phases");
 *     th_json_open(&json, "shaking");
 *     th_json_number(&json, "peak_bytes", 12812);
 *     th_json_close(&json);
 *     th_json_leave(&json);
 *     return th_json_end(&json);
 *
 * Names must be plain literals: they are not escaped, and only pointed to. Texts are escaped and
 * copied. The first failure is kept, later calls do nothing, th_json_end() returns it. */
#ifndef TH_JSON_WRITER_H
#define TH_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest leaf, printed. */
#define TH_JSON_LEAF_BYTES 768

struct cJSON;

struct th_json {
    int (*write)(void *arg, const char *text, size_t text_bytes); /* >= 0, or the error to keep */
    void *arg;
    struct cJSON *leaf;
    int result;
    int depth;
    bool first; /* nothing written yet in the object we are in */
};

void th_json_begin(struct th_json *json,
                   int (*write)(void *arg, const char *text, size_t text_bytes), void *arg);

/* 0, the writer's error, TH_E_MEMORY (malloc refused) or TH_E_TOO_LARGE (a leaf is too long). */
int th_json_end(struct th_json *json);

/* An object of objects; at most 8 deep. */
void th_json_enter(struct th_json *json, const char *name);
void th_json_leave(struct th_json *json);

/* A leaf. */
void th_json_open(struct th_json *json, const char *name);
void th_json_number(struct th_json *json, const char *name, uint64_t number);
void th_json_text(struct th_json *json, const char *name, const char *text);
void th_json_flag(struct th_json *json, const char *name, bool flag);
void th_json_close(struct th_json *json);

#endif

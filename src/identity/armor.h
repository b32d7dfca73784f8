/* Writing PEM (RFC 7468). */
#ifndef TH_IDENTITY_ARMOR_H
#define TH_IDENTITY_ARMOR_H

#include <thimble/key.h>

/* 0, or what the sink returned below zero. */
int th_armor(const struct th_text_sink *sink, const char *label, struct th_slice der);

#endif

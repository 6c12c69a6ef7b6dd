/* One packet as a line: text for people, JSON for programs. */
#ifndef RSIPCTL_PACKET_LINE_H
#define RSIPCTL_PACKET_LINE_H

#include <jansson.h>
#include <stdio.h>
#include <sys/time.h>

struct explained;

/* interface: where it was seen; NULL where that is not known. */
void packet_line_text(FILE *out, const struct timeval *time, const char *interface, const struct explained *x);

/* A new reference. */
json_t *packet_line_json(const struct timeval *time, const char *interface, const struct explained *x);

#endif

/* Leases for a gateway on this machine, which leases them on to hosts of its own (RFC 3102 4.2.1): a file tells rsipd
 * what there is and until when. The format is that of rsipd's conf_upstream.h. */
#ifndef RSIPC_HANDOVER_H
#define RSIPC_HANDOVER_H

#include <stdint.h>

struct agent;

/* The text of the file, which the caller frees. *expires: when the first of the leases ends, seconds since 1970; the
 * text does not have it: handover_put adds it. */
char *handover_text(const struct agent *agent, int64_t *expires);

/* Puts the text into the file, unless it tells the same already and for as long, give or take a second or two by which
 * two readings of one clock differ. Faults are logged. */
void handover_put(const char *path, const char *text, int64_t expires);

#endif

/* Sequence numbers that outlive the program. A key that was set by hand stays the same after a restart, and a number
 * that is used twice under one key is fatal (RFC 4106 10: the same nonce), so what was used is kept in a file; the same
 * file lets an inbound SA refuse after a restart what it had received before.
 *
 * The file is mapped: a number is in it as soon as it is used, whatever ends the program. Against the end of the
 * machine, which may lose what was not written to the disk, numbers are reserved ahead, and a new boot begins behind what
 * was reserved. Outbound numbers are, in blocks, on the disk before they are used. Inbound ones are not waited for, since
 * traffic would stand still for the disk: each second what the next ones are to bring is reserved, by what the last one
 * brought, and is on its way to the disk. So a new boot takes no packet twice that came before, but one of a burst within
 * the last second or of a disk that is seconds behind; and the peer's first packets are lost, as many as it sends in
 * those seconds, which a boot takes anyway. */
#ifndef RSIPC_ESP_SEQUENCE_H
#define RSIPC_ESP_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One key's. Written by the SA that uses it. */
struct esp_counter {
	uint8_t id[32];    /* says which key, and nothing of it */
	uint64_t sequence; /* outbound: the last one used; inbound: the highest received */
	uint64_t reserved; /* up to here numbers may have been used, or received */
	uint64_t packets, bytes; /* under this key */
};

struct esp_sequence;

/* Room for n keys. path NULL: nothing is kept, for tests. NULL after a line in the log: the file cannot be used, or
 * another program uses it. */
struct esp_sequence *esp_sequence_open(const char *path, size_t n);
void esp_sequence_close(struct esp_sequence *file); /* accepts NULL; what was used is on the disk then */

/* The counter of this key in this direction, new (all zero) if the file did not have it; it lives as long as file. NULL
 * when there is no room. limit: no number beyond it exists. */
struct esp_counter *esp_sequence_find(struct esp_sequence *file, const uint8_t *key, size_t len, bool outbound,
                                      uint64_t limit);

/* Before the number counter->sequence + 1 is used, when that is beyond counter->reserved: reserves more. False when the
 * disk did not take it: the number must not be used. */
bool esp_sequence_reserve(struct esp_sequence *file, struct esp_counter *counter);

/* Each second: reserves for inbound counters what may come until the disk has it. Waits for nothing. */
void esp_sequence_foresee(struct esp_sequence *file);

#endif

/* What trace and replay do with each packet: explain it, pick it or not, print it, write it into a file. */
#ifndef RSIPCTL_TELLER_H
#define RSIPCTL_TELLER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "capture.h"

struct filter;
struct lease_view;

struct teller {
	FILE *out; /* NULL: nothing is printed */
	bool json;
	bool elsewhere; /* tell of packets, too, that concern no lease */
	const struct filter *filter;
	uint64_t count; /* how many are told of at the most; 0 = no end */
	uint64_t told;
	struct lease_view *view;
	struct capture_file *file; /* NULL: none */
};

/* False when there is nothing more to tell: the count is reached, or nobody reads any more. */
bool teller_packet(struct teller *t, const struct captured *packet);

/* What has been told goes out now; false when it cannot. */
bool teller_flush(struct teller *t);

#endif

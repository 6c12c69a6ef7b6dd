/* A packet as it comes off a wire, and as an ICMP error quotes it: header, then demultiplexing fields, both ways
 * round. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "classify.h"
#include "checksum.h"
#include "mss.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dp_pool pool = { .ike_ports = { 500, 4500 }, .n_ike_ports = 2 };

static void
both_ways(const struct packet *p)
{
	struct demux_key key;

	if ((size_t)p->payload + p->payload_len > p->len)
		abort();
	classify(p, LOCAL_IS_DST, &pool, &key);
	classify(p, LOCAL_IS_SRC, &pool, &key);
	classify(p, LOCAL_IS_DST, NULL, &key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size > 0 ? size : 1);
	struct packet p;

	if (bytes == NULL)
		abort();
	if (size > 0)
		memcpy(bytes, data, size);
	if (packet_parse_quoted(&p, bytes, size))
		both_ways(&p);
	/* A wrong header checksum would hide all that is behind it. */
	if (size >= IPV4_HEADER_LEN && (size_t)(bytes[0] & 15) * 4 <= size) {
		wire_put16(bytes + IPV4_CHECKSUM, 0);
		wire_put16(bytes + IPV4_CHECKSUM, checksum(bytes, (size_t)(bytes[0] & 15) * 4));
	}
	if (packet_parse(&p, bytes, size)) {
		both_ways(&p);
		mss_clamp(&p, 1480);
	}
	free(bytes);
	return 0;
}

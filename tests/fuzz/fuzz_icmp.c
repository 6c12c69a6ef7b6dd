/* What follows the IP header of an ICMP packet: quoted packets, and the gateway's own errors and answers about it. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "classify.h"
#include "icmp.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t header[IPV4_HEADER_LEN] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 1, 0, 0, 198, 51, 100, 1, 203, 0, 113, 8 };
	uint8_t error[ICMP_ERROR_MAX], *bytes;
	struct packet p, quoted;
	struct demux_key key;

	if (size > PACKET_MAX - IPV4_HEADER_LEN)
		return 0;
	if ((bytes = malloc(IPV4_HEADER_LEN + size)) == NULL)
		abort();
	memcpy(bytes, header, IPV4_HEADER_LEN);
	if (size > 0)
		memcpy(bytes + IPV4_HEADER_LEN, data, size);
	wire_put16(bytes + 2, (uint16_t)(IPV4_HEADER_LEN + size));
	wire_put16(bytes + IPV4_CHECKSUM, checksum(bytes, IPV4_HEADER_LEN));
	if (!packet_parse(&p, bytes, IPV4_HEADER_LEN + size))
		abort();
	if (icmp_quoted(&p, &quoted))
		classify(&quoted, LOCAL_IS_SRC, NULL, &key);
	if (icmp_error(error, &p, ICMP_TYPE_UNREACHABLE, ICMP_CODE_FRAG_NEEDED, 1480, p.dst) > ICMP_ERROR_MAX)
		abort();
	if (size >= ICMP_HEADER_LEN) { /* an answer needs a right checksum */
		wire_put16(bytes + IPV4_HEADER_LEN + 2, 0);
		wire_put16(bytes + IPV4_HEADER_LEN + 2, checksum(bytes + IPV4_HEADER_LEN, size));
	}
	if (icmp_reply(&p, 1) && checksum(p.bytes + IPV4_HEADER_LEN, p.len - IPV4_HEADER_LEN) != 0)
		abort();
	free(bytes);
	return 0;
}

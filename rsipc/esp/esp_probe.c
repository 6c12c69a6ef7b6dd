#include "esp_probe.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "checksum.h"
#include "esp_inner.h"
#include "icmp.h"
#include "packet.h"
#include "wire.h"

_Static_assert(ESP_PROBE_LEN == IPV4_HEADER_LEN + ICMP_HEADER_LEN + ESP_PROBE_DATA, "an echo request");

static void
write_echo(const uint8_t data[ESP_PROBE_DATA], ip4_t from, ip4_t to, uint8_t *out)
{
	uint8_t *icmp = out + IPV4_HEADER_LEN;

	memset(out, 0, ESP_PROBE_LEN);
	out[0] = 0x45;
	wire_put16(out + 2, ESP_PROBE_LEN);
	out[IPV4_TTL] = 64;
	out[IPV4_PROTO] = IP_PROTO_ICMP;
	wire_put32(out + IPV4_SRC, from);
	wire_put32(out + IPV4_DST, to);
	wire_put16(out + IPV4_CHECKSUM, checksum(out, IPV4_HEADER_LEN));
	icmp[0] = ICMP_TYPE_ECHO;
	memcpy(icmp + ICMP_HEADER_LEN, data, ESP_PROBE_DATA);
	wire_put16(icmp + 2, checksum(icmp, ICMP_HEADER_LEN + ESP_PROBE_DATA));
}

bool
esp_probe_make(struct esp_probe *probe, struct sa_end end, ip4_t from, ip4_t to, uint8_t out[ESP_PROBE_LEN])
{
	if (!sa_end_equal(probe->to, end) && RAND_bytes(probe->data, ESP_PROBE_DATA) != 1)
		return false;
	probe->to = end;
	write_echo(probe->data, from, to, out);
	return true;
}

bool
esp_probe_answered(struct esp_probe *probe, const struct inner *p)
{
	const uint8_t *icmp = p->bytes + IPV4_HEADER_LEN;

	if (probe->to.addr == 0 || p->version != 4 || p->len != ESP_PROBE_LEN || p->bytes[IPV4_PROTO] != IP_PROTO_ICMP ||
	    icmp[0] != ICMP_TYPE_ECHO_REPLY || CRYPTO_memcmp(icmp + ICMP_HEADER_LEN, probe->data, ESP_PROBE_DATA) != 0)
		return false;
	probe->to = (struct sa_end){ 0 };
	return true;
}

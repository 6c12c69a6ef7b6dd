/* Packets through all the stages of the relay, in and out, on the gateway of dataplane/site.h. The first byte: bit 0
 * the direction, bits 1-4 which host sends, bit 5 GRE, bit 6 an ICMP error from the private side. Checksums are put
 * right where otherwise nothing would get in. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/site.h"
#include "checksum.h"
#include "engine.h"
#include "fragment_hold.h"
#include "log.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct engine engine;
static struct dp_counters counters;

static void
fix_header(uint8_t *ip, size_t len)
{
	if (len < IPV4_HEADER_LEN || (size_t)(ip[0] & 15) * 4 > len)
		return;
	wire_put16(ip + IPV4_CHECKSUM, 0);
	wire_put16(ip + IPV4_CHECKSUM, checksum(ip, (size_t)(ip[0] & 15) * 4));
}

/* What is sent on lies inside what came. */
static void
check(const struct verdict *v, const uint8_t *bytes, size_t len)
{
	if (v->action == VERDICT_DROP && v->reason >= DP_DROP_COUNT)
		abort();
	if (v->action != VERDICT_DROP && (v->bytes < bytes || v->bytes + v->len > bytes + len))
		abort();
	if (v->action == VERDICT_HOST && v->host == NULL)
		abort();
}

/* What waits goes on, in bounded memory. */
static void
check_released(void)
{
	struct verdict v;

	while (engine_next_released(&engine, &v))
		check(&v, engine.released->bytes, engine.released->len);
	if (fragment_hold_bytes(demux_held(engine.demux)) > FRAGMENT_HOLD_BYTES)
		abort();
}

static void
send_out(uint8_t how, const uint8_t *data, size_t size)
{
	size_t header = IPV4_HEADER_LEN + ((how & 32) != 0 ? 4 : 0);
	uint8_t *bytes = calloc(1, header + size);
	struct verdict v;

	bytes[0] = 0x45;
	wire_put16(bytes + 2, (uint16_t)(header + size));
	bytes[IPV4_PROTO] = (how & 32) != 0 ? IP_PROTO_GRE : IP_PROTO_IPIP;
	wire_put32(bytes + IPV4_SRC, X1 + (how >> 1 & 15));
	wire_put32(bytes + IPV4_DST, GW);
	fix_header(bytes, IPV4_HEADER_LEN);
	if ((how & 32) != 0)
		wire_put16(bytes + 22, 0x0800);
	memcpy(bytes + header, data, size);
	fix_header(bytes + header, size);
	engine_outbound(&engine, bytes, header + size, &v);
	check(&v, bytes, header + size);
	free(bytes);
}

static void
send_error(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size);
	struct verdict v;

	memcpy(bytes, data, size);
	fix_header(bytes, size);
	if (size >= IPV4_HEADER_LEN + ICMP_HEADER_LEN && bytes[0] == 0x45) {
		wire_put16(bytes + 22, 0);
		wire_put16(bytes + 22, checksum(bytes + IPV4_HEADER_LEN, size - IPV4_HEADER_LEN));
	}
	if (engine_tunnel_error(&engine, bytes, size, &v) && v.host == NULL)
		abort();
	free(bytes);
}

static void
send_in(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size);
	struct verdict v;

	memcpy(bytes, data, size);
	fix_header(bytes, size);
	engine_inbound(&engine, bytes, size, &v);
	check(&v, bytes, size);
	free(bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (engine.demux == NULL) {
		log_init("fuzz", LOG_TO_NONE, LOG_LVL_ERROR, false);
		site_up(&engine);
	}
	if (size < 2 || size > 60000)
		return 0;
	engine.now += 10;
	engine_expire(&engine, &counters);
	if ((data[0] & 64) != 0)
		send_error(data + 1, size - 1);
	else if ((data[0] & 1) != 0)
		send_out(data[0], data + 1, size - 1);
	else
		send_in(data + 1, size - 1);
	check_released();
	return 0;
}

/* What rsipctl trace and replay make of frames, on the gateway of dataplane/site.h as its leases' document. The first
 * byte chooses the link type, or with its highest bit set what follows is such a document. Header checksums are put
 * right, or nothing would get in. */
#include "config.h"

#include <pcap/dlt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/site_document.h"
#include "checksum.h"
#include "explain.h"
#include "filter.h"
#include "lease_source.h"
#include "link_layer.h"
#include "log.h"
#include "packet_line.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fix_header(uint8_t *ip, size_t len)
{
	if (len < IPV4_HEADER_LEN || (size_t)(ip[0] & 15) * 4 > len || (ip[0] & 15) < 5)
		return;
	wire_put16(ip + IPV4_CHECKSUM, 0);
	wire_put16(ip + IPV4_CHECKSUM, checksum(ip, (size_t)(ip[0] & 15) * 4));
	if (ip[IPV4_PROTO] == IP_PROTO_IPIP)
		fix_header(ip + (ip[0] & 15) * 4, len - (size_t)(ip[0] & 15) * 4);
}

static void
look_at(struct lease_view *view, const struct sighting *s)
{
	static const struct filter filter = { .has_spi = true, .spi = { 0, UINT32_MAX }, .port = { 1, 65535 } };
	struct explained x;
	json_t *line;

	explain(view, s, &x);
	if (x.why[0] == '\0' || (x.fate == FATE_DROPPED) != (x.reason != DP_NO_DROP))
		abort();
	filter_matches(&filter, &x);
	line = packet_line_json(&(struct timeval){ 0 }, "lan0", &x);
	json_decref(line);
}

static void
take_frame(uint8_t how, const uint8_t *data, size_t size)
{
	static const int links[] = { DLT_RAW, DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL, 99 };
	static struct lease_view *view;
	static int64_t now;
	struct sighting s = { .now = now += 10, .link_mtu = (how & 64) != 0 ? 1500 : 0 };
	uint8_t *bytes = malloc(size);
	struct rbuf r;

	if (view == NULL)
		view = site_view();
	memcpy(bytes, data, size);
	rbuf_init(&r, bytes, size);
	if (link_layer_strip(&r, links[how % 6])) {
		s.ip = r.pos;
		s.captured = rbuf_left(&r);
		s.len = s.captured + ((how & 32) != 0 ? 100 : 0);
		fix_header(bytes + (size - s.captured), s.captured);
		look_at(view, &s);
	}
	free(bytes);
}

static void
take_document(const uint8_t *data, size_t size)
{
	struct lease_view *view = lease_view_new(-1);
	json_t *document = json_loadb((const char *)data, size, 0, NULL);
	char error[CTL_ERROR_LEN];

	if (document != NULL)
		lease_document_load(document, view, 1, error);
	json_decref(document);
	lease_view_free(view);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	log_init("fuzz", LOG_TO_NONE, LOG_LVL_ERROR, false);
	if (size < 2 || size > 60000)
		return 0;
	if ((data[0] & 128) != 0)
		take_document(data + 1, size - 1);
	else
		take_frame(data[0], data + 1, size - 1);
	return 0;
}

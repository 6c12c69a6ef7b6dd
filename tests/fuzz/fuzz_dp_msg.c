/* Control's messages to the data plane, one after the other, each after two bytes of length: whatever they say, the
 * tables stay whole. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "demux.h"
#include "dp_apply.h"
#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
host_new_cb(struct demux_host *host, void *arg)
{
	(void)arg;
	host->path_mtu = 1500;
}

static void
forgotten_cb(const struct learned *item, void *arg)
{
	(void)item;
	(void)arg;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct demux_events events = { .forgotten = forgotten_cb, .host_new = host_new_cb };
	struct demux *d;

	log_init("fuzz", LOG_TO_NONE, LOG_LVL_ERROR, false);
	d = demux_new(&events);
	while (size >= 2) {
		size_t len = (size_t)data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		dp_apply(d, data, len, 0);
		data += len;
		size -= len;
	}
	demux_free(d);
	return 0;
}

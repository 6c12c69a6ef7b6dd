/* What comes to the outer sockets for a tunnel, as it is, and as the plaintext of an authentic packet: the inner header
 * is the peer's to write. Then the segments that come out are joined. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "esp_merge.h"
#include "esp_sequence.h"
#include "esp_tunnel.h"
#include "log.h"

#define SIZE_MAX_HERE 3000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct esp_prefix all[2] = { { .version = 4 }, { .version = 6 } };
static char name[] = "t";
static struct esp_sa_conf conf = {
	.name = name, .remote = 0xc6336402, .encap = true, .remote_port = 4500, .spi_in = 0x1001, .spi_out = 0x1001,
	.esn = true, .window = 64, .soft = { UINT64_MAX, UINT64_MAX }, .hard = { UINT64_MAX, UINT64_MAX }, .local_nets = all,
	.remote_nets = all, .n_local_nets = 2, .n_remote_nets = 2,
};
static struct esp_tunnel *tunnel; /* it hears itself */

static void
prepare(void)
{
	static const uint8_t key[ESP_KEY_MAX] = { 1 };

	log_init("fuzz_esp", LOG_TO_NONE, LOG_LVL_ERROR, false);
	conf.algorithm = esp_algorithm_find("aes-128-gcm");
	if ((tunnel = esp_tunnel_new(&conf, key, key, esp_sequence_open(NULL, 2))) == NULL)
		abort();
}

/* In a block of its own, so that a sanitizer sees what is read or written behind it. */
static void
arrives(const uint8_t *data, size_t size, uint8_t tos)
{
	static struct merger merger;
	struct virtio_net_hdr header;
	struct esp_arrival arrival;
	struct inner inner;
	uint8_t *bytes = malloc(size + 1), *joined;

	if (bytes == NULL)
		abort();
	if (size > 0)
		memcpy(bytes, data, size);
	if (esp_tunnel_open(tunnel, bytes, size, tos, &arrival, &inner)) {
		if (inner.bytes < bytes || inner.bytes + inner.len > bytes + size || !arrival.authentic)
			abort();
		if (!merger_take(&merger, inner.bytes, inner.len)) {
			merger_finish(&merger, &joined, &header);
			merger_take(&merger, inner.bytes, inner.len);
		}
	}
	free(bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t packet[SIZE_MAX_HERE + ESP_HEAD_MAX + ESP_TAIL_MAX];
	size_t len;

	if (tunnel == NULL)
		prepare();
	if (size < 2 || size > SIZE_MAX_HERE)
		return 0;
	arrives(data + 1, size - 1, data[0]);
	memcpy(packet + esp_head_len(conf.algorithm), data + 2, size - 2);
	if ((len = esp_tunnel_seal(tunnel, packet, size - 2, data[1])) == 0)
		abort();
	arrives(packet, len, data[0]);
	return 0;
}

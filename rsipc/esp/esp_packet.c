#include "esp_packet.h"

#include "wire.h"

#define HEADER_LEN 8
#define TRAILER_LEN 2 /* pad length and next header */

size_t
esp_head_len(const struct esp_algorithm *algorithm)
{
	return HEADER_LEN + (size_t)algorithm->iv;
}

static size_t
pad_len(const struct esp_algorithm *algorithm, size_t inner_len)
{
	return -(inner_len + TRAILER_LEN) & (algorithm->align - 1u);
}

size_t
esp_tail_len(const struct esp_algorithm *algorithm, size_t inner_len)
{
	return pad_len(algorithm, inner_len) + TRAILER_LEN + ESP_ICV_LEN;
}

size_t
esp_inner_max(const struct esp_algorithm *algorithm, size_t room)
{
	size_t fixed = esp_head_len(algorithm) + ESP_ICV_LEN, text;

	if (room < fixed)
		return 0;
	text = (room - fixed) & ~(algorithm->align - (size_t)1);
	return text > TRAILER_LEN ? text - TRAILER_LEN : 0;
}

size_t
esp_seal(struct esp_transform *t, uint8_t *packet, size_t inner_len, uint8_t next_header, uint32_t spi,
    uint64_t sequence, uint64_t iv)
{
	const struct esp_algorithm *algorithm = esp_transform_algorithm(t);
	size_t padding = pad_len(algorithm, inner_len), text = inner_len + padding + TRAILER_LEN;
	uint8_t *tail = packet + esp_head_len(algorithm) + inner_len;

	wire_put32(packet, spi);
	wire_put32(packet + 4, (uint32_t)sequence);
	for (size_t i = 0; i < padding; i++)
		tail[i] = (uint8_t)(i + 1);
	tail[padding] = (uint8_t)padding;
	tail[padding + 1] = next_header;
	if (!esp_transform_seal(t, packet, text, sequence, iv))
		return 0;
	return esp_head_len(algorithm) + text + ESP_ICV_LEN;
}

bool
esp_header_read(const uint8_t *packet, size_t len, struct esp_header *out)
{
	if (len < HEADER_LEN)
		return false;
	out->spi = wire_get32(packet);
	out->sequence = wire_get32(packet + 4);
	return true;
}

/* The padding of a packet that is authentic: 1, 2, 3, ... (RFC 4303 2.4). */
static bool
padding_good(const uint8_t *text, size_t len, size_t padding)
{
	if (padding + TRAILER_LEN > len)
		return false;
	text += len - TRAILER_LEN - padding;
	for (size_t i = 0; i < padding; i++) {
		if (text[i] != i + 1)
			return false;
	}
	return true;
}

enum esp_verdict
esp_open(struct esp_transform *t, uint8_t *packet, size_t len, uint64_t sequence, struct esp_inner *inner)
{
	const struct esp_algorithm *algorithm = esp_transform_algorithm(t);
	size_t head = esp_head_len(algorithm), text, padding;

	if (len < head + TRAILER_LEN + ESP_ICV_LEN)
		return ESP_MALFORMED;
	text = len - head - ESP_ICV_LEN;
	if (text % algorithm->align != 0)
		return ESP_MALFORMED;
	if (!esp_transform_open(t, packet, text, sequence))
		return ESP_UNAUTHENTIC;
	padding = packet[head + text - TRAILER_LEN];
	if (!padding_good(packet + head, text, padding))
		return ESP_BAD_PADDING;
	inner->bytes = packet + head;
	inner->len = text - TRAILER_LEN - padding;
	inner->next_header = packet[head + text - 1];
	return ESP_GOOD;
}

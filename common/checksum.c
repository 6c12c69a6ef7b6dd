#include "checksum.h"

#include "wire.h"

static uint16_t
fold(uint64_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint16_t
checksum(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint64_t sum = 0;

	for (; len >= 2; at += 2, len -= 2)
		sum += wire_get16(at);
	if (len == 1)
		sum += (uint64_t)at[0] << 8;
	return (uint16_t)~fold(sum);
}

/* RFC 1624 equation 3, HC' = ~(~HC + ~m + m'): the one that never makes a wrong zero. */
uint16_t
checksum_adjust(uint16_t field, uint16_t old_word, uint16_t new_word)
{
	return (uint16_t)~fold((uint64_t)(uint16_t)~field + (uint16_t)~old_word + new_word);
}

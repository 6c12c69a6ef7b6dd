#include "checksum.h"

#include <arpa/inet.h>
#include <string.h>

static uint16_t
fold(uint64_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* The sum of the 16-bit words in this machine's byte order, four bytes at a time: swapped, it is the sum in network
 * order (RFC 1071 2 (B)). */
static uint64_t
sum_of(const uint8_t *at, size_t len)
{
	uint64_t sum = 0;
	uint32_t words[2];
	uint16_t last = 0;

	for (; len >= sizeof(words); at += sizeof(words), len -= sizeof(words)) {
		memcpy(words, at, sizeof(words));
		sum += (uint64_t)words[0] + words[1];
	}
	for (; len >= sizeof(last); at += sizeof(last), len -= sizeof(last)) {
		memcpy(&last, at, sizeof(last));
		sum += last;
	}
	if (len == 1) {
		last = 0;
		memcpy(&last, at, 1);
		sum += last;
	}
	return sum;
}

uint16_t
checksum_with(uint32_t start, const void *bytes, size_t len)
{
	return (uint16_t)~fold((uint64_t)ntohs(fold(sum_of(bytes, len))) + start);
}

uint16_t
checksum(const void *bytes, size_t len)
{
	return checksum_with(0, bytes, len);
}

/* RFC 1624 equation 3, HC' = ~(~HC + ~m + m'): the one that never makes a wrong zero. */
uint16_t
checksum_adjust(uint16_t field, uint16_t old_word, uint16_t new_word)
{
	return (uint16_t)~fold((uint64_t)(uint16_t)~field + (uint16_t)~old_word + new_word);
}

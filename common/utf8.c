#include "utf8.h"

#include <stdint.h>

/* RFC 3629 3: what the first byte of a character says. */
static const struct { uint8_t mask, mark, more; uint32_t lowest; } leads[] = {
	{ 0x80, 0x00, 0, 0x0 },
	{ 0xe0, 0xc0, 1, 0x80 },
	{ 0xf0, 0xe0, 2, 0x800 },
	{ 0xf8, 0xf0, 3, 0x10000 },
};

static bool
printable(uint32_t c)
{
	return c >= 0x20 && !(c >= 0x7f && c <= 0x9f) && !(c >= 0xd800 && c <= 0xdfff) && c <= 0x10ffff;
}

/* Returns the length of the character that starts text[0..len), or 0 when it is not one that may be shown. */
static size_t
character(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		uint32_t c = (uint8_t)(text[0] & ~leads[i].mask);

		if ((text[0] & leads[i].mask) != leads[i].mark)
			continue;
		if (leads[i].more >= len)
			return 0;
		for (size_t k = 1; k <= leads[i].more; k++) {
			if ((text[k] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (text[k] & 0x3f);
		}
		return c >= leads[i].lowest && printable(c) ? 1u + leads[i].more : 0;
	}
	return 0;
}

bool
utf8_printable(const char *text, size_t len)
{
	const uint8_t *bytes = (const uint8_t *)text;

	for (size_t at = 0, n; at < len; at += n) {
		n = character(bytes + at, len - at);
		if (n == 0)
			return false;
	}
	return true;
}

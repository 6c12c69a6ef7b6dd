/* The authentication that a stranger's message may end with, well formed or not. What is found must lie in the message, and
 * what we append to any message must be found and hold, in its own scope only. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authentication.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct authentication_key key = { .len = 16, .bytes = "a key of 16 byte" };
static const struct authentication_scope asked = { AUTHENTICATION_REQUEST, 0x0a00000b, 0x0a000001, NULL };

static void
must(bool truth)
{
	if (!truth)
		abort();
}

static void
look(const uint8_t *data, size_t size)
{
	struct rsip_auth auth;

	if (!authentication_find(data, size, &auth))
		return;
	must(auth.mac_offset + RSIP_MAC_LEN == size);
	must((const uint8_t *)auth.identity >= data && (const uint8_t *)auth.identity + auth.identity_len <= data + size);
	authentication_holds(&key, &asked, data, &auth); /* whatever it says */
}

static void
append(const uint8_t *data, size_t size)
{
	struct authentication_scope other = asked;
	uint8_t bytes[RSIP_MESSAGE_MAX] = { 0 };
	struct rsip_auth auth;
	size_t len;

	if (size < 4 || size > sizeof(bytes) - 100 || data[2] != size >> 8 || data[3] != (size & 0xff))
		return;
	memcpy(bytes, data, size);
	len = authentication_append(&key, &asked, "laptop", 7, bytes, size, sizeof(bytes));
	must(len > size);
	if (!authentication_find(bytes, len, &auth)) /* its parameters could not be told apart before */
		return;
	must(auth.counter == 7 && authentication_holds(&key, &asked, bytes, &auth));
	other.kind = AUTHENTICATION_NOTICE;
	must(!authentication_holds(&key, &other, bytes, &auth));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	look(data, size);
	append(data, size);
	return 0;
}

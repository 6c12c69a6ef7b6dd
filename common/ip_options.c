#include "ip_options.h"

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_LSRR = 131, OPTION_SSRR = 137, OPTION_MIN_LEN = 2 };

enum ip_options
ip_options_check(const struct packet *p)
{
	size_t at = IPV4_HEADER_LEN;

	while (at < p->payload && p->bytes[at] != OPTION_END) {
		if (p->bytes[at] == OPTION_NOP) {
			at++;
			continue;
		}
		if (p->bytes[at] == OPTION_LSRR || p->bytes[at] == OPTION_SSRR)
			return IP_OPTIONS_SOURCE_ROUTE;
		if (at + 1 >= p->payload || p->bytes[at + 1] < OPTION_MIN_LEN || at + p->bytes[at + 1] > p->payload)
			return IP_OPTIONS_MALFORMED;
		at += p->bytes[at + 1];
	}
	return IP_OPTIONS_GOOD;
}

/* RSIP messages as a stranger may send them. What is accepted must survive encoding; see codec_check.h. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *fault = codec_fault(data, size, NULL, NULL);

	if (fault != NULL) {
		fprintf(stderr, "%s\n", fault);
		abort();
	}
	return 0;
}

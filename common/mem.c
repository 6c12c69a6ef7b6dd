#include "mem.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

static void *
there(void *memory)
{
	if (memory == NULL)
		log_fatal("memory", "out of memory");
	return memory;
}

void *
mem_zero(size_t n, size_t size)
{
	return there(calloc(n > 0 ? n : 1, size));
}

void *
mem_zero_aligned(size_t alignment, size_t size)
{
	size_t whole = (size + alignment - 1) / alignment * alignment;

	return memset(there(aligned_alloc(alignment, whole)), 0, whole);
}

void *
mem_grow(void *old, size_t n, size_t size)
{
	return there(reallocarray(old, n > 0 ? n : 1, size));
}

char *
mem_strdup(const char *text)
{
	return there(strdup(text));
}

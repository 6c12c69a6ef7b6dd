/* Memory that is there: out of memory ends the program with one line. For what a daemon cannot run without; what a
 * stranger's request asks for is bounded before it gets here. */
#ifndef RSIP_MEM_H
#define RSIP_MEM_H

#include <stddef.h>

void *mem_zero(size_t n, size_t size); /* n zeroed objects; n may be 0; the caller frees */
void *mem_zero_aligned(size_t alignment, size_t size); /* a power of two; the caller frees */
void *mem_grow(void *old, size_t n, size_t size); /* realloc to n objects; the new ones are not zeroed */
char *mem_strdup(const char *text);

#endif

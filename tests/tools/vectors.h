/* Reads the annotated messages of tests/vectors; the README there says how they are written. */
#ifndef RSIP_TESTS_VECTORS_H
#define RSIP_TESTS_VECTORS_H

#include <stddef.h>
#include <stdint.h>

enum vector_verdict { VECTOR_OPEN, VECTOR_DECODES, VECTOR_READS, VECTOR_ERROR };

struct vector {
	char *where; /* "messages.txt:12" */
	char *title;
	uint8_t *bytes; /* an allocation of exactly len bytes, so that a sanitizer sees a read past them */
	size_t len;
	enum vector_verdict verdict;
	char *expect; /* what stands behind the verdict's word */
};

struct vectors {
	struct vector *list;
	size_t n;
};

/* Reads all *.txt files of a directory, in the order of their names. Says file and line and exits when one is not
 * written as it should be. */
void vectors_load(struct vectors *v, const char *dir);
void vectors_free(struct vectors *v);

#endif

/* Requests written as message_print prints them, for conversations. */
#ifndef TESTS_NOTATION_H
#define TESTS_NOTATION_H

#include <stddef.h>
#include <stdint.h>

/* Encodes the request that the text says, as "FREE_REQUEST client_id=7 bind_id=1". Returns the length; a text that says
 * none ends the test. */
size_t notation_encode(const char *text, uint8_t *buf, size_t cap);

/* Variables: $name in a text. */
struct notation_vars {
	struct notation_var { char name[32], value[96]; } var[32];
	size_t n;
};

/* Replaces the variables in a text by their values. out has room for out_size bytes. */
void notation_fill(const struct notation_vars *vars, const char *text, char *out, size_t out_size);

/* Whether a printed message is what is expected. Both are words; an expected key=* is any value, key=$name sets the
 * variable, or has to be its value when it is set. error_text is looked at only if it is expected. */
int notation_match(struct notation_vars *vars, const char *printed, const char *expected);

#endif

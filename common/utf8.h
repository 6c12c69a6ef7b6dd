/* Is text from the network fit to be stored and shown? */
#ifndef RSIP_UTF8_H
#define RSIP_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* True when text[0..len) is well-formed UTF-8 (RFC 3629: shortest form, no surrogate, nothing past U+10FFFF) and has no
 * control character (U+0000 to U+001F, U+007F to U+009F). */
bool utf8_printable(const char *text, size_t len);

#endif

/* What must hold for any bytes at all that are given to the codec. The fuzzer and check_message ask it. */
#ifndef RSIP_TESTS_CODEC_CHECK_H
#define RSIP_TESTS_CODEC_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "message.h"

/* Decodes bytes. A message that is refused must be so with an error that a decoder may give. One that is accepted must
 * mean the same after it is encoded and decoded again, and the second encoding must be the first.
 *
 * Returns NULL, or a sentence on what does not hold. *err gets the decoder's answer, and *text, which the caller frees,
 * what message_print prints (NULL after an error). Both may be NULL. */
const char *codec_fault(const uint8_t *bytes, size_t len, enum rsip_error *err, char **text);

/* message_print into an allocated string. */
char *codec_text(const struct rsip_message *m);

#endif

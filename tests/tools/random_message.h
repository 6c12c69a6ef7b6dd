/* Random well-formed messages, for round trips and for tshark. */
#ifndef RSIP_TESTS_RANDOM_MESSAGE_H
#define RSIP_TESTS_RANDOM_MESSAGE_H

#include "message.h"

/* Makes *m a message of a random type with random parameters: all required ones, some of the optional ones, in every
 * form. The same seed gives the same message. Strings in it are valid until the next call. */
void random_message(struct rsip_message *m, unsigned seed);

#endif

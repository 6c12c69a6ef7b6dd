/* What the gateway of a test tells hosts without their asking, as rsipd's control process does. */
#ifndef TESTS_NOTICES_H
#define TESTS_NOTICES_H

#include <stddef.h>
#include <stdint.h>

#include "ledger.h"
#include "notice.h"

typedef void notices_send(const struct session *s, uint8_t bytes[NOTICE_MAX], size_t len);

/* From now on: of what ends in these books, each notice is given to send. */
void notices_begin(struct ledger *l, notices_send *send);

#endif

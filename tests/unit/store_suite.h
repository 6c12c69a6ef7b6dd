/* What the tests of the store share: a gateway with three pools, and something in its books. */
#ifndef TESTS_STORE_SUITE_H
#define TESTS_STORE_SUITE_H

#include "gateway_fixture.h"
#include "rsip_proto.h"

enum { HOST = 0x0a00000a };

extern struct fixture f;

void store_setup(void); /* for tcase_add_checked_fixture */
void store_teardown(void);

/* NULL when it is refused. */
struct binding *grant(struct session *s, enum rsip_method method);
/* Some of everything that a ledger can hold. */
void fill(void);
/* Of a table of the database, with what follows its name in SQL. */
int rows_of(const char *table);

#endif

/* rsipctl check: has rsipd look whether its leases are in order, and says what is wrong and what to do. */
#ifndef RSIPCTL_CHECK_LEASES_H
#define RSIPCTL_CHECK_LEASES_H

struct options;

/* Returns the exit status: 0 when nothing is wrong. */
int check_run(const struct options *o);

#endif

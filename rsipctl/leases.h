/* rsipctl leases: the live lease table as one document, to keep for a replay. */
#ifndef RSIPCTL_LEASES_H
#define RSIPCTL_LEASES_H

struct options;

/* Returns the exit status. */
int leases_run(const struct options *o);

#endif

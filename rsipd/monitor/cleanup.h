/* After an rsipd that was killed, or that left for another one which never came: rsipd --detach. */
#ifndef RSIPD_CLEANUP_H
#define RSIPD_CLEANUP_H

struct conf;

/* Takes the fast path away and puts the network state back as it was before. Refused while an rsipd serves. Returns the
 * exit status of the program, having said why where it is not 0. conf stays the caller's. */
int cleanup_run(const struct conf *conf);

#endif

/* The pid file: tells who serves, and by its lock that nobody else does. */
#ifndef RSIPD_PIDFILE_H
#define RSIPD_PIDFILE_H

/* Makes, locks and fills the file. Returns its descriptor, which holds the lock until closed in every process that has
 * it; -1 after a line in the log, which names the process that has the lock. */
int pidfile_open(const char *path);

void pidfile_close(int fd, const char *path); /* removes the file; accepts -1 */

#endif

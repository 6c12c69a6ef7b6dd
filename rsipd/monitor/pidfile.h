/* The pid file: tells who serves, and by its locks that nobody else does. */
#ifndef RSIPD_PIDFILE_H
#define RSIPD_PIDFILE_H

/* Makes, locks and fills the file. Returns its descriptor, read-only, which holds the lock until closed in every process
 * that has it: workers have it too, and those of a monitor that was killed, which end by themselves, are waited for.
 * -1 after a line in the log, which names the process that has the lock. */
int pidfile_open(const char *path);

void pidfile_close(int fd, const char *path); /* removes the file; accepts -1 */

#endif

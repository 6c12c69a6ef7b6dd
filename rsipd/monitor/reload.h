/* A config file opened for a reload: copied once, so that the monitor and the control process read the same text,
 * whatever happens to the file meanwhile. */
#ifndef RSIPD_RELOAD_H
#define RSIPD_RELOAD_H

struct conf;

/* Reads and checks the file at path; each fault goes to the log. Returns the conf and, in *fd, a sealed copy of the
 * text; NULL when anything is wrong with it. The caller frees the one and closes the other. */
struct conf *reload_read(const char *path, int *fd);

/* The same for a text that was read before: what it refers to may have changed. fd stays the caller's. */
struct conf *reload_again(int fd, const char *path);

/* A sealed copy of the file's text; -1 with errno set. */
int reload_copy(const char *path);

#endif

/* The daemon at the other end of the control socket. */
#ifndef RSIPCTL_DAEMON_H
#define RSIPCTL_DAEMON_H

#include <jansson.h>

/* The socket to ask: the one given, or that of the daemon that there is. */
const char *daemon_socket(const char *given);

/* Returns a descriptor that the caller closes, or -1 after a line on standard error. */
int daemon_connect(const char *path);

/* Asks it. Returns an exit status: 0 with a new reference in *document, else after a line on standard error that begins
 * with the command. */
int daemon_ask(int fd, const char *path, const char *command, const json_t *request, json_t **document);

#endif

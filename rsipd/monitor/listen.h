/* Opening the sockets that the control process serves: what others on this machine may hold already, so each failure
 * says what is in the way. Nothing here reads from them. */
#ifndef RSIPD_LISTEN_H
#define RSIPD_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

#include "control.h"

struct conf;

/* Opens all that conf asks for, non-blocking and close-on-exec: RSIP over TCP and UDP on each listen address, the
 * control socket (its group may use rsipctl), the metrics listener. Returns false after a line in the log, with nothing
 * left open. fds' relay and monitor are not touched. The caller ends with listen_close. */
bool listen_open(const struct conf *conf, gid_t group, struct control_fds *fds);

/* Closes the sockets, frees the arrays, removes the control socket's file. */
void listen_close(const struct conf *conf, struct control_fds *fds);

#endif

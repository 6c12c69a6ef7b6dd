/* One client of the control socket: its bytes in, cut into requests; its answers out. Private to ctl_server.c; what
 * handlers do with a connection is in ctl_server.h. */
#ifndef RSIP_CTL_CONN_H
#define RSIP_CTL_CONN_H

#include "ctl_server.h"

/* What the connection tells its server. request: carry this one out, it is busy until answered. gone: the connection is
 * being closed, forget it. */
struct ctl_conn_ops {
	void (*request)(struct ctl_conn *conn, const json_t *request, void *arg);
	void (*gone)(struct ctl_conn *conn, void *arg);
};

/* CTL_IDLE_MS and CTL_STALL_MS; tests shorten them. */
extern int ctl_idle_ms, ctl_stall_ms;

/* Takes the accepted, non-blocking fd over. */
struct ctl_conn *ctl_conn_new(struct loop *loop, int fd, const struct ctl_conn_ops *ops, void *arg);

/* Closes at once, whatever is unanswered. */
void ctl_conn_close(struct ctl_conn *conn);

/* The client is root, or the user that this process runs as. */
bool ctl_conn_is_admin(const struct ctl_conn *conn);

#endif

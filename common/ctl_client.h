/* The other end of ctl_server.h: one request, one answer, blocking, with a time limit. */
#ifndef RSIP_CTL_CLIENT_H
#define RSIP_CTL_CLIENT_H

#include <jansson.h>

#define CTL_ERROR_LEN 512

enum ctl_outcome {
	CTL_DONE,    /* *result holds the document, a new reference */
	CTL_REFUSED, /* the daemon said no: error holds its reason */
	CTL_BROKEN,  /* the connection failed, the time was over, or the answer was none: error says so */
};

/* Connects to the socket at path. Returns a descriptor that the caller closes, or -1 with errno (ENOENT or
 * ECONNREFUSED: there is no daemon). */
int ctl_client_connect(const char *path);

/* Sends one request, with the descriptor pass_fd (-1 for none; it stays the caller's), and waits for its answer. The
 * daemon may be silent for timeout_ms, not longer, before and within the answer. More requests may follow on the same
 * connection after any outcome but CTL_BROKEN. */
enum ctl_outcome ctl_client_ask(int fd, const json_t *request, int pass_fd, int timeout_ms, json_t **result,
    char error[CTL_ERROR_LEN]);

#endif

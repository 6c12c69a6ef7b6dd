/* The control socket of a daemon, as rsipctl sees it: a Unix stream socket, one JSON request a line, one JSON answer a
 * line.
 *
 *	{"cmd":"hosts", ...}  ->  {"ok":true,"result":DOCUMENT}  or  {"ok":false,"error":"text for a person"}
 *
 * A connection carries any number of requests, answered in order, one at a time. A request is at most CTL_LINE_MAX
 * bytes; at most CTL_CLIENTS_MAX clients are served at once; one that does not read its answer is dropped. Lists of any
 * length are written in pieces as the client reads them, so that a million entries neither take the daemon's memory nor
 * its time. One file descriptor may travel with a request (SCM_RIGHTS).
 *
 * System calls at run time, for seccomp: accept4, getsockopt, recvmsg, sendto, close, and the loop's own. */
#ifndef RSIP_CTL_SERVER_H
#define RSIP_CTL_SERVER_H

#include <jansson.h>
#include <stdbool.h>

#define CTL_LINE_MAX 16384
#define CTL_CLIENTS_MAX 64
#define CTL_IDLE_MS 60000  /* a connection that asks nothing for so long is closed */
#define CTL_STALL_MS 30000 /* so is one that takes no byte of its answer for so long */

struct loop;
struct ctl_server;
struct ctl_conn; /* one client; valid until its closing, which ctl_on_close reports */

/* Carries out one request, a JSON object that is valid until the handler returns. Exactly one of ctl_answer,
 * ctl_answer_list and ctl_refuse follows, from inside the handler or at any time later (as when the answer waits for a
 * commit or for the gateway): until then no other request of the connection is looked at. */
typedef void ctl_handler(struct ctl_conn *conn, const json_t *request, void *arg);

struct ctl_command {
	const char *name; /* NULL ends the table */
	ctl_handler *handler;
	bool admin; /* only for root and for the daemon's own user, whatever the mode of the socket's file */
};

/* Listens at path, for the file's owner and group alone: non-blocking, close-on-exec. What a dead daemon has left there is
 * taken away; what another one serves (EADDRINUSE) and what is no socket (EEXIST) is not. -1 with errno. */
int ctl_server_listen(const char *path);

/* Serves the commands over listen_fd, which is listening, non-blocking, and stays the caller's. The table is borrowed;
 * arg goes to the handlers. Never NULL: out of memory ends the program. */
struct ctl_server *ctl_server_new(struct loop *loop, int listen_fd, const struct ctl_command *commands, void *arg);

/* Closes all connections (calling what ctl_on_close named) and ends the server. Not from inside a handler. */
void ctl_server_free(struct ctl_server *server);

/* Answers with the document, whose reference it takes. NULL is answered as "out of memory". */
void ctl_answer(struct ctl_conn *conn, json_t *document);

/* Answers with a reason for a person: what, why, what to do. */
void ctl_refuse(struct ctl_conn *conn, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The answer takes longer: sends a blank, which JSON skips, so that the client sees that it is still being worked on. */
void ctl_working(struct ctl_conn *conn);

/* Answers with an array. next is called for one element after another (a new reference; NULL is the end; JSON null is
 * none, but more may come) whenever the client has room, so over many turns of the loop: it must cope with entries that
 * come and go in between. done, if not NULL, frees the cursor: always called once, also when the client goes early. */
typedef json_t *ctl_next(void *cursor);
void ctl_answer_list(struct ctl_conn *conn, ctl_next *next, void *cursor, void (*done)(void *cursor));

/* The descriptor that came with the request now being handled, from inside its handler; the caller closes it. -1 when
 * there was none. What nobody takes is closed. */
int ctl_take_fd(struct ctl_conn *conn);

/* Has cb called when the connection ends, whoever ended it, and exempts it from CTL_IDLE_MS: for what lasts as long as
 * the client does. One a connection, the latest counts; NULL takes it back. cb must not answer any more. */
void ctl_on_close(struct ctl_conn *conn, void (*cb)(void *arg), void *arg);

#endif

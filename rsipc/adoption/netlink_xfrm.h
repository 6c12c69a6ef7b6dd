/* Talking with the kernel's IPsec (XFRM) over netlink. Only netlink*.c include libnl's sockets.
 *
 * What the kernel tells of an SA holds its keys: every buffer that may is wiped here before it is freed, and none is
 * ever logged. Functions that return int give 0 or an errno number. */
#ifndef RSIPC_NETLINK_XFRM_H
#define RSIPC_NETLINK_XFRM_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>

struct nl_msg;
struct xfrm_nl;

/* NULL after a line in the log. */
struct xfrm_nl *xfrm_nl_open(void);
/* Hears of SAs, policies, expiries, mappings and moves by MIGRATE; non-blocking. */
struct xfrm_nl *xfrm_nl_open_news(void);
void xfrm_nl_close(struct xfrm_nl *nl); /* accepts NULL */
int xfrm_nl_fd(const struct xfrm_nl *nl);

/* A request with its fixed part; attributes are put behind it with libnl's nla_put. Never NULL. */
struct nl_msg *xfrm_nl_message(int type, int flags, const void *fixed, size_t len);
void xfrm_nl_free(struct nl_msg *msg); /* wipes it; accepts NULL */

/* Sends the requests in one go, so that the kernel carries them out one right behind the other, and waits for all answers.
 * Wipes and frees them. The first error, and in *failed, when not NULL, which one it was. The others are carried out all
 * the same. */
int xfrm_nl_do(struct xfrm_nl *nl, struct nl_msg *const *msgs, size_t n, size_t *failed);

/* Asks one question; visit is called for each message of the answer. Wipes and frees the request. */
typedef void xfrm_nl_visit(const struct nlmsghdr *header, void *arg);
int xfrm_nl_ask(struct xfrm_nl *nl, struct nl_msg *request, xfrm_nl_visit *visit, void *arg);

/* Asks for one thing each, in one go, and frees the requests; visit is called for each answer. What is not there (ESRCH,
 * ENOENT) is passed over; the first other error. */
int xfrm_nl_ask_each(struct xfrm_nl *nl, struct nl_msg *const *requests, size_t n, xfrm_nl_visit *visit, void *arg);

/* Reads all news that wait when it is called. ENOBUFS: some were lost. */
int xfrm_nl_news(struct xfrm_nl *nl, xfrm_nl_visit *visit, void *arg);

#endif

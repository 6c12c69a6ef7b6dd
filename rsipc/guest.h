/* Commands that run under leases of their own (`rsipc -- COMMAND`): the agent's side. A guest lives as long as its
 * connection to the control socket. It asks for a lease, makes a TUN device in its own network namespace, hands us the
 * descriptor, and says when it is done:
 *
 *   {"cmd":"lease","ports":64}  ->  {"address":"203.0.113.8","ports":[[2048,2111]],"mtu":1480}   when it is granted
 *   {"cmd":"attach"}, with the descriptor  ->  {}
 *   {"cmd":"used","ports":[[2048,50]]}  ->  the lease again, as answered to "lease": it grows, and shrinks again, by how
 *       many ports of each range are in use; what it has no more must be left before the next "used"
 *   {"cmd":"release"}  ->  {}   when the gateway has freed it
 */
#ifndef RSIPC_GUEST_H
#define RSIPC_GUEST_H

#include <jansson.h>
#include <stdbool.h>

struct agent;
struct conf_lease;
struct ctl_conn;
struct guests;
struct tunnel;

/* like: what their leases are like but for the number of ports; NULL = none are served. All are borrowed. */
struct guests *guests_new(struct agent *agent, const struct conf_lease *like);
void guests_set_like(struct guests *guests, const struct conf_lease *like); /* of those to come */
void guests_free(struct guests *guests); /* after the control server; accepts NULL */

/* Handlers of the four requests, for the control socket's table. */
void guest_lease(struct guests *guests, struct ctl_conn *conn, const json_t *request);
void guest_attach(struct guests *guests, struct ctl_conn *conn);
void guest_used(struct guests *guests, struct ctl_conn *conn, const json_t *request);
void guest_release(struct guests *guests, struct ctl_conn *conn);

/* Leases, or the tunnel (NULL = none now), have changed: answers who waits, moves devices over. */
void guests_update(struct guests *guests, struct tunnel *tunnel);

/* The tunnel is about to be closed: its relay's devices are not to be used any more. */
void guests_detach(struct guests *guests);

unsigned guests_count(const struct guests *guests);

#endif

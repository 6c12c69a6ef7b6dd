/* The life of a registration (RFC 3103 6, 9.2-9.5). */
#ifndef RSIPD_REGISTRATION_H
#define RSIPD_REGISTRATION_H

#include <stdbool.h>
#include <stddef.h>

#include "lease.h"
#include "ledger.h"

/* Registers a host that is not registered and that a host section covers. gateway_addr is the listen address that it
 * talks to, identity what it has proved, or NULL. Valid until registration_end. */
struct session *registration_begin(struct ledger *l, ip4_t host_addr, ip4_t gateway_addr, enum rsip_transport transport,
                                   struct identity *identity, const char *name, size_t name_len);

/* A host that has registered without has proved an identity: the registration is no one else's from now on. */
void registration_claim(struct ledger *l, struct session *s, struct identity *identity);

/* The host of an authenticated registration is at another address now, where no other is registered, and talks to another
 * of ours perhaps: client ID, bindings and hold-down stay its own, the data plane and the store follow. */
void registration_move(struct ledger *l, struct session *s, ip4_t host_addr, ip4_t gateway_addr);

/* R = max(R, until). */
void registration_prolong(struct ledger *l, struct session *s, int64_t until);

/* A binding that lasted until expires is about to end, or to end earlier: what R owes it is kept. */
void registration_outlive(struct ledger *l, struct session *s, int64_t expires);

/* A host that no section covers any more can be granted nothing more: its leases run on, and its registration ends with
 * the last of them. No effect on any other host. */
void registration_curtail(struct ledger *l, struct session *s);

/* After a reload: hosts get their new policies. Leases stay as they are until they expire. */
void registration_set_conf(struct ledger *l, const struct conf *conf);

/* Notes a UDP request and its response, in the store too if durable says so. */
void registration_note_reply(struct ledger *l, struct session *s, struct replay_seq seq, const void *response,
                             size_t len, bool durable);

/* Ends all bindings and then the registration; s is freed. */
void registration_end(struct ledger *l, struct session *s, enum lease_how how);

#endif

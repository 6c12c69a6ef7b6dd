/* What the gateway changed in the system, and how to put it back: a journal in a file, written as the changes are made,
 * so that it outlives a daemon that was killed. A clean exit runs it backwards; so does the next start when it finds
 * one that nobody ran. */
#ifndef RSIPD_UNDO_H
#define RSIPD_UNDO_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

struct netlink;
struct undo;

/* Opens the journal at path; nl is borrowed. What a dead daemon left in it is put back first, unless the machine or the
 * network namespace is another one by now. Returns NULL after a line in the log. */
struct undo *undo_open(const char *path, struct netlink *nl);

/* Runs the journal backwards, removes its file, frees it; accepts NULL. */
void undo_close(struct undo *undo);

/* Leaves the changes and the journal to the next rsipd; accepts NULL. */
void undo_leave(struct undo *undo);

/* Each makes one change and notes how to put it back; a setting that already stands as wanted is left alone and not
 * noted. They return false after a line in the log. */
bool undo_sysctl(struct undo *undo, const char *key, const char *value);
bool undo_feature_off(struct undo *undo, const char *device, const char *feature); /* offload.h */
/* The machine answers ARP for addr on the device. */
bool undo_proxy(struct undo *undo, const char *device, unsigned ifindex, ip4_t addr);

/* A tunnel device of the kernel's own, of kind "ipip" or "gre", for packets from anywhere to local. Returns 0 or an
 * errno number: EOPNOTSUPP where the kernel has no such driver. Nothing is logged. */
int undo_tunnel(struct undo *undo, const char *device, const char *kind, ip4_t local);

/* The kernel's own stack does not get the frames of the device that the code picks out: netlink_drop_set of netlink.h.
 * again: the code of one that was set before, which the journal has already. Returns 0 or an errno number. */
struct sock_filter;
int undo_drop(struct undo *undo, const char *device, unsigned ifindex, const struct sock_filter *code, uint16_t len,
              bool again);

/* Packets that come in on the device for addr look into the table before the machine's own addresses: a rule of
 * priority 0, with `lookup local` moved behind it. */
bool undo_rule(struct undo *undo, const char *device, ip4_t addr, unsigned table);

#endif

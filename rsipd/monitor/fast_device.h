/* A network device that the fast path is to run on. */
#ifndef RSIPD_FAST_DEVICE_H
#define RSIPD_FAST_DEVICE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attach.h"
#include "redirect_watch.h"
#include "xdp_object.h"

struct fast_device {
	char name[IF_NAMESIZE];
	unsigned ifindex;
	unsigned roles; /* enum xdp_device_roles */
	uint8_t mac[6];
	unsigned number; /* as a way out; 0 = none */
	enum attach_mode mode;
	unsigned program; /* attach_number */
	bool shared; /* a dispatcher runs the program */
	uint64_t sent, lost; /* redirected frames, when last looked at */
};

/* Fills in name, ifindex, roles and mac; mode is that of a program of an earlier rsipd. False with a sentence in why
 * when there is no such device, or none with Ethernet frames. */
bool fast_device_find(struct fast_device *d, const char *name, unsigned roles, char *why, size_t size);

/* Puts the program for its roles there, using these tables. False: see attach_reason; *err is the errno. */
bool fast_device_attach(struct fast_device *d, const struct xdp_tables *tables, enum attach_mode mode, int *err);

/* Tells the tables of it: its link address, and whether frames may be redirected to it. */
bool fast_device_tell(struct fast_device *d, struct xdp_tables *tables, bool way_out);

/* Its link address has changed since: *d has the new one. */
bool fast_device_moved(struct fast_device *d);

/* Is a program of ours on it still? */
bool fast_device_holds(struct fast_device *d);

#endif

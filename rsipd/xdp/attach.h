/* The fast path's programs on network devices: put there beside those of others by libxdp's dispatcher, where the
 * kernel has what that takes; exchanged in one step for those of another rsipd; taken away. What is attached stays
 * when rsipd ends. Needs root. */
#ifndef RSIPD_ATTACH_H
#define RSIPD_ATTACH_H

#include <stdbool.h>
#include <stddef.h>

struct bpf_object;

#define ATTACH_PREFIX "rsip_" /* of our programs' names: by it they are found again */

enum attach_mode {
	ATTACH_NONE,
	ATTACH_NATIVE,  /* in the driver */
	ATTACH_GENERIC, /* in the kernel, on any device, later and slower */
};

/* "native", "generic", "none" */
const char *attach_mode_name(enum attach_mode mode);

/* Puts the program on the device, in place of the one of ours that may be there. object has its maps set and is not
 * loaded yet: that is done here, for a program is loaded differently beside others. It stays the caller's, and may be
 * closed afterwards. Returns 0 or a positive errno: EOPNOTSUPP where the driver has no native XDP. */
int attach_program(struct bpf_object *object, const char *program, unsigned ifindex, enum attach_mode mode);

/* What the last attach_program that failed has to say of the reason: a sentence for people. */
const char *attach_reason(void);

/* Which of our programs is on the device, if any; *shared tells whether a dispatcher runs it. */
enum attach_mode attach_find(unsigned ifindex, bool *shared);

/* The kernel's number for whatever runs on the device, 0 for nothing: when it changes, attach_find may tell otherwise.
 */
unsigned attach_number(unsigned ifindex);

/* Takes our program away from the device; true when there is none afterwards. */
bool attach_remove(unsigned ifindex);

/* Calls each for every device of this network namespace that has a program of ours. */
void attach_each(void (*each)(unsigned ifindex, const char *device, void *arg), void *arg);

#endif

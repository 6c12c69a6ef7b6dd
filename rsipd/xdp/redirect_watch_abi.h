/* What the redirect watch's programs and user space share. */
#ifndef RSIPD_REDIRECT_WATCH_ABI_H
#define RSIPD_REDIRECT_WATCH_ABI_H

#include <linux/types.h>

#define REDIRECT_DEVICES_MAX 128

/* By ifindex; only devices that user space put there are counted. */
struct redirect_count {
	__u64 sent, lost;
	__s32 error; /* the last one: a negative errno, or 0 */
	__u32 pad;
};

#endif

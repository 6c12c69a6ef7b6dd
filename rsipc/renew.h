/* When to ask for more time on a lease (RFC 3103 9.10): at half of its life, and when that was in vain, at half of what
 * is left, again and again, so that even a gateway that is away for most of the lease's life does not cost it. */
#ifndef RSIPC_RENEW_H
#define RSIPC_RENEW_H

#include <stdint.h>

/* The lease was granted or extended just now, for lease_s seconds. */
void renew_granted(int64_t *expires, int64_t *renew_at, uint32_t lease_s);

/* An EXTEND went unanswered or was refused: the next time to try, WHEN_NEVER when the end is too near for another. */
int64_t renew_again(int64_t expires);

#endif

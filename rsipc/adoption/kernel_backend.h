/* The kernel's SAs (XFRM), whoever made them: an IKE daemon or a person with ip-xfrm(8). Fills sa_backend.h. */
#ifndef RSIPC_KERNEL_BACKEND_H
#define RSIPC_KERNEL_BACKEND_H

#include <stdbool.h>

struct sa_backend;

/* migrate: the kernel is asked to move SAs in one step where it can (kernel_move.h). Never NULL; ended by its stop(). */
struct sa_backend *kernel_backend_new(bool migrate);

#endif

/* The kernel's SAs (XFRM), whoever made them: an IKE daemon or a person with ip-xfrm(8). Fills sa_backend.h. */
#ifndef RSIPC_KERNEL_BACKEND_H
#define RSIPC_KERNEL_BACKEND_H

struct sa_backend;

/* Never NULL; ended by its stop(). */
struct sa_backend *kernel_backend_new(void);

#endif

/* What tunnels the kernel has: the SAs and policies of a group (kernel_names.h) that has changed are read, compared with what
 * was known, and tunnels that an IKE daemon has left in pieces are brought together. */
#ifndef RSIPC_KERNEL_READING_H
#define RSIPC_KERNEL_READING_H

struct kernel_backend;
struct kernel_group;
struct tunnel;

/* Reads now what is due; arg is the struct kernel_backend, and backend->reread the timer that calls this. Calls added() and
 * removed(). */
void kernel_reading(void *arg);
/* Reads in a moment what is due then, or all there is. */
void kernel_reading_soon(struct kernel_backend *backend);
void kernel_reading_all(struct kernel_backend *backend);
/* Something may have changed of which the kernel did not tell. */
void kernel_reading_group(struct kernel_backend *backend, struct kernel_group *group);
/* Frees the record; the tunnel is in no list any more. */
void kernel_reading_forget(struct tunnel *tunnel);

#endif

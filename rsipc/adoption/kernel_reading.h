/* What tunnels the kernel has: its SAs and policies are read as a whole, compared with what was known, and tunnels that an
 * IKE daemon has left in pieces are brought together. */
#ifndef RSIPC_KERNEL_READING_H
#define RSIPC_KERNEL_READING_H

struct kernel_backend;
struct tunnel;

/* Reads now; arg is the struct kernel_backend, and backend->reread the timer that calls this. Calls added() and removed(). */
void kernel_reading(void *arg);
/* Reads when no more news come for a moment. */
void kernel_reading_soon(struct kernel_backend *backend);
/* Frees the record; the tunnel is in no list any more. */
void kernel_reading_forget(struct tunnel *tunnel);

#endif

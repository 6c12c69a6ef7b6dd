/* The sentence that says why a packet goes where it goes. */
#ifndef RSIPCTL_WHY_H
#define RSIPCTL_WHY_H

struct demux;
struct demux_binding;
struct explained;

/* Fills x->why by all else in *x. b is the binding that x->bind_id names, or NULL. */
void why_write(const struct demux *d, struct explained *x, const struct demux_binding *b);

#endif

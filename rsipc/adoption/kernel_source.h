/* Who sent the newest packet of a tunnel: from the first mapping event on, and for some seconds after the last one - a
 * moment, once the tunnel has followed - headers of its packets are captured, and each move of its replay window is judged by
 * them: kernel_witness.h. */
#ifndef RSIPC_KERNEL_SOURCE_H
#define RSIPC_KERNEL_SOURCE_H

struct kernel_backend;
struct tunnel;
struct xfrm_user_mapping;

/* An authentic packet came from elsewhere. */
void kernel_source_mapping(struct kernel_backend *backend, const struct xfrm_user_mapping *mapping);
/* Judges the tunnels of which mappings were told: their replay windows have moved. May call authentic(). */
void kernel_source_judge(struct kernel_backend *backend);
/* The same of this one, by all that has come until now. */
void kernel_source_judge_now(struct tunnel *tunnel);
/* The tunnel goes to another end from now on. */
void kernel_source_followed(struct tunnel *tunnel);
/* Ends a tunnel's capture; arg is the struct tunnel. */
void kernel_source_end(void *arg);

#endif

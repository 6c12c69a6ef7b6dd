/* The life of the XDP data plane: made or taken over at the start, attached when its tables are true, watched, left in
 * place by a crash or an exchange of rsipd, taken away by a clean stop or by rsipd --detach.
 *
 * There is always the relay. Whatever the fast path lacks, from a kernel without BPF to a driver that loses frames, is
 * told in the log and by rsipctl status in a sentence, and the relay does the work. */
#ifndef RSIPD_FAST_PATH_H
#define RSIPD_FAST_PATH_H

#include <stdbool.h>

struct conf;
struct loop;
struct xdp_tables;
struct fast_path;

/* Makes the tables, or takes over those that an earlier rsipd has left; nothing is attached yet. Never NULL: where
 * there can be no fast path it says why, and what an earlier rsipd had attached is taken away. conf is not
 * kept: a reload puts another in its place. */
struct fast_path *fast_path_new(const struct conf *conf);

/* For the relay, which fills them; NULL when there is no fast path. */
struct xdp_tables *fast_path_tables(struct fast_path *fp);

/* The relay's tables are as control wants them: attaches the programs, in place of those of an earlier rsipd, and
 * watches them from then on. changed is called whenever fast_path_name or _detail is another. A second call has no
 * effect. */
void fast_path_begin(struct fast_path *fp, struct loop *loop, void (*changed)(void *arg), void *arg);

/* "xdp" or "relay": which one forwards; and which devices in which mode, or why not, in one line for people. */
const char *fast_path_name(const struct fast_path *fp);
const char *fast_path_detail(const struct fast_path *fp);

/* leave: programs and tables go on without us, for the next rsipd. Accepts NULL. */
void fast_path_free(struct fast_path *fp, bool leave);

/* Takes away whatever any rsipd has left in this network namespace. False after a line in the log. */
bool fast_path_detach(void);

#endif

/* The names of remote sides on the event loop: remote_names with a resolver, and with a timer that looks names up again when
 * their answers are old. */
#ifndef RSIPD_NAME_WATCH_H
#define RSIPD_NAME_WATCH_H

#include "conf.h"
#include "remote_names.h"

struct loop;
struct name_watch;

struct name_watch_events {
	void (*changed)(void *arg, const struct remote_name *name); /* bindings have it: its addresses are other ones now */
	void (*answered)(void *arg); /* at the end of a turn in which lookups have ended: what waited for them may go on */
	void *arg;
};

/* conf is borrowed. Looks nothing up by itself before name_watch_begin. */
struct name_watch *name_watch_new(struct loop *loop, const struct conf *conf, const struct name_watch_events *events);
void name_watch_free(struct name_watch *watch); /* the loop does not run any more, and no binding has a name */

void name_watch_begin(struct name_watch *watch);

/* After a reload: other peers that are allowed, perhaps other name servers. What is being looked up has failed. */
void name_watch_set_conf(struct name_watch *watch, const struct conf *conf);

struct remote_names *name_watch_names(struct name_watch *watch); /* borrowed */

#endif

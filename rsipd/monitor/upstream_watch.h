/* The files that tell what other gateways lease to us (conf_upstream.h): watched, so that pools follow them. */
#ifndef RSIPD_UPSTREAM_WATCH_H
#define RSIPD_UPSTREAM_WATCH_H

struct conf;
struct loop;
struct upstream_watch;

/* Calls changed some time after one of conf's files has come, gone or changed; several changes at once are one. conf is
 * not kept. NULL where conf has none, or after a line in the log. The caller ends it with upstream_watch_free, which
 * accepts NULL. */
struct upstream_watch *upstream_watch_new(struct loop *loop, const struct conf *conf, void (*changed)(void *arg),
                                          void *arg);
void upstream_watch_free(struct upstream_watch *watch);

#endif

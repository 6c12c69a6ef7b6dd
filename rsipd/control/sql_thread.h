/* One thread that does one piece of work at a time, the same function for each. What the owner wrote before it gave the
 * work, the work sees; what the work wrote, the owner sees when it has waited: neither touches it otherwise. */
#ifndef RSIPD_SQL_THREAD_H
#define RSIPD_SQL_THREAD_H

#include <stdbool.h>

struct sql_thread;

/* It gets no signals: those are the owner's. NULL, with errno, when there can be none. */
struct sql_thread *sql_thread_start(void (*work)(void *arg), void *arg);
void sql_thread_stop(struct sql_thread *t); /* when the work given is done; accepts NULL */

void sql_thread_give(struct sql_thread *t);    /* the work before it is done */
bool sql_thread_idle(struct sql_thread *t);    /* the work given is done, or there is none */
void sql_thread_wait(struct sql_thread *t);    /* until the work given is done; returns at once when there is none */
void sql_thread_collect(struct sql_thread *t); /* waits for the work given, and is through with it */

/* A descriptor that is readable from when the work given is done until it is collected. The thread's own. */
int sql_thread_fd(const struct sql_thread *t);

#endif

/* What the agent remembers over its own end, in SQLite: the registration and its bindings, so that a restarted agent goes
 * on with them or asks for the same values again, and the kernel settings as they were before us, so that they are put
 * back even if we were killed. One process at a time holds the file. */
#ifndef RSIPC_STATE_H
#define RSIPC_STATE_H

#include <stdbool.h>

struct agent;
struct conf;
struct state;

/* Opens or makes the file, and its directory. NULL after a line in the log: it cannot be written, or another rsipc has
 * it (*busy). The caller closes. */
struct state *state_open(const char *path, bool *busy);
void state_close(struct state *state);

/* Writes down what the agent holds now, in one transaction. */
void state_save(struct state *state, const struct conf *conf, const struct agent *agent);

/* Gives an agent that has not run yet what was written down, if it was with this gateway. */
void state_load(struct state *state, const struct conf *conf, struct agent *agent);

/* Kernel settings: kept once, before the first change; each then gives them back, forget ends that. */
void state_keep_setting(struct state *state, const char *key, const char *value); /* no effect when there is one */
typedef void state_setting_cb(const char *key, const char *value, void *arg);
void state_each_setting(struct state *state, state_setting_cb *cb, void *arg);
void state_forget_settings(struct state *state);

#endif

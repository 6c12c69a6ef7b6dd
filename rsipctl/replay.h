/* rsipctl replay FILE: a capture through the demultiplexer, packet by packet. */
#ifndef RSIPCTL_REPLAY_H
#define RSIPCTL_REPLAY_H

struct options;

/* Returns the exit status. */
int replay_run(const struct options *o);

#endif

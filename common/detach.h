/* Going into the background, with the launcher waiting in front until the daemon serves: its exit status then tells
 * whether it does, and errors on the way reach the terminal. */
#ifndef RSIP_DETACH_H
#define RSIP_DETACH_H

/* Returns in the daemon: a new session, in /, standard input and output on /dev/null, standard error to the launcher.
 * The launcher itself never returns. */
void detach_start(void);

/* The daemon serves: lets the launcher exit with status 0, and standard error go to /dev/null. Without detach_start it
 * does nothing. */
void detach_serving(void);

#endif

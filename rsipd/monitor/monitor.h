/* The monitor: the one process that stays root. It opens what needs root, makes the network state, starts the workers
 * that do all the work without privilege, and puts everything back at the end. It reads its config file, signals and
 * its own workers' messages; never a byte from the network. */
#ifndef RSIPD_MONITOR_H
#define RSIPD_MONITOR_H

#include <stdbool.h>

struct conf;

/* Serves until SIGTERM or SIGINT; returns the exit status of the program: 0, or 1 when it could not serve, having said
 * why and left nothing behind. Takes conf over; conf_path is absolute and is read again on SIGHUP. In the background
 * what conf logs to standard error goes to syslog. serving is called once all works. */
int monitor_run(struct conf *conf, const char *conf_path, bool background, void (*serving)(void));

#endif

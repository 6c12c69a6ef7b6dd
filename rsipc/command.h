/* `rsipc -- COMMAND`: runs one command with a lease of its own, in a network namespace of its own. */
#ifndef RSIPC_COMMAND_H
#define RSIPC_COMMAND_H

struct conf;

#define COMMAND_FAILED 125 /* exit status when the command could not be run; as env(1) and timeout(1) have it */

/* Asks the rsipc that runs on this machine for a lease; where none runs, one is started that lives as long as it has
 * commands to serve. Returns the command's exit status, 128 and the signal's number when one ended it, 126 or 127 when
 * it cannot be executed or is not there. argv ends with NULL. */
int command_run(struct conf *conf, char *const argv[]);

#endif

/* What ps shows of a process, so that an operator tells the three of rsipd apart. */
#ifndef RSIPD_PROCTITLE_H
#define RSIPD_PROCTITLE_H

/* Once, before anybody keeps a pointer into the environment: the title is written over the arguments. */
void proctitle_init(int argc, char *argv[]);

void proctitle_set(const char *title); /* cut to what fits; without proctitle_init it does nothing */

#endif

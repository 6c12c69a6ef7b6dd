/* Small files that others read: whole or not there. */
#ifndef RSIPC_TEXTFILE_H
#define RSIPC_TEXTFILE_H

/* Puts text into the file in one step, mode 0644, unless it is there already. Faults are logged. NULL removes it. */
void textfile_put(const char *path, const char *text);

#endif

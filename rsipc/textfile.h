/* Small files that others read: whole or not there; and where files go. */
#ifndef RSIPC_TEXTFILE_H
#define RSIPC_TEXTFILE_H

/* Puts text into the file in one step, mode 0644, unless it is there already. Faults are logged. NULL removes it. */
void textfile_put(const char *path, const char *text);

/* Makes the directory that path lies in, 0755, if it is not there. What then fails is opening the file. */
void textfile_make_directory(const char *path);

#endif

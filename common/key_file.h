/* A file with the key of one identity: its bytes as hexadecimal digits on one line, as `openssl rand -hex 32` writes them.
 * Empty lines and lines that begin with # are passed over. */
#ifndef RSIP_KEY_FILE_H
#define RSIP_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "authentication.h"

/* Reads the file into *key. It must be a regular file that nobody but its owner can read or write, and its owner root or
 * who reads it. False with a sentence in why, FILE:LINE first where a line is at fault; it never tells of the key. */
bool key_file_read(const char *path, struct authentication_key *key, char *why, size_t why_size);

#endif

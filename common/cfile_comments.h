/* Comments of config files, taken out before libconfuse sees the text: its line numbers are off by two behind every
 * one-line comment and by one behind every other (libconfuse 3.3). */
#ifndef RSIP_CFILE_COMMENTS_H
#define RSIP_CFILE_COMMENTS_H

#include <stdbool.h>

/* Puts blanks in the place of comments: from # or // to the end of the line, and from slash-star to star-slash. What stands
 * in quotes is none, nor are two slashes inside of a word. Returns false when the text ends inside of a comment. */
bool cfile_blank_comments(char *text);

#endif

/* What tshark's RSIP dissector is expected to show of a message that we encode, its known errors included. */
#ifndef RSIP_TESTS_TSHARK_VIEW_H
#define RSIP_TESTS_TSHARK_VIEW_H

#include <stdio.h>

#include "message.h"

/* The arguments that make tshark print one line a packet as tshark_view_print does: "-T fields -E ... -e ...". */
void tshark_view_arguments(FILE *f);

/* Prints that line for a message of len bytes. "*" stands for a field that the dissector gets wrong. */
void tshark_view_print(FILE *f, const struct rsip_message *m, size_t len);

#endif

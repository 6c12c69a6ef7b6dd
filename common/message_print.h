/* Messages as text for people: logs, rsip-decode, tests. */
#ifndef RSIP_MESSAGE_PRINT_H
#define RSIP_MESSAGE_PRINT_H

#include <stddef.h>
#include <stdio.h>

#include "message.h"

/* Prints a decoded message on one line without line end: its name, then every parameter that is there as key=value, in
 * a fixed order. Different messages print differently (but for vendor parameters that are not ours).
 *
 *   ASSIGN_RESPONSE_RSAP-IP client_id=1 bind_id=1 local_address=149.112.240.156 local_ports=1234-1237
 *   remote_address=any remote_ports=any lease_time=1800 tunnels=ip-ip
 *
 * Don't care is "any", "any(4)" for a list of four; don't need is "none". Text from the network stands in double
 * quotes, with quotes, backslashes and everything that is not printable ASCII as \xNN. */
void message_print(FILE *f, const struct rsip_message *m);

/* The same into buf, cut at cap - 1 characters. Returns buf. */
const char *message_str(const struct rsip_message *m, char *buf, size_t cap);

#endif

/* The control socket's question for the history: who had what when (RFC 6269 12, RFC 6888 REQ-12). */
#ifndef RSIPD_CTL_WHO_H
#define RSIPD_CTL_WHO_H

#include "ctl_server.h"

/* {"cmd":"who", "address":"203.0.113.5", "kind":"port"|"spi"|"cookie", "value":"0x1194", "at":1790000000}: each holder with
 * host, name, client_id, bind_id, from and to (seconds since 1970, null = still). Without "at", who holds it now. arg is a struct gateway. */
void ctl_who(struct ctl_conn *conn, const json_t *request, void *arg);

#endif

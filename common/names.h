/* Numbers to the RFC's names, for logs, tables and error texts. Each returns a static string; "UNKNOWN" for a number
 * that has no name. */
#ifndef RSIP_NAMES_H
#define RSIP_NAMES_H

const char *rsip_msg_name(int type);       /* "ASSIGN_REQUEST_RSAP-IP" */
const char *rsip_param_name(int type);     /* "Message Counter" */
const char *rsip_error_name(int error);    /* "LOCAL_ADDRPORT_INUSE" */
const char *rsip_method_name(int method);  /* "rsap-ip", as in config files */
const char *rsip_tunnel_name(int tunnel);  /* "ip-ip", as in config files */

/* Reverse of the last two, by the config files' words; 0 when there is no such name. */
int rsip_method_parse(const char *name);
int rsip_tunnel_parse(const char *name);

#endif

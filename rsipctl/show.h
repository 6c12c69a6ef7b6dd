/* The daemons' documents as text for people, one function each. */
#ifndef RSIPCTL_SHOW_H
#define RSIPCTL_SHOW_H

#include <jansson.h>
#include <stdio.h>

typedef void show_fn(FILE *out, const json_t *document);

show_fn show_status, show_hosts, show_bindings, show_pools, show_stats, show_drops, show_sas;
show_fn show_done; /* of a command that only does something */

#endif

/* What `rsipctl sas` shows: the IPsec tunnels of this machine, and how they moved. */
#ifndef RSIPC_SAS_H
#define RSIPC_SAS_H

#include <jansson.h>

struct ipsec;

json_t *sas_document(struct ipsec *ipsec); /* an array of tunnels; their counters are brought up to date */
json_t *sas_counts(struct ipsec *ipsec);   /* what adoption has done, by backend */

#endif

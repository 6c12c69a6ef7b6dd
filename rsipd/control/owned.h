/* What bindings lease, tuple by tuple and with its owner: for checks that look at all of it at once. */
#ifndef RSIPD_OWNED_H
#define RSIPD_OWNED_H

#include <stddef.h>
#include <stdint.h>

#include "binding.h"

struct owned { struct tuple tuple; uint32_t bind_id; };

/* Zeroes make an empty list. The caller frees at. */
struct owned_list { struct owned *at; size_t n, cap; };

/* Appends all that the binding leases. */
void owned_gather(struct owned_list *list, const struct binding *b);

/* By address, kind and first number: what overlaps is next to each other then, and a whole address stands before what else
 * is leased of it. */
void owned_sort(struct owned_list *list);

#endif

/* What bindings lease, tuple by tuple and with its owner, and how much of it each host has: for checks that look at all of
 * it at once. */
#ifndef RSIPD_OWNED_H
#define RSIPD_OWNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "binding.h"
#include "session.h"

struct owned { struct tuple tuple; uint32_t bind_id; };

/* Zeroes make an empty list. The caller frees at. */
struct owned_list { struct owned *at; size_t n, cap; };

/* Appends all that the binding leases. */
void owned_gather(struct owned_list *list, const struct binding *b);

/* By address, kind and first number: what overlaps is next to each other then, and a whole address stands before what else
 * is leased of it. */
void owned_sort(struct owned_list *list);

/* Whether neighbours in a sorted list lease something twice. */
bool owned_overlap(const struct owned *a, const struct owned *b);

/* What a host's bindings come to, which is what it is charged for. */
struct owned_sums { uint32_t bindings, ports, spis, cookies; };
struct owned_sums owned_sums(const struct session *s);
bool owned_is_charged(const struct session *s, const struct owned_sums *sums);

#endif

/* The operations of a simulated host: each is one request and the response that answers it. */
#ifndef RSIPPERF_OPS_H
#define RSIPPERF_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum op { OP_REGISTER, OP_ASSIGN, OP_EXTEND, OP_FREE, OP_QUERY, OP_DEREGISTER, OPS };

struct plan;
struct rsip_message;

const char *op_name(enum op op); /* "assign", as in --mix */
bool op_parse(const char *name, size_t len, enum op *op);

/* Encodes the request. bind_id is looked at by EXTEND and FREE; a counter of 0 is left out. The same arguments give the same bytes, so that a repeat
 * need not be kept (RFC 3103 5). Returns the length. */
size_t op_request(const struct plan *plan, enum op op, uint32_t client_id, uint32_t bind_id, uint32_t counter,
                  uint8_t *buf, size_t cap);

/* Whether m is the response that grants what op asked. */
bool op_granted(const struct plan *plan, enum op op, const struct rsip_message *m);

#endif

/* Between exchange.c and exchange_assign.c. */
#ifndef RSIPC_EXCHANGE_IMPL_H
#define RSIPC_EXCHANGE_IMPL_H

#include <stdint.h>

struct agent;
struct rsip_message;

void exchange_assign_build(const struct agent *agent, struct rsip_message *m);
void exchange_assign_done(struct agent *agent, const struct rsip_message *m);
void exchange_assign_refused(struct agent *agent, const struct rsip_message *m);

/* what: the request, in a word or two. wait_ms: before it is made again. */
void exchange_log_refusal(const char *what, const struct rsip_message *m, int64_t wait_ms);

/* R = max(R, expires), RFC 3103 6. */
void exchange_prolong(struct agent *agent, int64_t expires);

#endif

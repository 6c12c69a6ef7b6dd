/* The six kinds of transaction between host and gateway: how each request is built, and what its answer means. */
#ifndef RSIPC_EXCHANGE_H
#define RSIPC_EXCHANGE_H

#include <stdbool.h>

struct agent;
struct rsip_message;

enum exchange {
	EXCHANGE_NONE,
	EXCHANGE_REGISTER,
	EXCHANGE_DE_REGISTER,
	EXCHANGE_ASSIGN,
	EXCHANGE_QUERY,
	EXCHANGE_EXTEND,
	EXCHANGE_FREE,
	EXCHANGE_KINDS
};

struct exchange_ops {
	const char *name;
	int sending; /* enum agent_event */
	void (*build)(const struct agent *agent, struct rsip_message *m);
	/* The response that answers the request. */
	void (*done)(struct agent *agent, const struct rsip_message *m);
	/* Its ERROR_RESPONSE; REGISTER_FIRST and BAD_CLIENT_ID are seen to before. */
	void (*refused)(struct agent *agent, const struct rsip_message *m);
	/* The last attempt went unanswered; agent->subject is still set. Returns whether to repeat the request later. */
	bool (*silent)(struct agent *agent);
};

extern const struct exchange_ops exchange_ops[EXCHANGE_KINDS];

#endif

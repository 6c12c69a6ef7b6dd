/* The states of a host, RFC 3103 Appendix D, as the table of all legal transitions. */
#include "agent_impl.h"
#include "log.h"

static const char *const state_words[AGENT_STATES] = {
	[AGENT_UNREGISTERED] = "unregistered",
	[AGENT_UNREGISTERED_DE_REGISTRATION_PENDING] = "unregistered-de-registration-pending",
	[AGENT_REGISTRATION_PENDING] = "registration-pending",
	[AGENT_REGISTERED] = "registered",
	[AGENT_REGISTERED_QUERY_PENDING] = "registered-query-pending",
	[AGENT_REGISTERED_DE_REGISTRATION_PENDING] = "registered-de-registration-pending",
	[AGENT_ASSIGNMENT_PENDING] = "assignment-pending",
	[AGENT_ASSIGNED] = "assigned",
	[AGENT_ASSIGNED_ASSIGNMENT_PENDING] = "assigned-assignment-pending",
	[AGENT_ASSIGNED_QUERY_PENDING] = "assigned-query-pending",
	[AGENT_ASSIGNED_DE_REGISTRATION_PENDING] = "assigned-de-registration-pending",
	[AGENT_EXTENSION_PENDING] = "extension-pending",
	[AGENT_FREE_PENDING] = "free-pending",
};

static const char *const event_words[] = {
	[EV_SEND_REGISTER] = "send-register",
	[EV_SEND_DE_REGISTER] = "send-de-register",
	[EV_SEND_ASSIGN] = "send-assign",
	[EV_SEND_QUERY] = "send-query",
	[EV_SEND_EXTEND] = "send-extend",
	[EV_SEND_FREE] = "send-free",
	[EV_REGISTERED] = "registered",
	[EV_HOLDING] = "holding",
	[EV_EMPTY] = "empty",
	[EV_UNREGISTERED] = "unregistered",
};

/* "7th timeout" and "recv ERROR_RESPONSE" of the diagram end in EV_HOLDING or EV_EMPTY, as an answer does: where one
 * goes then depends only on "are all resources freed?". */
static const struct transition { enum agent_state from; enum agent_event event; enum agent_state to; } transitions[] = {
	{ AGENT_UNREGISTERED, EV_SEND_REGISTER, AGENT_REGISTRATION_PENDING },
	{ AGENT_UNREGISTERED, EV_SEND_DE_REGISTER, AGENT_UNREGISTERED_DE_REGISTRATION_PENDING },
	{ AGENT_UNREGISTERED, EV_REGISTERED, AGENT_REGISTERED }, /* resumed after our restart */

	{ AGENT_UNREGISTERED_DE_REGISTRATION_PENDING, EV_EMPTY, AGENT_UNREGISTERED },

	{ AGENT_REGISTRATION_PENDING, EV_REGISTERED, AGENT_REGISTERED },
	{ AGENT_REGISTRATION_PENDING, EV_EMPTY, AGENT_UNREGISTERED },

	{ AGENT_REGISTERED, EV_SEND_QUERY, AGENT_REGISTERED_QUERY_PENDING },
	{ AGENT_REGISTERED, EV_SEND_ASSIGN, AGENT_ASSIGNMENT_PENDING },
	{ AGENT_REGISTERED, EV_SEND_DE_REGISTER, AGENT_REGISTERED_DE_REGISTRATION_PENDING },
	{ AGENT_REGISTERED, EV_HOLDING, AGENT_ASSIGNED }, /* resumed after our restart */
	{ AGENT_REGISTERED, EV_SEND_EXTEND, AGENT_EXTENSION_PENDING }, /* repeated, its binding having run out since */
	{ AGENT_REGISTERED, EV_SEND_FREE, AGENT_FREE_PENDING },        /* the same */
	{ AGENT_REGISTERED, EV_UNREGISTERED, AGENT_UNREGISTERED },

	{ AGENT_REGISTERED_QUERY_PENDING, EV_EMPTY, AGENT_REGISTERED },
	{ AGENT_REGISTERED_QUERY_PENDING, EV_UNREGISTERED, AGENT_UNREGISTERED },

	{ AGENT_REGISTERED_DE_REGISTRATION_PENDING, EV_EMPTY, AGENT_REGISTERED },
	{ AGENT_REGISTERED_DE_REGISTRATION_PENDING, EV_UNREGISTERED, AGENT_UNREGISTERED },

	{ AGENT_ASSIGNMENT_PENDING, EV_HOLDING, AGENT_ASSIGNED },
	{ AGENT_ASSIGNMENT_PENDING, EV_EMPTY, AGENT_REGISTERED },
	{ AGENT_ASSIGNMENT_PENDING, EV_UNREGISTERED, AGENT_UNREGISTERED },

	{ AGENT_ASSIGNED, EV_SEND_ASSIGN, AGENT_ASSIGNED_ASSIGNMENT_PENDING },
	{ AGENT_ASSIGNED, EV_SEND_QUERY, AGENT_ASSIGNED_QUERY_PENDING },
	{ AGENT_ASSIGNED, EV_SEND_EXTEND, AGENT_EXTENSION_PENDING },
	{ AGENT_ASSIGNED, EV_SEND_FREE, AGENT_FREE_PENDING },
	{ AGENT_ASSIGNED, EV_SEND_DE_REGISTER, AGENT_ASSIGNED_DE_REGISTRATION_PENDING },
	{ AGENT_ASSIGNED, EV_EMPTY, AGENT_REGISTERED }, /* the last binding ran out or was taken */
	{ AGENT_ASSIGNED, EV_UNREGISTERED, AGENT_UNREGISTERED },

	{ AGENT_ASSIGNED_ASSIGNMENT_PENDING, EV_HOLDING, AGENT_ASSIGNED },
	{ AGENT_ASSIGNED_ASSIGNMENT_PENDING, EV_EMPTY, AGENT_REGISTERED },
	{ AGENT_ASSIGNED_ASSIGNMENT_PENDING, EV_UNREGISTERED, AGENT_UNREGISTERED },

	{ AGENT_ASSIGNED_QUERY_PENDING, EV_HOLDING, AGENT_ASSIGNED },
	{ AGENT_ASSIGNED_QUERY_PENDING, EV_EMPTY, AGENT_REGISTERED },
	{ AGENT_ASSIGNED_QUERY_PENDING, EV_UNREGISTERED, AGENT_UNREGISTERED },

	{ AGENT_ASSIGNED_DE_REGISTRATION_PENDING, EV_HOLDING, AGENT_ASSIGNED },
	{ AGENT_ASSIGNED_DE_REGISTRATION_PENDING, EV_EMPTY, AGENT_REGISTERED },
	{ AGENT_ASSIGNED_DE_REGISTRATION_PENDING, EV_UNREGISTERED, AGENT_UNREGISTERED },

	{ AGENT_EXTENSION_PENDING, EV_HOLDING, AGENT_ASSIGNED },
	{ AGENT_EXTENSION_PENDING, EV_EMPTY, AGENT_REGISTERED },
	{ AGENT_EXTENSION_PENDING, EV_UNREGISTERED, AGENT_UNREGISTERED },

	{ AGENT_FREE_PENDING, EV_HOLDING, AGENT_ASSIGNED },
	{ AGENT_FREE_PENDING, EV_EMPTY, AGENT_REGISTERED },
	{ AGENT_FREE_PENDING, EV_UNREGISTERED, AGENT_UNREGISTERED },
};

const char *
agent_state_word(enum agent_state state)
{
	return state_words[state];
}

bool
agent_registered(const struct agent *agent)
{
	return agent->state >= AGENT_REGISTERED;
}

void
agent_move(struct agent *agent, enum agent_event event)
{
	for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++) {
		const struct transition *t = &transitions[i];

		if (t->from != agent->state || t->event != event)
			continue;
		log_debug("agent", "state old=%s new=%s event=%s", state_words[t->from], state_words[t->to], event_words[event]);
		agent->state = t->to;
		return;
	}
	log_fatal("agent", "defect: no transition state=%s event=%s", state_words[agent->state], event_words[event]);
}

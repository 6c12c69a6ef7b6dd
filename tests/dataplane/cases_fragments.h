/* Rows of cases.h: fragments that do not come in order, and later parts that are not what they seem. */
#define UDP_FIRST(number, to_addr, to_port, more) \
	.src = Y, .dst = (to_addr), .proto = UDP, .id = (number), .mf = true, .sport = 53, .dport = (to_port), .data = 1464, more
#define PART(number, to_addr, at, bytes, more) \
	.src = Y, .dst = (to_addr), .proto = UDP, .id = (number), .offset = (at), .data = (bytes), more
#define LATER(number, to_addr) PART(number, to_addr, 1472, 99, )
#define X1_FIRST { FROM(X1), .src = A, .dst = Y, .proto = UDP, .id = 5, .mf = true, .sport = 1024, .dport = 53, .data = 1464 }
#define X1_PART(from, to_addr, at, more) \
	{ FROM(X1), .src = (from), .dst = (to_addr), .proto = UDP, .id = 5, .offset = (at), .data = 99, more }
#define X1_LATER X1_PART(A, Y, 1472, )
#define CONGESTED .tos = 2, .outer_tos = 3
#define RELEASED(...) .released = { __VA_ARGS__ }

	{ "row 2: one that comes before its first waits", {}, IN, { LATER(5, A) }, WAITS },
	{ "row 2: reversed", { { IN, 0, { LATER(5, A) } } }, IN, { UDP_FIRST(5, A, 2048, ) }, GOES_TO(X2),
	  RELEASED({ GOES_TO(X2), .packet = { LATER(5, A) } }) },
	{ "row 2: three, the last one first", { { IN, 0, { PART(5, A, 2944, 99, ) } }, { IN, 0, { PART(5, A, 1472, 1472,
	  .mf = true) } } }, IN, { UDP_FIRST(5, A, 1024, ) }, GOES_TO(X1), RELEASED({ GOES_TO(X1), .packet = { PART(5, A, 2944,
	  99, ) } }, { GOES_TO(X1), .packet = { PART(5, A, 1472, 1472, .mf = true) } }) },
	{ "row 2: only that packet's", { { IN, 0, { LATER(5, A) } }, { IN, 0, { LATER(6, A) } }, { IN, 0, { .src = Z, .dst = A,
	  .proto = UDP, .id = 6, .offset = 1472, .data = 99 } }, { IN, 0, { .src = Y, .dst = D, .proto = UDP, .id = 6,
	  .offset = 1472, .data = 99 } } }, IN, { UDP_FIRST(6, A, 1024, ) }, GOES_TO(X1),
	  RELEASED({ GOES_TO(X1), .packet = { LATER(6, A) } }) },
	{ "row 2: one that would overwrite the first one, come before it", { { IN, 0, { PART(5, A, 8, 99, ) } },
	  { IN, 0, { LATER(5, A) } } }, IN, { UDP_FIRST(5, A, 1024, ) }, GOES_TO(X1), RELEASED({ DROPPED(FRAGMENT_OVERLAP) ,
	  .packet = { PART(5, A, 8, 99, ) } }, { GOES_TO(X1), .packet = { LATER(5, A) } }) },
	{ "row 2: later ones that overlap each other are the host's business", { { IN, 0, { UDP_FIRST(5, A, 1024, ) } },
	  { IN, 0, { PART(5, A, 1472, 800, .mf = true) } } }, IN, { PART(5, A, 1480, 99, ) }, GOES_TO(X1) },
	{ "row 2: the first one is too late", { { IN, 0, { LATER(5, A) } }, { IN, 3, { .src = Y, .dst = A, .proto = TCP } } }, IN,
	  { UDP_FIRST(5, A, 1024, ) }, GOES_TO(X1) },
	{ "row 2: the first one is nobody's", { { IN, 0, { LATER(5, A) } } }, IN, { UDP_FIRST(5, A, 9999, ) }, DROPPED(NO_LEASE) },
	{ "row 2: the first one is refused by remote policy", { { IN, 0, { .src = Z, .dst = A, .proto = UDP, .id = 5,
	  .offset = 1472, .data = 99 } } }, IN, { .src = Z, .dst = A, .proto = UDP, .id = 5, .mf = true, .sport = 53, .dport = 5000,
	  .data = 1464 }, DROPPED(REMOTE_POLICY_IN) },
	{ "row 2: nothing waits for an address of which nothing is leased", {}, IN, { LATER(5, B) }, DROPPED(FRAGMENT) },
	{ "row 2: nor for a whole one", {}, IN, { LATER(5, W) }, GOES_TO(X3) },
	{ "row 2: IKE, reversed", { { IN, 0, { IKE_IN(Y, 500), .id = 9, .offset = 1480, .data = 300 } } }, IN, { IKE_IN(Y, 500),
	  .id = 9, .mf = true, .carries = UDP_IKE, .ci = OWN_BLOCK, .cr = PEERS, .data = 1444 }, GOES_TO(X1),
	  RELEASED({ GOES_TO(X1), .packet = { IKE_IN(Y, 500), .id = 9, .offset = 1480, .data = 300 } }) },
	{ "row 2: ESP, reversed", { { IN, 0, { .src = Y, .dst = A, .proto = ESP, .id = 9, .offset = 1480, .data = 300 } } }, IN,
	  { .src = Y, .dst = A, .proto = ESP, .id = 9, .mf = true, .spi = 0x20000000, .data = 1472 }, GOES_TO(X2),
	  RELEASED({ GOES_TO(X2), .packet = { .src = Y, .dst = A, .proto = ESP, .id = 9, .offset = 1480, .data = 300 } }) },
	{ "row 2: an echo reply, reversed", { { OUT, 0, { FROM(X1), .src = A, .dst = Y, .proto = ICMP, .icmp_type = 8, .icmp_id = 7,
	  .data = 56 } }, { IN, 0, { .src = Y, .dst = A, .proto = ICMP, .id = 9, .offset = 1480, .data = 300 } } }, IN, { .src = Y,
	  .dst = A, .proto = ICMP, .id = 9, .mf = true, .icmp_type = 0, .icmp_id = 7, .data = 1472 }, GOES_TO(X1),
	  RELEASED({ GOES_TO(X1), .packet = { .src = Y, .dst = A, .proto = ICMP, .id = 9, .offset = 1480, .data = 300 } }) },
	{ "row 2: through GRE, reversed", { { IN, 0, { LATER(5, A) } } }, IN, { UDP_FIRST(5, A, 4096, ) }, GOES_TO(X4),
	  RELEASED({ GOES_TO(X4), .packet = { LATER(5, A) } }) },

	{ "row 2, own: one before its first is the stack's", {}, IN, { PART(5, OWN, 1472, 99, .ttl = 60) }, TO_STACK,
	  .becomes = PACKET { PART(5, OWN, 1472, 99, .ttl = 61) } },
	{ "row 2, own: and the host's, if the first one is", { { IN, 0, { PART(5, OWN, 1472, 99, .ttl = 60) } } }, IN,
	  { UDP_FIRST(5, OWN, 1024, ) }, GOES_TO(X1), RELEASED({ GOES_TO(X1), .packet = { PART(5, OWN, 1472, 99, .ttl = 60) } }) },
	{ "row 2, own: not twice the stack's", { { IN, 0, { LATER(5, OWN) } } }, IN, { UDP_FIRST(5, OWN, 53, .ttl = 60) }, TO_STACK,
	  .becomes = PACKET { UDP_FIRST(5, OWN, 53, .ttl = 61) } },
	{ "row 2, own: nor later the host's", { { IN, 0, { LATER(5, OWN) } }, { IN, 0, { UDP_FIRST(5, OWN, 53, ) } } }, IN,
	  { UDP_FIRST(5, OWN, 1024, ) }, GOES_TO(X1) },

	{ "out, row 2: in order", { { OUT, 0, X1_FIRST } }, OUT, X1_LATER, GOES_OUT },
	{ "out, row 2: one that comes before its first waits", {}, OUT, X1_LATER, WAITS },
	{ "out, row 2: reversed", { { OUT, 0, X1_LATER } }, OUT, X1_FIRST, GOES_OUT, RELEASED({ GOES_OUT, .packet = X1_LATER }) },
	{ "out, row 2: with congestion of the tunnel", { { OUT, 0, X1_PART(A, Y, 1472, CONGESTED) } }, OUT, X1_FIRST, GOES_OUT,
	  RELEASED({ GOES_OUT, .packet = X1_PART(A, Y, 1472, .tos = 3) }) },
	{ "out, row 2: congestion that cannot be told", {}, OUT, X1_PART(A, Y, 1472, .outer_tos = 3), DROPPED(CONGESTION) },
	{ "out, row 2: another host's first is not its own", { { OUT, 0, X1_LATER } }, OUT, { FROM(X2), .src = A, .dst = Y,
	  .proto = UDP, .id = 5, .mf = true, .sport = 2048, .dport = 53, .data = 1464 }, GOES_OUT },
	{ "out, row 2: the first one may not go", { { OUT, 0, X1_LATER } }, OUT, { FROM(X1), .src = A, .dst = Y, .proto = UDP,
	  .id = 5, .mf = true, .sport = 2048, .dport = 53, .data = 1464 }, DROPPED(LOCAL_PORT), TELLS(LOCAL_ADDRPORT_UNALLOWED) },
	{ "out, row 2: one that would overwrite the first one", { { OUT, 0, X1_FIRST } }, OUT, X1_PART(A, Y, 8, ),
	  DROPPED(FRAGMENT_OVERLAP) },
	{ "out, row 2: from an address that is not its own", {}, OUT, X1_PART(D, Y, 1472, ), DROPPED(LOCAL_ADDR),
	  TELLS(LOCAL_ADDR_UNALLOWED) },
	{ "out, row 2: from host to host, reversed", { { OUT, 0, X1_PART(A, A, 1472, ) } }, OUT, { FROM(X1), .src = A, .dst = A,
	  .proto = UDP, .id = 5, .mf = true, .sport = 1024, .dport = 2048, .data = 1464 }, GOES_TO(X2), .becomes = PACKET { .src = A,
	  .dst = A, .proto = UDP, .id = 5, .mf = true, .sport = 1024, .dport = 2048, .data = 1464, .ttl = 63 },
	  RELEASED({ GOES_TO(X2), .packet = X1_PART(A, A, 1472, .ttl = 63) }) },

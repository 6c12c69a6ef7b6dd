/* Rows of check_conf: a file, and what is told about it. G, P, L and H are the smallest good gateway, pool, policy
 * and host, one line each. */
	{ "",
	  "t:1: there is no gateway section; add gateway { private-interface, public-interface, listen }\n"
	  "t:1: there is no pool: nothing could be leased; add pool NAME { addresses, methods }\n"
	  "t:1: there is no policy: no host could be served; add policy NAME { pools }\n"
	  "t:1: there is no host: nobody could register; add host \"10.0.0.0/24\" { policy }\n" },
	{ "# nothing but a comment\n",
	  "t:1: there is no gateway section; add gateway { private-interface, public-interface, listen }\n"
	  "t:1: there is no pool: nothing could be leased; add pool NAME { addresses, methods }\n"
	  "t:1: there is no policy: no host could be served; add policy NAME { pools }\n"
	  "t:1: there is no host: nobody could register; add host \"10.0.0.0/24\" { policy }\n" },
	{ P L H,
	  "t:3: there is no gateway section; add gateway { private-interface, public-interface, listen }\n" },
	{ G L H,
	  "t:2: pools: there is no pool \"p\"; name pools of this file\n"
	  "t:3: there is no pool: nothing could be leased; add pool NAME { addresses, methods }\n" },
	{ G P H,
	  "t:3: policy: there is no policy \"l\"; name a policy of this file\n"
	  "t:3: there is no policy: no host could be served; add policy NAME { pools }\n" },
	{ G P L,
	  "t:3: there is no host: nobody could register; add host \"10.0.0.0/24\" { policy }\n" },
	{ "gateway { public-interface = wan0 listen = 10.0.0.1 }\n" P L H,
	  "t:1: gateway has no private-interface; add private-interface = \"lan0\"\n" },
	{ "gateway { private-interface = lan0 listen = 10.0.0.1 }\n" P L H,
	  "t:1: gateway has no public-interface; add public-interface = \"wan0\"\n" },
	{ "gateway { private-interface = lan0 public-interface = wan0 }\n" P L H,
	  "t:1: gateway has no listen; add listen = { \"10.0.0.1\" }\n" },
	{ "gateway {\n}\n" P L H,
	  "t:2: gateway has no private-interface; add private-interface = \"lan0\"\n"
	  "t:2: gateway has no public-interface; add public-interface = \"wan0\"\n"
	  "t:2: gateway has no listen; add listen = { \"10.0.0.1\" }\n" },
	{ "gateway {\n private-interface = lan0\n public-interface = lan0\n listen = 10.0.0.1 }\n" P L H,
	  "t:2: private-interface: \"lan0\" is the public interface too; hosts and the Internet need two devices\n" },
	{ "gateway {\n private-interface = { lan0, lan0 }\n public-interface = wan0\n listen = 10.0.0.1 }\n" P L H,
	  "t:2: private-interface: \"lan0\" is listed twice; once is enough\n" },
	{ "gateway {\n private-interface = a-name-too-long-\n public-interface = \"\"\n listen = 10.0.0.1 }\n" P L H,
	  "t:2: private-interface: \"a-name-too-long-\" is not a device name; 1 to 15 characters, as ip link shows "
	    "them\n"
	  "t:3: public-interface: \"\" is not a device name; 1 to 15 characters, as ip link shows them\n" },
	{ "gateway { private-interface = lan0 public-interface = wan0\n listen = { 10.0.0.1, \"10.0.0\",\n "
	  "0.0.0.0, 10.0.0.1 } }\n" P L H,
	  "t:2: listen: \"10.0.0\" is not an IPv4 address; write it like 10.0.0.1\n"
	  "t:3: listen: 0.0.0.0 is not an address to listen on; name an address of a private interface\n"
	  "t:3: listen: 10.0.0.1 is listed twice; once is enough\n" },
	{ "gateway { private-interface = lan0 public-interface = wan0 listen = 10.0.0.1\n transports = { tcp, "
	  "sctp } }\n" P L H,
	  "t:2: transports: \"sctp\" is not known here; allowed: tcp, udp\n" },
	{ "gateway { private-interface = lan0 public-interface = wan0 listen = 10.0.0.1\n data-plane = fast }\n" P L H,
	  "t:2: data-plane: \"fast\" is not known here; allowed: auto, xdp, relay\n" },
	{ "gateway { private-interface = lan0 public-interface = wan0 listen = 10.0.0.1\n relay-io = raw }\n" P L H,
	  "t:2: relay-io: \"raw\" is not known here; allowed: auto, rings, tun\n" },
#ifndef HAVE_XDP
	{ "gateway { private-interface = lan0 public-interface = wan0 listen = 10.0.0.1\n data-plane = xdp }\n" P L H,
	  "t:2: data-plane: this rsipd is built without xdp; auto and relay are allowed\n" },
#endif
	{ "gateway { private-interface = lan0 public-interface = wan0 listen = 10.0.0.1\n state = rsipd.db }\n" P L H,
	  "t:2: state: \"rsipd.db\" is not a full path; start it with a slash\n" },
	{ "gateway { private-interface = lan0 public-interface = wan0 listen = 10.0.0.1\n control = "
	  "\"/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678\" "
	  "}\n" P L H,
	  "t:2: control: the path has 110 characters; a socket's path may have 107\n" },
	{ "gateway { private-interface = lan0 public-interface = wan0 listen = 10.0.0.1\n vendor-id = 0 }\n" P L H,
	  "t:2: vendor-id: \"0\" is not a number in range; 1 to 65535 is allowed\n" },
	{ "gateway { private-interface = lan0 public-interface = wan0 listen = 10.0.0.1\n vendor-id = 65536 }\n" P L H,
	  "t:2: vendor-id: \"65536\" is not a number in range; 1 to 65535 is allowed\n" },
	{ "gateway { private-interface = lan0 public-interface = wan0 listen = 10.0.0.1\n resolver = { 9.9.9.9, ns1 } }\n" P L H,
	  "t:2: resolver: \"ns1\" is no name server; write ADDRESS or ADDRESS:PORT\n" },
	{ "gateway { private-interface = lan0 public-interface = wan0 listen = 10.0.0.1\n mss-clamp = maybe }\n" P L H,
	  "t:2: mss-clamp: \"maybe\" is not known here; allowed: yes, no, true, false, on, off\n" },
	{ "gateway { private-interface = lan0 public-interface = wan0 listen = 10.0.0.1\n colour = red }\n" P L H,
	  "t:2: unknown option \"colour\" in section gateway; allowed there: private-interface, public-interface, "
	    "listen, transports, data-plane, state, control, vendor-id, mss-clamp, resolver, relay-io, history, authentication\n" },
	{ "gateway { private-interface = lan0 public-interface = wan0 listen = 10.0.0.1\n colours = { red, "
	  "green }\n state = \"x\" }\n" P L H,
	  "t:2: unknown option \"colours\" in section gateway; allowed there: private-interface, public-interface, "
	    "listen, transports, data-plane, state, control, vendor-id, mss-clamp, resolver, relay-io, history, authentication\n"
	  "t:3: state: \"x\" is not a full path; start it with a slash\n" },
	{ G G P L H,
	  "t:2: section gateway stands here again; one is allowed, the first is at line 1\n" },
	{ G P P L H,
	  "t:3: pool \"p\" stands here again; names must differ, the first is at line 2\n"
	  "t:3: addresses: 203.0.113.8-203.0.113.15 of pool \"p\" overlap 203.0.113.8-203.0.113.15 of pool \"p\" "
	    "(line 2); an address may be in one pool, once\n" },
	{ G P L L H,
	  "t:4: policy \"l\" stands here again; names must differ, the first is at line 3\n" },
	{ G P L H H,
	  "t:5: host 10.0.0.0/24 stands here again; one section a prefix, the first is at line 4\n" },
	{ G P L H "host 10.0.0.7 { policy = l }\nhost 10.0.0.7/32 { policy = l }\n",
	  "t:6: host 10.0.0.7/32 stands here again; one section a prefix, the first is at line 5\n" },
	{ G P L "host 10.0.0.7 { policy = l }\nhost 10.0.0.300 { policy = l }\nhost 10.0.0.0/7 { policy = l }\n",
	  "t:5: host: \"10.0.0.300\" is not an IPv4 prefix; write it like 10.0.0.0/8, with no bits set behind the "
	    "prefix\n" },
	{ "local-networks = { }\n" G P L H,
	  "t:1: local-networks is an empty list; give it a value or leave it out\n" },
	{ G P "policy l { pools = p\n allow-remotes = { 198.51.100.0/24 } }\n" H,
	  "t:4: allow-remotes: remote-flow is none, so no peer is looked at; set it to macro or micro\n" },
	{ G P "policy l { pools = p remote-flow = macro\n deny-remotes = { 198.51.100.0/33, .example.com } }\n" H,
	  "t:4: deny-remotes: \"198.51.100.0/33\" is not an IPv4 prefix; write it like 10.0.0.0/8, with no bits set "
	  "behind the prefix\n" },
	{ G P "policy l { pools = p tunnel-endpoint = 10.0.0.300 }\n" H,
	  "t:3: tunnel-endpoint: \"10.0.0.300\" is not an IPv4 address; write it like 10.0.0.1\n" },
	{ G P "policy l { pools = p tunnel-endpoint = 224.0.0.5 }\n" H,
	  "t:3: tunnel-endpoint: 224.0.0.5 is not an address that a tunnel can end at; name one of the gateway on the private side\n" },
	{ G P "policy l { pools = p tunnel-endpoint = 203.0.113.9 }\n" H,
	  "t:4: tunnel-endpoint: 203.0.113.9 of policy \"l\" is an address of pool \"p\"; hosts could lease it\n" },
	{ G P L "host 10.0.0.7 { }\nhost 10.0.0.8 {\n policy = m }\n",
	  "t:4: host \"10.0.0.7\" has no policy; add policy = \"NAME\"\n"
	  "t:6: policy: there is no policy \"m\"; name a policy of this file\n" },
	{ G "pool \"my pool\" { addresses = 203.0.113.8 methods = rsap-ip }\npolicy l { pools = \"my pool\" }\n" H,
	  "t:2: pool \"my pool\": no fit name; 1 to 63 letters, digits, dots, dashes and underscores\n" },
	{ G "pool p { methods = rsap-ip }\n" L H,
	  "t:2: pool \"p\" has no addresses; add addresses = { \"203.0.113.8/29\" }\n" },
	{ G "pool p { addresses = 203.0.113.8 }\n" L H,
	  "t:2: pool \"p\" has no methods; add methods = { \"rsap-ip\", \"rsipsec\" }\n" },
	{ G "pool p { }\n" L H,
	  "t:2: pool \"p\" has no addresses; add addresses = { \"203.0.113.8/29\" }\n"
	  "t:2: pool \"p\" has no methods; add methods = { \"rsap-ip\", \"rsipsec\" }\n" },
	{ G "pool p {\n addresses = { 203.0.113.9/29, 203.0.113.30-203.0.113.20,\n 203.0.113.256, \"\", "
	  "203.0.113.8 } methods = rsap-ip }\n" L H,
	  "t:3: addresses: \"203.0.113.9/29\" is no address, prefix or range; write it like 203.0.113.8, "
	    "203.0.113.8/29 or 203.0.113.20-203.0.113.30\n"
	  "t:3: addresses: \"203.0.113.30-203.0.113.20\" is no address, prefix or range; write it like "
	    "203.0.113.8, 203.0.113.8/29 or 203.0.113.20-203.0.113.30\n"
	  "t:4: addresses: \"203.0.113.256\" is no address, prefix or range; write it like 203.0.113.8, "
	    "203.0.113.8/29 or 203.0.113.20-203.0.113.30\n"
	  "t:4: addresses: \"\" is no address, prefix or range; write it like 203.0.113.8, 203.0.113.8/29 or "
	    "203.0.113.20-203.0.113.30\n" },
	{ G "pool p {\n addresses = { 200.0.0.0/4, 224.0.0.1, 127.0.0.1, 0.0.0.1-0.0.0.9 } methods = rsap-ip }\n" L H,
	  "t:3: addresses: \"200.0.0.0/4\" is no address, prefix or range; write it like 203.0.113.8, "
	    "203.0.113.8/29 or 203.0.113.20-203.0.113.30\n"
	  "t:3: addresses: \"224.0.0.1\" holds addresses that no host can have; unicast addresses outside of "
	    "0.0.0.0/8 and 127.0.0.0/8 are allowed\n"
	  "t:3: addresses: \"127.0.0.1\" holds addresses that no host can have; unicast addresses outside of "
	    "0.0.0.0/8 and 127.0.0.0/8 are allowed\n"
	  "t:3: addresses: \"0.0.0.1-0.0.0.9\" holds addresses that no host can have; unicast addresses outside of "
	    "0.0.0.0/8 and 127.0.0.0/8 are allowed\n" },
	{ G "pool p {\n addresses = { 203.0.113.8/29, 203.0.113.10 } methods = rsap-ip }\n" L H,
	  "t:3: addresses: 203.0.113.10 of pool \"p\" overlap 203.0.113.8-203.0.113.15 of pool \"p\" (line 3); an "
	    "address may be in one pool, once\n" },
	{ G P "pool q {\n addresses = { 203.0.113.1-203.0.113.100 }\n methods = rsa-ip }\n" L H,
	  "t:4: addresses: 203.0.113.1-203.0.113.100 of pool \"q\" overlap 203.0.113.8-203.0.113.15 of pool \"p\" "
	    "(line 2); an address may be in one pool, once\n" },
	{ G "pool q { addresses = { 203.0.113.1-203.0.113.100, 203.0.113.40 } methods = rsa-ip }\n" P L H,
	  "t:3: addresses: 203.0.113.8-203.0.113.15 of pool \"p\" overlap 203.0.113.1-203.0.113.100 of pool \"q\" "
	    "(line 2); an address may be in one pool, once\n"
	  "t:2: addresses: 203.0.113.40 of pool \"q\" overlap 203.0.113.1-203.0.113.100 of pool \"q\" (line 2); an "
	    "address may be in one pool, once\n" },
	{ "local-networks = 203.0.113.0/24\n" G P L H,
	  "t:3: addresses: 203.0.113.8-203.0.113.15 of pool \"p\" overlap the local network 203.0.113.0/24; pools "
	    "are public, local-networks private\n" },
	{ "local-networks = { 10.0.0.0/8, 10.0.0.1/8 }\n" G P L H,
	  "t:1: local-networks: \"10.0.0.1/8\" is not an IPv4 prefix; write it like 10.0.0.0/8, with no bits set "
	    "behind the prefix\n" },
	{ G "pool p {\n addresses = 10.0.0.0/30 methods = rsap-ip }\n" L H,
	  "t:3: addresses: 10.0.0.0-10.0.0.3 of pool \"p\" hold the gateway's listen address 10.0.0.1; hosts could "
	    "not reach it\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods = { rsap-ip, nat } }\n" L H,
	  "t:3: methods: \"nat\" is not known here; allowed: rsa-ip, rsap-ip, rsipsec\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods = { rsa-ip, rsap-ip } }\n" L H,
	  "t:3: methods: \"rsa-ip\" leases whole addresses and cannot share a pool with other methods; give it a "
	    "pool of its own\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods = rsap-ip tunnels = l2tp }\n" L H,
	  "t:3: tunnels: \"l2tp\" is not known here; allowed: ip-ip, gre\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods = rsap-ip ports = 0-65535 }\n" L H,
	  "t:3: ports: \"0-65535\" is not a port range; write FIRST-LAST, 1 to 65535, the lower first\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods = rsap-ip ports = 2000-1000 }\n" L H,
	  "t:3: ports: \"2000-1000\" is not a port range; write FIRST-LAST, 1 to 65535, the lower first\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods = rsap-ip ports = 1024-65536 }\n" L H,
	  "t:3: ports: \"1024-65536\" is not a port range; write FIRST-LAST, 1 to 65535, the lower first\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods = rsap-ip ports = all }\n" L H,
	  "t:3: ports: \"all\" is not a port range; write FIRST-LAST, 1 to 65535, the lower first\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods = rsipsec ports = 500 }\n" L H,
	  "t:3: ports: \"500\" leaves no port to lease beside ike-ports; allow more\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods = rsipsec ike-ports = { 500, 0, 4500, 500 } }\n" L H,
	  "t:3: ike-ports: \"0\" is not a number in range; 1 to 65535 is allowed\n"
	  "t:3: ike-ports: 500 is listed twice; once is enough\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods = rsipsec ike-ports = { 1, 2, 3, 4, 5, 6, 7, 8, 9 } }\n" L H,
	  "t:3: ike-ports: too many; 8 are allowed\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods = rsipsec spis = 0x10-0xffff }\n" L H,
	  "t:3: spis: \"0x10-0xffff\" is not an SPI range; write FIRST-LAST, 0x100 to 0xffffffff, the lower first\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods = rsipsec spis = 0xffff-0x1000 }\n" L H,
	  "t:3: spis: \"0xffff-0x1000\" is not an SPI range; write FIRST-LAST, 0x100 to 0xffffffff, the lower "
	    "first\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods = rsipsec spis = 0x100-0x100000000 }\n" L H,
	  "t:3: spis: \"0x100-0x100000000\" is not an SPI range; write FIRST-LAST, 0x100 to 0xffffffff, the lower "
	    "first\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods = rsap-ip\n ports = 1-2\n ports = 3-4 }\n" L H,
	  "t:5: ports is set again; once is allowed, the first is at line 4\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods = rsap-ip\n methods = rsipsec }\n" L H,
	  "t:4: methods is set again; once is allowed, the first is at line 3\n" },
	{ "local-networks = { }\n" G P L H,
	  "t:1: local-networks is an empty list; give it a value or leave it out\n" },
	{ G P "policy l { pools = p\n allow-remotes = {\n} }\n" H,
	  "t:4: allow-remotes is an empty list; give it a value or leave it out\n" },
	{ G "pool p { addresses = 203.0.113.8\n methods += rsap-ip\n methods += rsipsec\n wrong = 1 }\n" L H,
	  "t:5: unknown option \"wrong\" in section pool; allowed there: addresses, methods, ports, ike-ports, "
	    "spis, tunnels, upstream\n" },
	{ G P "policy l { }\n" H,
	  "t:3: policy \"l\" has no pools; add pools = { \"NAME\" }\n" },
	{ G P "policy l { pools = { p, q } }\n" H,
	  "t:3: pools: there is no pool \"q\"; name pools of this file\n" },
	{ G P "policy l { pools = { p, p } }\n" H,
	  "t:3: pools: \"p\" is listed twice; once is enough\n" },
	{ G P "policy l { pools = p\n local-flow = none }\n" H,
	  "t:4: local-flow: \"none\" is not known here; allowed: macro, micro\n" },
	{ G P "policy l { pools = p\n remote-flow = any }\n" H,
	  "t:4: remote-flow: \"any\" is not known here; allowed: none, macro, micro\n" },
	{ G P "policy l { pools = p\n lease = 0 }\n" H,
	  "t:4: lease: \"0\" is not a duration in range; 1s to 365d is allowed, as a number with s, m, h or d\n" },
	{ G P "policy l { pools = p\n lease = 2w }\n" H,
	  "t:4: lease: \"2w\" is not a duration in range; 1s to 365d is allowed, as a number with s, m, h or d\n" },
	{ G P "policy l { pools = p\n lease = 1h30m }\n" H,
	  "t:4: lease: \"1h30m\" is not a duration in range; 1s to 365d is allowed, as a number with s, m, h or d\n" },
	{ G P "policy l { pools = p\n lease = -1h }\n" H,
	  "t:4: lease: \"-1h\" is not a duration in range; 1s to 365d is allowed, as a number with s, m, h or d\n" },
	{ G P "policy l { pools = p\n lease = \"\" }\n" H,
	  "t:4: lease: \"\" is not a duration in range; 1s to 365d is allowed, as a number with s, m, h or d\n" },
	{ G P "policy l { pools = p\n lease = 9h }\n" H,
	  "t:4: lease of 9h is longer than max-lease of 8h (default); shorten the one or raise the other\n" },
	{ G P "policy l { pools = p\n max-lease = 30m }\n" H,
	  "t:4: lease of 1h (default) is longer than max-lease of 30m; shorten the one or raise the other\n" },
	{ G P "policy l { pools = p\n lease = 3h\n max-lease = 2h }\n" H,
	  "t:4: lease of 3h is longer than max-lease of 2h; shorten the one or raise the other\n" },
	{ G P "policy l { pools = p\n registration = 366d }\n" H,
	  "t:4: registration: \"366d\" is not a duration in range; 1s to 365d is allowed, as a number with s, m, h "
	    "or d\n" },
	{ G P "policy l { pools = p\n hold-down = 25h }\n" H,
	  "t:4: hold-down: \"25h\" is not a duration in range; 0s to 1d is allowed, as a number with s, m, h or d\n" },
	{ G P "policy l { pools = p\n max-bindings = 0 }\n" H,
	  "t:4: max-bindings: \"0\" is not a number in range; 1 to 65535 is allowed\n" },
	{ G P "policy l { pools = p\n max-ports = 65536 }\n" H,
	  "t:4: max-ports: \"65536\" is not a number in range; 0 to 65535 is allowed\n" },
	{ G P "policy l { pools = p\n max-spis = many }\n" H,
	  "t:4: max-spis: \"many\" is not a number in range; 0 to 65535 is allowed\n" },
	{ G P "policy l { pools = p\n max-cookies = 4097 }\n" H,
	  "t:4: max-cookies: \"4097\" is not a number in range; 0 to 4096 is allowed\n" },
	{ G P "policy l { pools = p\n rate = 0x10 }\n" H,
	  "t:4: rate: \"0x10\" is not a number in range; 1 to 1000000 is allowed\n" },
	{ G P L H "log { to = file level = loud format = xml }\n",
	  "t:5: to: \"file\" is not known here; allowed: stderr, syslog, journal, none\n"
	  "t:5: level: \"loud\" is not known here; allowed: error, warn, info, debug\n"
	  "t:5: format: \"xml\" is not known here; allowed: text, json\n" },
	{ G P L H "metrics { }\n",
	  "t:5: metrics has no listen; add listen = \"127.0.0.1:9455\", or leave the section out\n" },
	{ G P L H "metrics { listen = 9455 }\n",
	  "t:5: listen: \"9455\" is not ADDRESS:PORT; write it like 127.0.0.1:9455\n" },
	{ G P L H "metrics { listen = 127.0.0.1:0 }\n",
	  "t:5: listen: \"127.0.0.1:0\" is not ADDRESS:PORT; write it like 127.0.0.1:9455\n" },
	{ G P L H "nat { }\n",
	  "t:5: unknown option or section \"nat\"; allowed here: local-networks, gateway { }, pool NAME { }, "
	    "policy NAME { }, host NAME { }, log { }, metrics { }\n" },
	{ G P L H "nat \"x\" { a { b = 1 } }\nlog { colour = red }\n",
	  "t:5: unknown option or section \"nat\"; allowed here: local-networks, gateway { }, pool NAME { }, "
	    "policy NAME { }, host NAME { }, log { }, metrics { }\n" },
	{ G P L H "\"gateway|state\" = /x\n",
	  "t:5: unknown option or section \"state\"; allowed here: local-networks, gateway { }, pool NAME { }, "
	    "policy NAME { }, host NAME { }, log { }, metrics { }\n" },
	{ G P L H "log {\n",
	  "t:5: section log, begun at line 5, is not closed; add }\n" },
	{ G P L H "}\n",
	  "t:5: syntax: unexpected closing brace; write NAME = VALUE, NAME = { VALUE, VALUE }, or SECTION { ... }\n" },
	{ G P L H "log to = stderr\n",
	  "t:5: syntax: missing opening brace for section 'log'; write NAME = VALUE, NAME = { VALUE, VALUE }, or "
	    "SECTION { ... }\n" },
	{ G P L H "pool { }\n",
	  "t:5: syntax: missing title for section 'pool'; write NAME = VALUE, NAME = { VALUE, VALUE }, or SECTION "
	    "{ ... }\n" },
	{ G P L H "local-networks { }\n",
	  "t:5: syntax: missing equal sign after option 'local-networks'; write NAME = VALUE, NAME = { VALUE, "
	    "VALUE }, or SECTION { ... }\n" },
	{ G P L H "local-networks = }\n",
	  "t:5: syntax: unexpected token '}'; write NAME = VALUE, NAME = { VALUE, VALUE }, or SECTION { ... }\n" },
	{ G P L H "local-networks = { 10.0.0.0/8 10.1.0.0/16 }\n",
	  "t:5: syntax: unexpected token '10.1.0.0/16'; write NAME = VALUE, NAME = { VALUE, VALUE }, or SECTION { "
	    "... }\n" },
	{ G P L H "local-networks = { \"10.0.0.0/8 }\n",
	  "t:5: the file ends inside of a string; close it with a quote\n" },
	{ G P L H "local-networks = { 10.0.0.0/8\n",
	  "t:5: syntax: unexpected token 'end-of-file'; write NAME = VALUE, NAME = { VALUE, VALUE }, or SECTION { "
	    "... }\n" },
	{ G P L H "/* log {}\n",
	  "t:5: the file ends inside of a comment; close it with */\n" },
	{ G P L H "end-of-file = 1\nlog { end-of-file = 1 }\n",
	  "t:5: unknown option or section \"end-of-file\"; allowed here: local-networks, gateway { }, pool NAME { "
	    "}, policy NAME { }, host NAME { }, log { }, metrics { }\n"
	  "t:6: unknown option \"end-of-file\" in section log; allowed there: to, level, format\n" },
	{ "colour = red\n" G P L H "log { colour = red to = nowhere }\n",
	  "t:1: unknown option or section \"colour\"; allowed here: local-networks, gateway { }, pool NAME { }, "
	    "policy NAME { }, host NAME { }, log { }, metrics { }\n"
	  "t:6: unknown option \"colour\" in section log; allowed there: to, level, format\n"
	  "t:6: to: \"nowhere\" is not known here; allowed: stderr, syslog, journal, none\n" },
	{ "nat { a = 1 }\n" G P L H,
	  "t:1: unknown option or section \"nat\"; allowed here: local-networks, gateway { }, pool NAME { }, "
	    "policy NAME { }, host NAME { }, log { }, metrics { }\n" },
	{ G "'' = 1\n" P L H,
	  "t:2: syntax: an option or section here has an empty name; write NAME = VALUE, NAME = { VALUE, VALUE }, "
	    "or SECTION { ... }\n" },
	{ "# one\n# two # three\n  # four\n" G "# five\n" P L H "// six\nlog { to = \"#\" } # seven\nwrong = 1\n",
	  "t:11: unknown option or section \"wrong\"; allowed here: local-networks, gateway { }, pool NAME { }, "
	    "policy NAME { }, host NAME { }, log { }, metrics { }\n"
	  "t:10: to: \"#\" is not known here; allowed: stderr, syslog, journal, none\n" },
	{ "/* one\n two\n */ " G "/**/" P "/* three */ " L H
	  "log { /* four\n*/ to = a//b /* five */ level = \"/*\" }\n",
	  "t:8: to: \"a//b\" is not known here; allowed: stderr, syslog, journal, none\n"
	  "t:8: level: \"/*\" is not known here; allowed: error, warn, info, debug\n" },
	{ "# \"quote's\n" G P L H "log { to = \"a\\\"#b\" level = 'x\\'#' }\nwrong = 1 # \"\n",
	  "t:7: unknown option or section \"wrong\"; allowed here: local-networks, gateway { }, pool NAME { }, "
	    "policy NAME { }, host NAME { }, log { }, metrics { }\n"
	  "t:6: to: \"a\"#b\" is not known here; allowed: stderr, syslog, journal, none\n"
	  "t:6: level: \"x'#\" is not known here; allowed: error, warn, info, debug\n" },
	{ G P L H "log { to = 'stderr }\n",
	  "t:5: the file ends inside of a string; close it with a quote\n" },
	{ "gateway {\n listen = ten\n state = x\n}\npool p { ports = 0 }\npolicy l { pools = q lease = x "
	  "}\nhost h { policy = m }\n",
	  "t:1: gateway has no private-interface; add private-interface = \"lan0\"\n"
	  "t:1: gateway has no public-interface; add public-interface = \"wan0\"\n"
	  "t:2: listen: \"ten\" is not an IPv4 address; write it like 10.0.0.1\n"
	  "t:3: state: \"x\" is not a full path; start it with a slash\n"
	  "t:5: pool \"p\" has no addresses; add addresses = { \"203.0.113.8/29\" }\n"
	  "t:5: pool \"p\" has no methods; add methods = { \"rsap-ip\", \"rsipsec\" }\n"
	  "t:5: ports: \"0\" is not a port range; write FIRST-LAST, 1 to 65535, the lower first\n"
	  "t:6: pools: there is no pool \"q\"; name pools of this file\n"
	  "t:6: lease: \"x\" is not a duration in range; 1s to 365d is allowed, as a number with s, m, h or d\n"
	  "t:7: host: \"h\" is not an IPv4 prefix; write it like 10.0.0.0/8, with no bits set behind the prefix\n"
	  "t:7: policy: there is no policy \"m\"; name a policy of this file\n" },

-- The lease database of rsipd, schema version 5 (PRAGMA user_version).
--
-- Times are seconds since 1970, those of leases by the wall clock as it was when rsipd started: see run. Addresses are
-- dotted quads. first and last are ports, SPIs, or the lowest and highest cookie of a block (as signed 64-bit numbers; the
-- views show them in hexadecimal), both included; 0 for a whole address. People read the views: lease, quarantine_now,
-- who_had.

-- The clocks of the run that has the database open, or had it last: one row.
CREATE TABLE run (
	boot       TEXT NOT NULL,    -- which start of the machine: /proc/sys/kernel/random/boot_id
	zero_ms    INTEGER NOT NULL, -- milliseconds since 1970 at which CLOCK_BOOTTIME was 0, by the clock that leases go by
	seen       INTEGER NOT NULL  -- of the latest commit, by the same clock
);

-- Who is registered now. The last_ columns are of the latest UDP request and the response that a duplicate gets. identity
-- is the name that the host has proved; moved is when it came from the address moved_from, NULL where it never moved.
CREATE TABLE registration (
	client_id     INTEGER PRIMARY KEY,
	host          TEXT NOT NULL UNIQUE,
	gateway       TEXT NOT NULL, -- the listen address it talks to
	name          TEXT,
	transport     TEXT NOT NULL CHECK (transport IN ('tcp', 'udp')),
	expires       INTEGER NOT NULL,
	last_port     INTEGER,
	last_counter  INTEGER,
	last_response BLOB,
	identity      TEXT,
	moved         INTEGER,
	moved_from    TEXT
);

-- The highest counter of each identity's authenticated requests (as a signed 64-bit number): none is accepted again.
CREATE TABLE identity (
	name    TEXT PRIMARY KEY,
	counter INTEGER NOT NULL
) WITHOUT ROWID;

-- Where a host has been since when that moved while it was registered: history has where its leases were granted.
CREATE TABLE move (
	client_id INTEGER NOT NULL,
	host      TEXT NOT NULL, -- came here
	came_from TEXT NOT NULL,
	identity  TEXT NOT NULL,
	since     INTEGER NOT NULL,
	until     INTEGER -- moved on, or its registration ended; NULL: is there
);
CREATE INDEX move_of_client ON move (client_id, since);

-- What is leased now.
CREATE TABLE binding (
	bind_id      INTEGER PRIMARY KEY,
	client_id    INTEGER NOT NULL,
	method       TEXT NOT NULL CHECK (method IN ('rsa-ip', 'rsap-ip', 'rsipsec')),
	tunnel       TEXT NOT NULL,
	gre_key      INTEGER, -- NULL: none
	listen       INTEGER NOT NULL,
	local        TEXT NOT NULL,
	remote       TEXT,    -- an address, or a name; NULL: any peer
	remote_port  INTEGER, -- NULL: any port
	expires      INTEGER NOT NULL,
	endpoint     TEXT NOT NULL -- the gateway's end of its tunnel, as the host was told
);

CREATE TABLE binding_tuple (
	bind_id INTEGER NOT NULL,
	kind    TEXT NOT NULL CHECK (kind IN ('address', 'port', 'spi', 'cookie', 'ike-peer')),
	first   INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	PRIMARY KEY (bind_id, kind, first)
) WITHOUT ROWID;

-- The addresses that a name had when it was last looked up, and shortly before, with blanks between them.
CREATE TABLE remote_name (
	name      TEXT PRIMARY KEY,
	addresses TEXT NOT NULL
) WITHOUT ROWID;

-- What nobody but its former host may have until then (hold-down).
CREATE TABLE quarantine (
	local TEXT NOT NULL,
	kind  TEXT NOT NULL CHECK (kind IN ('address', 'port', 'spi', 'cookie')),
	first INTEGER NOT NULL,
	last  INTEGER NOT NULL,
	host  TEXT NOT NULL,
	until INTEGER NOT NULL,
	PRIMARY KEY (local, kind, first)
) WITHOUT ROWID;

-- Who had what when: one row for each tuple ever granted. ended is NULL while it is leased.
CREATE TABLE history (
	bind_id   INTEGER NOT NULL,
	client_id INTEGER NOT NULL,
	host      TEXT NOT NULL,
	name      TEXT,
	method    TEXT NOT NULL,
	local     TEXT NOT NULL,
	kind      TEXT NOT NULL,
	first     INTEGER NOT NULL,
	last      INTEGER NOT NULL,
	granted   INTEGER NOT NULL,
	ended     INTEGER,
	how       TEXT
);
CREATE INDEX history_of_tuple ON history (local, kind, first);
CREATE INDEX history_open ON history (bind_id) WHERE ended IS NULL;

CREATE VIEW lease AS
	SELECT b.bind_id, r.host, r.name, b.method, b.local, t.kind,
	       CASE t.kind WHEN 'spi' THEN printf('0x%08x', t.first) WHEN 'cookie' THEN printf('0x%016x', t.first)
	                   ELSE t.first END AS first,
	       CASE t.kind WHEN 'spi' THEN printf('0x%08x', t.last) WHEN 'cookie' THEN printf('0x%016x', t.last)
	                   ELSE t.last END AS last,
	       datetime(b.expires, 'unixepoch') AS expires_utc
	FROM binding b JOIN binding_tuple t USING (bind_id) JOIN registration r USING (client_id);

CREATE VIEW quarantine_now AS
	SELECT local, kind,
	       CASE kind WHEN 'spi' THEN printf('0x%08x', first) WHEN 'cookie' THEN printf('0x%016x', first)
	                 ELSE first END AS first,
	       CASE kind WHEN 'spi' THEN printf('0x%08x', last) WHEN 'cookie' THEN printf('0x%016x', last)
	                 ELSE last END AS last,
	       host, datetime(until, 'unixepoch') AS until_utc
	FROM quarantine;

CREATE VIEW who_had AS
	SELECT local, kind,
	       CASE kind WHEN 'spi' THEN printf('0x%08x', first) WHEN 'cookie' THEN printf('0x%016x', first)
	                 ELSE first END AS first,
	       CASE kind WHEN 'spi' THEN printf('0x%08x', last) WHEN 'cookie' THEN printf('0x%016x', last)
	                 ELSE last END AS last,
	       host, name, bind_id, datetime(granted, 'unixepoch') AS granted_utc,
	       datetime(ended, 'unixepoch') AS ended_utc, how
	FROM history;

-- The lease database of rsipd, schema version 7 (PRAGMA user_version).
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

-- Who is registered now: until expires, or as long as one of its bindings lasts, whichever is later. identity is the name that
-- the host has proved; moved is when it came from the address moved_from, NULL where it never moved.
CREATE TABLE registration (
	client_id     INTEGER PRIMARY KEY,
	host          TEXT NOT NULL UNIQUE,
	gateway       TEXT NOT NULL, -- the listen address it talks to
	name          TEXT,
	transport     TEXT NOT NULL CHECK (transport IN ('tcp', 'udp')),
	expires       INTEGER NOT NULL,
	identity      TEXT,
	moved         INTEGER,
	moved_from    TEXT
);

-- What UDP hosts were answered: of a host's rows the last one counts, which is what a duplicate of that request gets. Rows
-- are only added at the end and removed at the beginning, so that a commit of many hosts' answers writes few pages.
CREATE TABLE answer (
	seq       INTEGER PRIMARY KEY,
	client_id INTEGER NOT NULL,
	port      INTEGER NOT NULL, -- where the request came from
	counter   INTEGER NOT NULL, -- its message counter
	response  BLOB NOT NULL
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

-- What is leased now, since granted; extensions is how often the lease was extended, endpoint the gateway's end of its tunnel, as
-- the host was told.
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
	endpoint     TEXT NOT NULL,
	granted      INTEGER NOT NULL,
	extensions   INTEGER NOT NULL DEFAULT 0
);

-- The highest bind ID given out so far.
CREATE TABLE latest (bind_id INTEGER NOT NULL);
INSERT INTO latest VALUES (0);

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

-- Who had what when: one row for each tuple of each lease that has ended, in the order of the ends. What is leased still is
-- in binding; the view who_had has both.
CREATE TABLE history (
	bind_id    INTEGER NOT NULL,
	client_id  INTEGER NOT NULL,
	host       TEXT NOT NULL, -- where it was granted
	name       TEXT,
	method     TEXT NOT NULL,
	local      TEXT NOT NULL,
	kind       TEXT NOT NULL,
	first      INTEGER NOT NULL,
	last       INTEGER NOT NULL,
	granted    INTEGER NOT NULL,
	extensions INTEGER NOT NULL,
	ended      INTEGER NOT NULL,
	how        TEXT NOT NULL
);
CREATE INDEX history_of_tuple ON history (local, kind, first, granted);

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
	       host, name, bind_id, datetime(granted, 'unixepoch') AS granted_utc, extensions,
	       datetime(ended, 'unixepoch') AS ended_utc, how
	FROM (SELECT local, kind, first, last, host, name, bind_id, granted, extensions, ended, how FROM history UNION ALL
	      SELECT local, kind, first, last, host, name, bind_id, granted, extensions, NULL, NULL
	      FROM binding JOIN binding_tuple USING (bind_id) JOIN registration USING (client_id));

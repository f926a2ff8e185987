-- All times are milliseconds since the epoch, all sizes are bytes.

CREATE TABLE tenants (
  code TEXT PRIMARY KEY,
  -- Keys are random and long, so one round of SHA-256 over code and key is enough (worker/tenants/key.ts).
  key_hash TEXT NOT NULL,
  previous_key_hash TEXT,
  previous_key_until INTEGER NOT NULL DEFAULT 0,
  -- JSON, see TenantSettingsSchema.
  settings TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
);

-- Files that members of a room share. A row is written before the first byte, so that whoever deletes a room's files knows of all of them.
CREATE TABLE files (
  -- Random, part of the file's address.
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  room TEXT NOT NULL,
  -- A room that ended and was made again under the same name has another life, and none of the earlier one's files.
  life TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('arriving', 'stored')),
  -- While it is arriving: what was announced. Afterwards what it takes, pages included.
  size INTEGER NOT NULL,
  original_name TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL DEFAULT '',
  type TEXT NOT NULL DEFAULT '',
  pages INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
);
CREATE INDEX files_by_life ON files (life);
CREATE INDEX files_by_tenant ON files (tenant, created_at, id);

CREATE TABLE recordings (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  room TEXT NOT NULL,
  participant TEXT NOT NULL,
  name TEXT,
  subject TEXT,
  file_name TEXT NOT NULL,
  file_path TEXT NOT NULL,
  note TEXT,
  started_at INTEGER NOT NULL,
  stopped_at INTEGER,
  -- What the tenant deleted stays as a row, so that parts that are still on their way are refused.
  deleted_at INTEGER
);
CREATE INDEX recordings_by_tenant ON recordings (tenant, started_at, id);

-- Each part of a recording is an object of its own: what was acknowledged needs nothing more to be there for good.
CREATE TABLE recording_parts (
  recording TEXT NOT NULL,
  number INTEGER NOT NULL,
  key TEXT NOT NULL,
  size INTEGER NOT NULL,
  -- Of the first part: the content type of the whole.
  type TEXT NOT NULL DEFAULT '',
  received_at INTEGER NOT NULL,
  PRIMARY KEY (recording, number)
) WITHOUT ROWID;

-- The parts that come one after the other from the beginning: what lies behind a gap cannot be played.
CREATE VIEW playable_parts AS
  SELECT recording, number, key, size, type FROM (
    SELECT *, number - ROW_NUMBER() OVER (PARTITION BY recording ORDER BY number) AS missing FROM recording_parts
  ) WHERE missing = 0;

-- From when to when somebody was in a room (`stay`), or in a call within a stay (`call`).
CREATE TABLE call_records (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('stay', 'call')),
  tenant TEXT NOT NULL,
  room TEXT NOT NULL,
  life TEXT NOT NULL,
  participant TEXT NOT NULL,
  name TEXT,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  direct_ms INTEGER NOT NULL DEFAULT 0,
  routed_ms INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX call_records_by_tenant ON call_records (tenant, started_at, id);

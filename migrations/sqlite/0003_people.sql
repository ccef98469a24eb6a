-- Who wrote a post, for counting thanks; its words are not kept.
CREATE TABLE credit (
    forum BIGINT NOT NULL,
    post TEXT NOT NULL,
    author TEXT NOT NULL,
    member TEXT,
    PRIMARY KEY (forum, post)
) WITHOUT ROWID;

-- Who thanked for a post on the forum, as its page last told.
CREATE TABLE thanks (
    forum BIGINT NOT NULL,
    post TEXT NOT NULL,
    place BIGINT NOT NULL,
    name TEXT NOT NULL,
    member TEXT,
    -- YYYY-MM-DD in the forum's own time zone
    day TEXT,
    PRIMARY KEY (forum, post, place)
) WITHOUT ROWID;
CREATE INDEX thanks_by_day ON thanks (forum, day);

-- When a thanking reaction was recorded; 0 for those from before this was kept.
ALTER TABLE reaction ADD COLUMN at BIGINT NOT NULL DEFAULT 0;

-- The guild that a bridge leads to, as far as Discord has told; 0 before.
ALTER TABLE bridge ADD COLUMN guild BIGINT NOT NULL DEFAULT 0;
-- How much of what is older than the bridge was asked for later, in the words of start_at.
ALTER TABLE bridge ADD COLUMN backfill TEXT;

-- What happened to a post: one row a kind, so that its size is bounded. bridge is 0 for what
-- concerns no bridge alone.
CREATE TABLE history (
    forum BIGINT NOT NULL,
    post TEXT NOT NULL,
    bridge BIGINT NOT NULL,
    what TEXT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    times BIGINT NOT NULL,
    PRIMARY KEY (forum, post, bridge, what)
) WITHOUT ROWID;

-- The proven tie between a Discord user and a forum member.
CREATE TABLE account_link (
    forum BIGINT NOT NULL,
    person BIGINT NOT NULL,
    member TEXT NOT NULL,
    name TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (forum, person),
    UNIQUE (forum, member)
) WITHOUT ROWID;

-- A code that waits to be brought back.
CREATE TABLE link_code (
    forum BIGINT NOT NULL,
    person BIGINT NOT NULL,
    member TEXT NOT NULL,
    name TEXT NOT NULL,
    -- a digest of the code and whose it is; empty once it is spent
    code TEXT NOT NULL,
    expires BIGINT NOT NULL,
    -- wrong tries, and codes asked for, in the time up to "until"
    wrong BIGINT NOT NULL,
    asked BIGINT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (forum, person)
) WITHOUT ROWID;

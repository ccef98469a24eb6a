-- Times are milliseconds, Discord's ids are 64-bit integers, forum ids are text, truth values are 0 or 1.

CREATE TABLE forum (
    id INTEGER PRIMARY KEY,
    forum_key TEXT NOT NULL UNIQUE
);

CREATE TABLE bridge (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    forum BIGINT NOT NULL REFERENCES forum (id),
    -- board:ID or thread:ID
    scope TEXT NOT NULL,
    channel BIGINT NOT NULL,
    layout TEXT NOT NULL,
    replies TEXT NOT NULL,
    -- a JSON list of emoji
    thanks TEXT NOT NULL,
    start_at TEXT NOT NULL,
    from_file BIGINT NOT NULL,
    paused BIGINT NOT NULL DEFAULT 0,
    baseline TEXT,
    UNIQUE (forum, scope, channel)
);

CREATE TABLE thread (
    forum BIGINT NOT NULL,
    thread TEXT NOT NULL,
    board TEXT,
    title TEXT NOT NULL,
    -- the title in small letters: SQLite's own LOWER knows only ASCII
    folded TEXT NOT NULL,
    PRIMARY KEY (forum, thread)
) WITHOUT ROWID;

CREATE TABLE post (
    forum BIGINT NOT NULL,
    post TEXT NOT NULL,
    thread TEXT NOT NULL,
    digest BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    PRIMARY KEY (forum, post)
) WITHOUT ROWID;
CREATE INDEX post_by_thread ON post (forum, thread);

-- How far a bridge has followed a thread; an empty marker means that there is more to read.
CREATE TABLE follow (
    bridge BIGINT NOT NULL,
    thread TEXT NOT NULL,
    marker TEXT NOT NULL,
    last_post TEXT,
    last_number BIGINT,
    PRIMARY KEY (bridge, thread)
) WITHOUT ROWID;
CREATE INDEX follow_unread ON follow (bridge) WHERE marker = '';

-- The Discord thread that shows a forum thread.
CREATE TABLE room (
    bridge BIGINT NOT NULL,
    thread TEXT NOT NULL,
    channel BIGINT NOT NULL UNIQUE,
    digest BIGINT NOT NULL,
    PRIMARY KEY (bridge, thread)
) WITHOUT ROWID;

-- A Discord message that shows a part of a post, or that a post came from.
CREATE TABLE part (
    bridge BIGINT NOT NULL,
    post TEXT NOT NULL,
    part BIGINT NOT NULL,
    channel BIGINT NOT NULL,
    message BIGINT NOT NULL,
    digest BIGINT NOT NULL,
    from_discord BIGINT NOT NULL,
    PRIMARY KEY (bridge, post, part)
) WITHOUT ROWID;
CREATE UNIQUE INDEX part_by_message ON part (message);
CREATE INDEX part_by_channel ON part (channel, message);

-- A Discord message on its way to the forum.
CREATE TABLE submission (
    message BIGINT PRIMARY KEY,
    bridge BIGINT NOT NULL,
    thread TEXT NOT NULL,
    channel BIGINT NOT NULL,
    author BIGINT NOT NULL,
    post TEXT,
    state TEXT NOT NULL,
    digest BIGINT NOT NULL
);
CREATE INDEX submission_by_channel ON submission (channel, message);

CREATE TABLE reaction (
    message BIGINT NOT NULL,
    person BIGINT NOT NULL,
    emoji TEXT NOT NULL,
    bridge BIGINT NOT NULL,
    post TEXT NOT NULL,
    PRIMARY KEY (message, person, emoji)
) WITHOUT ROWID;
CREATE INDEX reaction_by_post ON reaction (post);

-- The posts that the bridge's own account thanks.
CREATE TABLE thanked (
    forum BIGINT NOT NULL,
    post TEXT NOT NULL,
    PRIMARY KEY (forum, post)
) WITHOUT ROWID;

CREATE TABLE watermark (
    channel BIGINT PRIMARY KEY,
    message BIGINT NOT NULL
);

-- Names of what must happen once.
CREATE TABLE once (
    name TEXT PRIMARY KEY,
    at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX once_by_age ON once (at);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lane TEXT NOT NULL,
    job_key TEXT NOT NULL UNIQUE,
    seq BIGINT NOT NULL,
    priority BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    -- 1 for the one job of its lane that may be done
    head BIGINT NOT NULL DEFAULT 0,
    -- 0 while nobody holds it
    lease_until BIGINT NOT NULL DEFAULT 0,
    fence BIGINT NOT NULL DEFAULT 0,
    revision BIGINT NOT NULL DEFAULT 0,
    attempts BIGINT NOT NULL DEFAULT 0,
    parked BIGINT NOT NULL DEFAULT 0,
    reason TEXT,
    -- JSON
    job TEXT NOT NULL
);
CREATE INDEX outbox_by_lane ON outbox (lane, parked, seq, id);
CREATE UNIQUE INDEX outbox_head ON outbox (lane) WHERE head = 1;
-- What a claim looks through: one row a lane, however long the lanes are.
CREATE INDEX outbox_due ON outbox (priority, run_at, id) WHERE head = 1;

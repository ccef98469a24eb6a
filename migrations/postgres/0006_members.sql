-- The member as whom a message was sent to the forum; nothing where it was the bridge's own account.
ALTER TABLE submission ADD COLUMN member TEXT;
-- What went out in a member's name and is looked for among the forum's posts.
CREATE INDEX submission_as_member ON submission (post, thread) WHERE member IS NOT NULL;

-- Who thanks a post on the forum for somebody in Discord: a member for themself, or the bridge's own account ('')
-- for everybody else (person 0).
CREATE TABLE thanked_as (
    forum BIGINT NOT NULL,
    post TEXT NOT NULL,
    member TEXT NOT NULL,
    person BIGINT NOT NULL,
    PRIMARY KEY (forum, post, member)
);
INSERT INTO thanked_as (forum, post, member, person) SELECT forum, post, '', 0 FROM thanked;
DROP TABLE thanked;
ALTER TABLE thanked_as RENAME TO thanked;

-- 1 for a job whose bridge is paused: it holds nobody up, and waits until a bridge is resumed.
ALTER TABLE outbox ADD COLUMN held BIGINT NOT NULL DEFAULT 0;
DROP INDEX outbox_by_lane;
CREATE INDEX outbox_by_lane ON outbox (lane, parked, held, seq, id);

-- A page of the bridge's own on which somebody may sign in to a forum, once.
CREATE TABLE sign_in (
    forum BIGINT NOT NULL,
    person BIGINT NOT NULL,
    -- what the person is called in Discord
    name TEXT NOT NULL,
    -- a digest of the secret in its address; empty once it is spent
    secret TEXT NOT NULL,
    expires BIGINT NOT NULL,
    -- how many were asked for in the time up to "until"
    asked BIGINT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (forum, person)
);
CREATE INDEX sign_in_by_secret ON sign_in (secret);

-- What keeps a linked member signed in, sealed with a key that is not in this database.
CREATE TABLE forum_session (
    forum BIGINT NOT NULL,
    person BIGINT NOT NULL,
    member TEXT NOT NULL,
    sealed TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (forum, person)
);

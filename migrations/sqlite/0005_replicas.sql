-- What one replica at a time may do: watch a forum, hold a gateway shard, write to a channel.
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    -- rises with each new term
    epoch BIGINT NOT NULL,
    held_until BIGINT NOT NULL
) WITHOUT ROWID;

-- The lease without which a job may not be done; '' where anybody may.
ALTER TABLE outbox ADD COLUMN needs TEXT NOT NULL DEFAULT '';
UPDATE outbox SET needs = 'forum:' || SUBSTR(lane, 3, INSTR(SUBSTR(lane, 3) || ':', ':') - 1)
WHERE lane LIKE 'f:%' OR lane LIKE 't:%' OR lane LIKE 'l:%';
UPDATE outbox SET needs = 'channel:' || COALESCE((
    SELECT channel FROM bridge
    WHERE CAST(id AS TEXT) = SUBSTR(lane, 3, INSTR(SUBSTR(lane, 3) || ':', ':') - 1)), 0)
WHERE lane LIKE 'd:%';

-- A thread's posts in the order of their ids, so that a page's neighbours are found without reading the rest.
DROP INDEX post_by_thread;
CREATE INDEX post_by_thread ON post (forum, thread, LENGTH(post), post);

-- What an unfinished import has brought over; empty otherwise.
CREATE TABLE import (
    source TEXT PRIMARY KEY,
    done BIGINT NOT NULL
) WITHOUT ROWID;

-- How often something has changed that every replica knows by heart, such as the bridges. No row before it first did.
CREATE TABLE change (
    name TEXT PRIMARY KEY,
    number BIGINT NOT NULL
) WITHOUT ROWID;

-- A forum's threads in the order of their ids: they are gone through one by one.
CREATE INDEX thread_by_id ON thread (forum, LENGTH(thread), thread);

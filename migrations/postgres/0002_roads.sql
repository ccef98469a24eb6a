-- The road of a job: what its lane shares with other lanes, such as one Discord channel's limit. At most
-- a few jobs of one road are done at once, so that a busy road leaves workers for the others.
ALTER TABLE outbox ADD COLUMN road TEXT NOT NULL DEFAULT '';
CREATE INDEX outbox_on_road ON outbox (road) WHERE lease_until <> 0;

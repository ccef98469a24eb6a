-- When the newest post was made that a bridge takes for history: some forums' lists tell the time of a thread's last
-- post and not its id.
ALTER TABLE bridge ADD COLUMN baseline_at BIGINT;

-- How often something has changed that every replica knows by heart, such as the bridges. No row before it first did.
CREATE TABLE change (
    name TEXT PRIMARY KEY,
    number BIGINT NOT NULL
);

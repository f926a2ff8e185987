-- Which rooms somebody is in: without looking through all that ever was.
CREATE INDEX call_records_going_on ON call_records (tenant, room) WHERE ended_at IS NULL;

-- Recordings that the media node makes, beside those that participants bring.
ALTER TABLE recordings ADD COLUMN maker TEXT NOT NULL DEFAULT 'participant' CHECK (maker IN ('participant', 'media-node'));
-- Of the media node's: known, and not null, as soon as all bytes are stored.
ALTER TABLE recordings ADD COLUMN duration_ms INTEGER;
ALTER TABLE recordings ADD COLUMN container TEXT;
-- As in `a=rtpmap`, separated by commas.
ALTER TABLE recordings ADD COLUMN codecs TEXT;
CREATE INDEX recordings_by_file ON recordings (tenant, file_name) WHERE maker = 'media-node';

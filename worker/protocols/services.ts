import type { ParticipantId, StreamId } from '../../shared/ids.ts';

/** What a room offers to its members beside the conference itself. It ends with the room; what it leaves behind is named at each. */
export interface RoomServices {
  readonly files: RoomFiles;
  readonly recordings: RoomRecordings;
  readonly usage: RoomUsage;
}

/** Files that members share. They are deleted with the room. */
export interface RoomFiles {
  /**
   * Lets whoever gets the address upload files into this room, any number of them, until the room ends or 24 hours have passed.
   *
   * @param origin where clients reach this edge, such as `https://parley.example.org`: an adapter knows it from the upgrade request.
   */
  grant(origin: string): Promise<FileGrant>;
}

export interface FileGrant {
  /** Absolute; takes a multipart POST. What it answers is described in worker/files/README.md. Contains a secret: only for members. */
  readonly uploadUrl: string;
}

/** Recordings that members bring or the media node makes. They belong to the tenant and outlive the room. */
export interface RoomRecordings {
  /**
   * Opens a recording. Several may be open in one room; whether that is allowed is for the protocol to say.
   *
   * It is listed for the tenant as soon as this has been called. A recording whose maker leaves the room, or whose room ends, is stopped
   * by itself; what was uploaded until then stays, and parts that come later are still taken.
   *
   * @param origin as for `RoomFiles.grant`.
   */
  start(recording: NewRecording, origin: string): Promise<OpenRecording>;
  /**
   * Stops a recording and keeps what its maker says about it. Bytes may still be on their way.
   *
   * @returns false when no such recording is open in this room.
   */
  stop(id: string, remarks?: RecordingRemarks): boolean;
  /**
   * Has the media node record a stream into a file, until the stream ends or the media node ends it by itself (it is too long, the disk is full). The file
   * is fetched from there as soon as it is ready, whatever happens to the room, to the edge or to the media node meanwhile.
   *
   * @throws Refusal `stream-not-found`; `invalid-media-parameters` where its codecs cannot be recorded; `media-unavailable`, also where the media
   * node cannot record.
   */
  recordStream(recording: NewStreamRecording): Promise<StreamRecording>;
  /**
   * Waits until the file of such a recording, which has just ended or ends in this moment, is stored; not longer than 15 s.
   *
   * @returns whether there is a file, or will be.
   */
  hasFile(id: string): Promise<boolean>;
}

export interface NewStreamRecording {
  readonly stream: StreamId;
  /** The name by which clients know the stream. */
  readonly subject?: string;
  /** The name of its file, which nobody can guess and which is used once: whoever knows it and may be in the room may have the file. */
  readonly fileName: (extension: 'webm' | 'mp4') => string;
}

export interface StreamRecording {
  readonly id: string;
  readonly fileName: string;
}

export interface NewRecording {
  /** Who records. */
  readonly participantId: ParticipantId;
  /** By which name others know whoever records. */
  readonly name?: string;
  /** What is recorded where it is not the whole room, such as the name of a stream. */
  readonly subject?: string;
  /** The suggested name of its file, with the extension; the default is `REC_<room>_<YYYYMMDDHHmmss>.webm` (UTC). */
  readonly fileName?: string;
  readonly note?: string;
  /** Whether the media node records each stream of the room, too, into a file of its own, for as long as this recording is open. */
  readonly everyStream?: true;
}

export interface OpenRecording {
  readonly id: string;
  /**
   * Absolute; takes the recording in one POST or in parts, see worker/recordings/README.md. Contains a secret: only for whoever records.
   * Valid for 24 hours.
   */
  readonly uploadUrl: string;
  readonly fileName: string;
  /** `/<yyyy>/<mm>/<dd>/<room>` of its beginning (UTC), a place that clients may show or send back. */
  readonly filePath: string;
}

/** What whoever recorded says at the end. The size that is listed is counted, never taken from here. */
export interface RecordingRemarks {
  readonly fileName?: string;
  readonly filePath?: string;
  readonly note?: string;
}

/**
 * Who was in this room, from when to when and how: for bills. Joining, leaving, names and the topology are taken from the room's events without
 * any help; only what a protocol calls a call within a stay is told here.
 */
export interface RoomUsage {
  /** The participant began a call. One that is in a call already stays in the same one. */
  callStarted(participantId: ParticipantId): void;
  /** The participant ended its call; leaving ends it as well. */
  callEnded(participantId: ParticipantId): void;
}

import { type RoomId, roomNameOf } from '../../../shared/ids.ts';
import type { Time } from '../../room/participant.ts';
import { plainName } from '../../transfer/plain-name.ts';

/**
 * How the file of a recording is called whose maker has no name for it.
 *
 * @param rest what tells it from others of the same moment.
 */
export function fileNameOf(room: RoomId, now: Time, rest = '', extension = 'webm'): string {
  return `REC_${plainName(roomNameOf(room))}_${digitsOf(now).join('')}${rest}.${extension}`;
}

/** A place for the file that clients may show: `/<yyyy>/<mm>/<dd>/<room>`. */
export function filePathOf(room: RoomId, now: Time): string {
  return `/${digitsOf(now).slice(0, 3).join('/')}/${roomNameOf(room)}`;
}

/** Year, month, day, hour, minute and second (UTC), two digits each but for the year. */
function digitsOf(now: Time): string[] {
  return new Date(now).toISOString().split(/\D/u).slice(0, 6);
}

import type { RoomId } from '../../shared/ids.ts';
import { type Env, PARTICIPANT_HEADER, PIPED_HEADER, PROTOCOL_HEADER, ROOM_HEADER } from '../platform/env.ts';
import { mediaSecretsOf, settingsOf } from '../platform/settings.ts';
import { isTextSigned, signText } from '../platform/signing.ts';
import type { Door, Entering, RoomClaim } from '../protocols/protocol.ts';
import { sendRecordedFile } from '../recordings/download.ts';
import { tenantsOf } from '../tenants/tenants.ts';
import { UsageStore } from '../usage/store.ts';
import { isAdministrator, permits, tenantOfRequest } from './access.ts';

/** What the front door offers to the entrance of a protocol. */
export function doorOf(protocol: string, env: Env): Door {
  return {
    permits: (request, claim, token) => permits(settingsOf(env), request, claim, token),
    tenantOf: (request, token) => tenantOfRequest(settingsOf(env), request, token),
    authenticate: (code, key) => tenantsOf(env).authenticate(code, key),
    isAdministrator: (request, room) => isAdministrator(settingsOf(env), request, room),
    roomsInUse: (tenant, limit) => new UsageStore(env.DB).roomsInUse(tenant, limit),
    sendRecording: (request, tenant, fileName) =>
      sendRecordedFile(request, env, { tenant, fileName }, (room) => permits(settingsOf(env), request, { room })),
    call: (room, request) => env.ROOMS.getByName(room).call(room, protocol, request),
    enter: (room, query) => enter(env, protocol, room, query),
    sign: (text) => signText(settingsOf(env).MEDIA_NODE_SECRET, protocol, text),
    isSigned: (text, signature) => isTextSigned(mediaSecretsOf(settingsOf(env)), protocol, text, signature),
  };
}

/** Headers that tell the room object what an upgrade is for. @param way whether the client's own socket goes into the room, or a pipe. */
export function addressOf({ room, participant = '' }: RoomClaim, protocol: string, way: 'direct' | 'piped'): Record<string, string> {
  return {
    [PIPED_HEADER]: way === 'piped' ? 'yes' : 'no',
    [ROOM_HEADER]: encodeURIComponent(room),
    [PARTICIPANT_HEADER]: encodeURIComponent(participant),
    [PROTOCOL_HEADER]: protocol,
  };
}

async function enter(env: Env, protocol: string, room: RoomId, query: Readonly<Record<string, string>>): Promise<Entering> {
  const url = `https://room/?${new URLSearchParams(query).toString()}`;
  const headers = { upgrade: 'websocket', ...addressOf({ room }, protocol, 'piped') };
  const { status, webSocket } = await env.ROOMS.getByName(room).fetch(url, { headers });
  if (!webSocket) return { admitted: false, status };
  webSocket.accept();
  return { admitted: true, socket: webSocket };
}

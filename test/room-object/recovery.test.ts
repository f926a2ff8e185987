import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { Edge } from '../harness/edge.ts';
import { eventually } from '../harness/eventually.ts';
import { startTestMediaNode } from '../harness/media-node.ts';
import { startStack, type Stack } from '../harness/stack.ts';
import { ApiClient } from '../protocols/mediasoup-http/api-client.ts';
import { Member } from '../protocols/group-call/member.ts';
import { Attendee } from '../protocols/mediasoup-http/attendee.ts';

let stack: Stack;
let api: ApiClient;

beforeEach(async () => {
  stack = await startStack();
  api = new ApiClient(stack.edge.url);
});

afterEach(() => stack.stop());

function attendee(mail: string): Attendee {
  return new Attendee(stack.edge.url, 'r', mail);
}

/** A session whose close code can be waited for. */
async function enterBare(mail: string): Promise<WebSocket> {
  await attendee(mail).create();
  const url = `${stack.edge.url.replace(/^http/u, 'ws')}/?roomName=r&userMail=${mail}`;
  const socket = new WebSocket(url, ['protoo'], Object.assign<ClientOptions, object>({}, { closeTimeout: 100 }));
  await once(socket, 'open');
  return socket;
}

async function closeCodeOf(socket: WebSocket): Promise<number> {
  const [code] = (await once(socket, 'close')) as [number];
  return code;
}

async function restartEdge(): Promise<void> {
  const { url, storage } = stack.edge;
  await stack.edge.crash();
  stack.edge = await Edge.start({ port: Number(new URL(url).port), mediaNodeUrl: stack.mediaNode.url, storage });
}

describe('when the edge is restarted', () => {
  it('rooms, attendees and producers are still there, clients reconnect by themselves, and nobody is told anything', async () => {
    const [ada, bob] = [attendee('ada'), attendee('bob')];
    await ada.join();
    const { id } = await ada.produce('mic');
    await bob.join();
    await ada.next('userJoined');
    await restartEdge();

    await eventually('both have reconnected', () => ada.peer?.connected === true && bob.peer?.connected === true, 20_000);
    expect((await api.get('producers', { roomName: 'r' })).result).toEqual({ ada: [{ type: 'mic', id }], bob: [] });
    await ada.peer?.notify('producerPaused', { type: 'mic' });
    expect(await bob.next('producerPaused')).toEqual({ user: 'ada', type: 'mic' });
    expect([...ada.notifications, ...bob.notifications]).toEqual([]);
    const webcam = await bob.produce('webcam');
    expect(await ada.next('producerAdded')).toEqual({ user: 'bob', type: 'webcam', id: webcam.id });
    ada.leave();
    bob.leave();
  });

  it('members whose stay is a socket join anew, in the place that they still have', async () => {
    const ada = attendee('ada');
    await ada.join();
    const before = await Member.open(stack.edge.url, '41');
    expect(await before.join('r')).toHaveLength(1);
    await ada.next('userJoined');
    await restartEdge();
    await eventually('ada has reconnected', () => ada.peer?.connected === true, 20_000);
    const after = await Member.open(stack.edge.url, '41');
    expect(await after.join('r')).toEqual([{ userId: 'ada', audio: false, video: false }]);
    expect([await ada.next('userLeft'), await ada.next('userJoined')]).toEqual([{ user: '41' }, { user: '41', producers: [] }]);
    before.close();
    after.close();
    ada.leave();
  });

  it('an attendee that does not come back is told gone', async () => {
    const ada = attendee('ada');
    await ada.join();
    const socket = await enterBare('bob');
    await ada.next('userJoined');
    socket.on('error', () => undefined);
    await restartEdge();
    await eventually('bob is told gone', () => ada.notifications.some(({ method }) => method === 'userLeft'), 40_000);
    expect(await ada.next('userLeft')).toEqual({ user: 'bob' });
    ada.leave();
  });
});

describe('when media is lost', () => {
  it('because an SFU process died, sessions end with 4000, and the room can be entered again', async () => {
    const sockets = [await enterBare('ada'), await enterBare('bob')];
    const [pid] = stack.mediaNode.workerPids();
    if (pid === undefined) throw new Error('the media node has no SFU process');
    const codes = Promise.all(sockets.map(closeCodeOf));
    process.kill(pid, 'SIGKILL');
    expect(await codes).toEqual([4000, 4000]);
    await eventually('ada can come back', async () => {
      await api.post('createRoom', { roomName: 'r', userMail: 'ada' });
      return (await api.post('createAttendee', { roomName: 'r', userMail: 'ada' })).status === 'success';
    });
  });

  it('because the media node was shut down, sessions end with 4000; calls fail in words until it is back', async () => {
    const socket = await enterBare('ada');
    const code = closeCodeOf(socket);
    const { port } = stack.mediaNode;
    await stack.mediaNode.close();
    expect(await code).toBe(4000);
    await api.post('createRoom', { roomName: 'r', userMail: 'ada' });
    const refused = { status: 'failed', result: 'The media server does not answer, try again' };
    expect(await api.post('createAttendee', { roomName: 'r', userMail: 'ada' })).toEqual(refused);
    stack.mediaNode = await startTestMediaNode(stack.edge.url, { MEDIA_NODE_PORT: String(port) });
    expect(await api.post('createAttendee', { roomName: 'r', userMail: 'ada' })).toMatchObject({ status: 'success' });
  });

  it('without a word from the media node, the next call finds it out', async () => {
    const ada = attendee('ada');
    await ada.create();
    const socket = await enterBare('bob');
    const { port } = stack.mediaNode;
    // A media node that cannot reach the edge any more cannot tell it that it stops.
    const { url, storage } = stack.edge;
    await stack.edge.crash();
    await stack.mediaNode.close();
    stack.mediaNode = await startTestMediaNode(url, { MEDIA_NODE_PORT: String(port) });
    stack.edge = await Edge.start({ port: Number(new URL(url).port), mediaNodeUrl: stack.mediaNode.url, storage });
    socket.on('error', () => undefined);
    await expect(ada.produce('mic')).rejects.toThrow('The media server does not answer');
    expect((await api.get('exists', { roomName: 'r' })).result).toEqual({ exists: true });
  });
});

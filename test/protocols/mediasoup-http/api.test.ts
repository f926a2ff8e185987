import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startStack, type Stack } from '../../harness/stack.ts';
import { ApiClient } from './api-client.ts';
import { Attendee } from './attendee.ts';

let stack: Stack;
let api: ApiClient;
let room: string;
let count = 0;

beforeAll(async () => {
  stack = await startStack();
  api = new ApiClient(stack.edge.url);
});

afterAll(() => stack.stop());

beforeEach(() => {
  room = `room-${++count}`;
});

function attendee(mail: string): Attendee {
  return new Attendee(stack.edge.url, room, mail);
}

const failure = (result: string) => ({ status: 'failed', result });
const success = (result: unknown) => ({ status: 'success', result });

describe('rooms', () => {
  it('do not exist until somebody makes them; making one twice succeeds with false', async () => {
    expect(await api.get('exists', { roomName: room })).toEqual(success({ exists: false }));
    expect(await api.post('createRoom', { roomName: room, userMail: 'a' })).toEqual(success({ created: true }));
    expect(await api.post('createRoom', { roomName: room, userMail: 'b' })).toEqual(success({ created: false }));
    expect(await api.get('exists', { roomName: room })).toEqual(success({ exists: true }));
  });

  it('do not make their creator an attendee', async () => {
    await api.post('createRoom', { roomName: room, userMail: 'a' });
    expect(await api.get('attendees', { roomName: room })).toEqual(success([]));
  });

  it('may have any name', async () => {
    for (const roomName of ['한국어 방', 'a/b?c&d#e', 'x'.repeat(200), '__proto__', '😀']) {
      expect(await api.post('createRoom', { roomName, userMail: 'a' })).toEqual(success({ created: true }));
      expect(await api.get('exists', { roomName })).toEqual(success({ exists: true }));
    }
  });
});

describe('a call', () => {
  it.each([
    ['createRoom', { roomName: 'r' }],
    ['createAttendee', { roomName: 'r', userMail: '' }],
    ['createAttendee', { roomName: null, userMail: 'a' }],
    ['connectSender', { roomName: 'r', userMail: 'a' }],
    ['createProducer', { roomName: 'r', userMail: 'a', type: 'mic' }],
    ['createProducer', { roomName: 'r', userMail: 'a', type: 'smell', rtpParameters: {} }],
    ['connectReceiver', { roomName: 'r', userMail: 'a' }],
    ['createConsumer', { roomName: 'r', userMail: 'a', id: 'p', rtpCapabilities: { codecs: [] } }],
    ['createRoom', { roomName: {}, userMail: [] }],
    ['createRoom', []],
  ])('to %s with %j is refused before anything else is checked', async (endpoint, parameters) => {
    expect(await api.post(endpoint, parameters)).toEqual(failure('Invalid parameters in HTTP Request'));
  });

  it('to an unknown room is refused, with every endpoint but exists and createRoom', async () => {
    const { rtpCapabilities, dtlsParameters, rtpParameters } = await exampleParameters();
    const who = { roomName: 'nowhere', userMail: 'a' };
    const calls = [
      api.get('attendees', { roomName: 'nowhere' }),
      api.get('producers', { roomName: 'nowhere' }),
      api.post('createAttendee', who),
      api.post('connectSender', { ...who, dtlsParameters }),
      api.post('createProducer', { ...who, type: 'mic', rtpParameters }),
      api.post('connectReceiver', { ...who, dtlsParameters }),
      api.post('createConsumer', { ...who, id: 'p', producerMail: 'b', rtpCapabilities }),
      api.post('leaveRoom', who),
    ];
    for (const answer of await Promise.all(calls)) expect(answer).toEqual(failure('Room not found'));
  });

  it('for an unknown attendee is refused', async () => {
    const { rtpCapabilities, dtlsParameters, rtpParameters } = await exampleParameters();
    await api.post('createRoom', { roomName: room, userMail: 'a' });
    const who = { roomName: room, userMail: 'a' };
    const calls = [
      api.post('connectSender', { ...who, dtlsParameters }),
      api.post('createProducer', { ...who, type: 'mic', rtpParameters }),
      api.post('connectReceiver', { ...who, dtlsParameters }),
      api.post('createConsumer', { ...who, id: 'p', producerMail: 'b', rtpCapabilities }),
      api.post('leaveRoom', who),
    ];
    for (const answer of await Promise.all(calls)) expect(answer).toEqual(failure('Attendee not found'));
  });

  it('is understood as a form, as JSON of any content type, and with numbers for names', async () => {
    expect(await api.send('createRoom', `roomName=${room}&userMail=a`, 'application/x-www-form-urlencoded')).toEqual(
      success({ created: true }),
    );
    const json = JSON.stringify({ roomName: room, userMail: 'a' });
    expect(await api.send('createRoom', json, 'text/plain')).toEqual(success({ created: false }));
    expect(await api.send('createRoom', json)).toEqual(success({ created: false }));
    expect(await api.post('createRoom', { roomName: 4711, userMail: 12 })).toEqual(success({ created: true }));
    expect(await api.get('exists', { roomName: '4711' })).toEqual(success({ exists: true }));
  });

  it('may carry objects as JSON text in a form', async () => {
    const ada = attendee('ada');
    await ada.create();
    const { dtlsParameters } = await exampleParameters();
    const form = new URLSearchParams({ roomName: room, userMail: 'ada', dtlsParameters: JSON.stringify(dtlsParameters) });
    expect(await api.send('connectSender', form.toString(), 'application/x-www-form-urlencoded')).toEqual(success(null));
  });

  it('with a body that is not JSON, or too large, is refused', async () => {
    expect(await api.send('createRoom', '{"roomName":', 'application/json')).toEqual(failure('Invalid parameters in HTTP Request'));
    // The edge answers before it has read everything, and then closes the connection, on which nothing else may be waiting.
    const refused = await fetch(`${stack.edge.url}/api/media/rooms/createRoom`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: 'x'.repeat(200_000),
    });
    expect(await refused.json()).toEqual(failure('Request body too large'));
  });

  it('may come from a page of any origin', async () => {
    const preflight = await fetch(`${stack.edge.url}/api/media/rooms/createRoom`, {
      method: 'OPTIONS',
      headers: { origin: 'https://example.org', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });
    expect(preflight.ok).toBe(true);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
    expect(preflight.headers.get('access-control-allow-headers')).toContain('content-type');
    const failing = await fetch(`${stack.edge.url}/api/media/rooms/attendees`, { headers: { origin: 'https://example.org' } });
    expect(failing.headers.get('access-control-allow-origin')).toBe('*');
  });
});

describe('createAttendee', () => {
  it('gives what mediasoup-client needs, and refuses the same attendee again', async () => {
    const ada = attendee('ada');
    await ada.create();
    expect(await api.get('attendees', { roomName: room })).toEqual(success([{ id: 'ada' }]));
    expect(await api.post('createAttendee', { roomName: room, userMail: 'ada' })).toEqual(failure('Attendee already created'));
    await ada.open();
    expect(await api.post('createAttendee', { roomName: room, userMail: 'ada' })).toEqual(failure('Attendee already created'));
  });

  it('gives one of two simultaneous attempts the seat', async () => {
    await api.post('createRoom', { roomName: room, userMail: 'a' });
    const attempts = await Promise.all([1, 2].map(() => api.post('createAttendee', { roomName: room, userMail: 'ada' })));
    expect(attempts.map((attempt) => attempt.status).toSorted()).toEqual(['failed', 'success']);
  });
});

describe('producing and consuming', () => {
  it('goes through the real client library, both ways', async () => {
    const [ada, bob] = [attendee('ada'), attendee('bob')];
    await Promise.all([ada.create(), bob.create()]);
    const [mic, webcam] = [await ada.produce('mic'), await ada.produce('webcam')];
    expect(await api.get('producers', { roomName: room })).toEqual(
      success({
        ada: [
          { type: 'mic', id: mic.id },
          { type: 'webcam', id: webcam.id },
        ],
        bob: [],
      }),
    );
    expect(await api.get('producers', { roomName: room, producerMail: 'bob' })).toEqual(success({ bob: [] }));
    expect(await api.get('producers', { roomName: room, producerMail: 'eve' })).toEqual(success({}));
    const consumer = await bob.consume('ada', webcam.id, 'video');
    expect(consumer.producerId).toBe(webcam.id);
    expect(consumer.rtpParameters.codecs[0]?.mimeType).toMatch(/^video\//u);
  });

  it('says in createConsumer whether the producer is paused', async () => {
    const [ada, bob] = [attendee('ada'), attendee('bob')];
    await Promise.all([ada.join(), bob.join()]);
    const { id } = await ada.produce('mic');
    await bob.next('producerAdded');
    await ada.peer?.notify('producerPaused', { type: 'mic' });
    await bob.next('producerPaused');
    const { rtpCapabilities } = await exampleParameters();
    const answer = await api.post('createConsumer', { roomName: room, userMail: 'bob', id, producerMail: 'ada', rtpCapabilities });
    expect(answer).toMatchObject(success({ kind: 'audio', producerId: id, producerPaused: true }));
  });

  it('refuses a producer that does not exist, is in another room, or cannot be decoded', async () => {
    const [ada, bob] = [attendee('ada'), new Attendee(stack.edge.url, `${room} elsewhere`, 'bob')];
    await Promise.all([ada.create(), bob.create()]);
    const { id } = await ada.produce('webcam');
    const { rtpCapabilities } = await exampleParameters();
    const refused = failure('Cannot consume from the given producer');
    const inBobsRoom = { roomName: bob.room, userMail: 'bob', producerMail: 'ada', rtpCapabilities };
    expect(await api.post('createConsumer', { ...inBobsRoom, id })).toEqual(refused);
    expect(await api.post('createConsumer', { ...inBobsRoom, id: 'no-such-producer' })).toEqual(refused);
    const audioOnly = { codecs: rtpCapabilities.codecs.filter((codec) => codec.kind === 'audio') };
    const own = { roomName: room, userMail: 'ada', producerMail: 'ada', id, rtpCapabilities: audioOnly };
    expect(await api.post('createConsumer', own)).toEqual(refused);
  });

  it('refuses media descriptions that make no sense, in words, and everything goes on', async () => {
    const ada = attendee('ada');
    await ada.create();
    const { rtpParameters } = await exampleParameters();
    const who = { roomName: room, userMail: 'ada' };
    const [codec] = rtpParameters.codecs;
    const wrong: [string, object][] = [
      ['connectSender', { dtlsParameters: { fingerprints: [] } }],
      ['connectSender', { dtlsParameters: { fingerprints: [{ algorithm: 'sha-256', value: 'AB:CD' }] } }],
      ['connectSender', { dtlsParameters: { role: 'boss', fingerprints: [{ algorithm: 'md5', value: 'x' }] } }],
      ['createProducer', { type: 'mic', rtpParameters: { ...rtpParameters, codecs: [] } }],
      ['createProducer', { type: 'mic', rtpParameters: { ...rtpParameters, codecs: Array.from({ length: 100 }, () => codec) } }],
      ['createProducer', { type: 'mic', rtpParameters: { ...rtpParameters, encodings: [{ ssrc: 1 }, { ssrc: 1 }] } }],
      ['createProducer', { type: 'webcam', rtpParameters }],
    ];
    for (const [endpoint, parameters] of wrong) {
      const answer = await api.post(endpoint, { ...who, ...parameters });
      expect(answer).toEqual(failure(expect.stringMatching(/^Invalid /u) as string));
    }
    expect(await ada.produce('mic')).toMatchObject({ kind: 'audio' });
  });

  it('refuses to connect a transport twice', async () => {
    const ada = attendee('ada');
    await ada.create();
    const { dtlsParameters } = await exampleParameters();
    const who = { roomName: room, userMail: 'ada', dtlsParameters };
    expect(await api.post('connectSender', who)).toEqual(success(null));
    expect(await api.post('connectSender', who)).toEqual(failure('Transport already connected'));
    expect(await api.post('connectReceiver', who)).toEqual(success(null));
  });
});

/** Parameters that a client really makes, for calls that are made by hand. */
async function exampleParameters() {
  const { generateLocalDtlsParameters, generateNativeRtpCapabilities } = await import('mediasoup-client/fakeParameters');
  const rtpCapabilities = generateNativeRtpCapabilities();
  return {
    dtlsParameters: generateLocalDtlsParameters(),
    rtpCapabilities: { ...rtpCapabilities, codecs: rtpCapabilities.codecs ?? [] },
    rtpParameters: {
      mid: '0',
      codecs: [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48_000, channels: 2, parameters: {}, rtcpFeedback: [] }],
      headerExtensions: [],
      encodings: [{ ssrc: 11_111 }],
      rtcp: { cname: 'example' },
    },
  };
}

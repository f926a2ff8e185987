/** Ten members do things at random; a model says what each of them has to see, and in which order. */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type KtClient, type Message, nameOf } from './client.ts';
import { World } from './world.ts';

const MEMBERS = 10;
const STEPS = 60;

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.stop());
afterEach(() => {
  world.clear();
});

type Floor = 'screen' | 'whiteboard' | 'recording';

interface Seat {
  readonly client: KtClient;
  userId: string;
  name: string;
  video?: boolean;
  audio?: boolean;
  blur?: boolean;
}

/** What everybody has to know, said in a few lines. */
class Model {
  /** In the order in which they joined. */
  readonly present: Seat[] = [];
  isRouted = false;
  readonly floors = new Map<Floor, Seat>();
  board: unknown[] = [];
  /** What each client has to be told until now. */
  readonly expected = new Map<KtClient, string[]>();

  tell(seats: readonly Seat[], what: string): void {
    for (const { client } of seats) this.expected.set(client, [...(this.expected.get(client) ?? []), what]);
  }

  othersThan(seat: Seat): Seat[] {
    return this.present.filter((one) => one !== seat);
  }

  members(): object {
    return Object.fromEntries(
      this.present.map(({ userId, name, video, audio, blur }) => [
        userId,
        {
          NAME: name,
          sessionId: expect.any(String) as string,
          ...(video !== undefined && { VIDEO: video }),
          ...(audio !== undefined && { AUDIO: audio }),
          ...(blur !== undefined && { BLUR: blur }),
        },
      ]),
    );
  }
}

/** One message in a form that a model can foresee. */
function gist(message: Message): string {
  const { userId, who, action, status, name, message: text, useMediaSvr, changeView, host, count, axisX, code, talking } = message;
  const parts = { userId, who, action, status, name, text, useMediaSvr, changeView, host, count, axisX, code, talking };
  return `${String(nameOf(message))} ${JSON.stringify(parts)}`;
}

const presence = (action: string, userId: string) => gist({ signalOp: 'Presence', action, userId, who: userId });

type Step = (model: Model, seat: Seat, roomId: string, pick: number) => Promise<void>;

const enter: Step = async (model, seat, roomId) => {
  const { client } = seat;
  const wasRouted = model.isRouted;
  const { userId, members } = await client.ask({ eventOp: 'RoomJoin', roomId });
  Object.assign(seat, { userId, name: '익명', video: undefined, audio: undefined, blur: undefined });
  client.userId = String(userId);
  model.present.push(seat);
  const count = model.present.length;
  model.isRouted ||= count > 2;
  expect(members).toEqual(model.members());
  const start = { eventOp: 'StartSession', who: seat.userId, count, useMediaSvr: model.isRouted ? 'Y' : 'N' };
  if (model.isRouted) model.tell([seat], gist({ ...start, host: !wasRouted, ...(!wasRouted && { changeView: true }) }));
  if (!model.isRouted) model.tell(model.othersThan(seat), gist(start));
  else if (!wasRouted) model.tell(model.othersThan(seat), gist({ ...start, host: false, changeView: true }));
  model.tell(model.othersThan(seat), presence('join', seat.userId));
  const drawer = model.floors.get('whiteboard');
  if (drawer) model.tell([seat], gist({ eventOp: 'WhiteBoardStartSvr', userId: drawer.userId }));
  for (const stroke of model.board) model.tell([seat], String(stroke));
};

const leave: Step = async (model, seat, _roomId, pick) => {
  const others = model.othersThan(seat);
  for (const floor of ['screen', 'whiteboard', 'recording'] as const)
    if (model.floors.get(floor) === seat) release(model, seat, floor, others);
  model.present.splice(model.present.indexOf(seat), 1);
  model.tell(others, presence('exit', seat.userId));
  await seat.client.ask({ eventOp: 'ExitRoom' });
  if (pick % 2 === 0) expect(await seat.client.ask({ eventOp: 'ExitRoom' })).toMatchObject({ code: '200' });
};

const SVR = { screen: 'ScreenShareConferenceEndSvr', whiteboard: 'WhiteBoardStopSvr' } as const;

function release(model: Model, seat: Seat, floor: Floor, others: readonly Seat[]): void {
  model.floors.delete(floor);
  if (floor === 'whiteboard') model.board = [];
  if (floor === 'recording') model.tell(others, presence('RecordStop', seat.userId));
  else model.tell(others, gist({ eventOp: SVR[floor], userId: seat.userId, ...(floor === 'screen' && { code: '200' }) }));
}

function notice(make: (seat: Seat, pick: number) => Message, change: (seat: Seat, pick: number, model: Model) => void): Step {
  return (model, seat, _roomId, pick) => {
    const message = make(seat, pick);
    seat.client.say(message);
    change(seat, pick, model);
    model.tell(model.othersThan(seat), gist({ ...message, userId: seat.userId }));
    return Promise.resolve();
  };
}

function take(floor: Floor, operation: string, told: (userId: string) => string | undefined): Step {
  return async (model, seat) => {
    const holder = model.floors.get(floor);
    const isFree = holder === undefined || (holder === seat && floor !== 'recording');
    expect(await seat.client.ask({ eventOp: operation })).toMatchObject({ code: isFree ? '200' : '440' });
    if (holder !== undefined) return;
    model.floors.set(floor, seat);
    const word = told(seat.userId);
    if (word !== undefined) model.tell(model.othersThan(seat), word);
  };
}

function giveBack(floor: Floor, operation: string, refusal: string, fields: object = {}): Step {
  return async (model, seat) => {
    const holds = model.floors.get(floor) === seat;
    expect(await seat.client.ask({ eventOp: operation, ...fields })).toMatchObject({ code: holds ? '200' : refusal });
    if (!holds) return;
    if (floor === 'screen') model.floors.delete(floor);
    else release(model, seat, floor, model.othersThan(seat));
  };
}

const endShare: Step = async (model, seat) => {
  expect(await seat.client.ask({ eventOp: 'ScreenShareConferenceEnd' })).toMatchObject({ code: '200' });
  if (model.floors.get('screen') === seat) model.floors.delete('screen');
  model.tell(model.othersThan(seat), gist({ eventOp: 'ScreenShareConferenceEndSvr', userId: seat.userId }));
};

const call =
  (operation: string, action: string): Step =>
  async (model, seat) => {
    expect(await seat.client.ask({ eventOp: operation })).toMatchObject({ code: '200' });
    model.tell(model.othersThan(seat), presence(action, seat.userId));
  };

const draw = notice(
  (_seat, pick) => ({ signalOp: 'Draw', axisX: pick, status: pick % 7 === 0 ? 'clear' : 'move' }),
  (seat, pick, model) => {
    const stroke = gist({ signalOp: 'Draw', axisX: pick, status: 'move', userId: seat.userId });
    model.board = pick % 7 === 0 ? [] : [...model.board, stroke];
  },
);

const INSIDE: readonly Step[] = [
  leave,
  leave,
  notice(
    (_seat, pick) => ({ signalOp: 'Chat', message: `line ${pick}` }),
    () => undefined,
  ),
  notice(
    (_seat, pick) => ({ signalOp: 'ChangeName', name: `name ${pick}` }),
    (seat, pick) => Object.assign(seat, { name: `name ${pick}` }),
  ),
  notice(
    (_seat, pick) => ({ signalOp: 'SetVideo', status: pick % 2 === 0 }),
    (seat, pick) => Object.assign(seat, { video: pick % 2 === 0 }),
  ),
  notice(
    (_seat, pick) => ({ signalOp: 'SetAudio', status: pick % 2 === 0 }),
    (seat, pick) => Object.assign(seat, { audio: pick % 2 === 0 }),
  ),
  notice(
    (_seat, pick) => ({ signalOp: 'SetBlur', status: pick % 2 === 0 }),
    (seat, pick) => Object.assign(seat, { blur: pick % 2 === 0 }),
  ),
  draw,
  draw,
  take('screen', 'SessionReserve', () => undefined),
  giveBack('screen', 'SessionReserveEnd', '440'),
  endShare,
  take('whiteboard', 'WhiteBoardStart', (userId) => gist({ eventOp: 'WhiteBoardStartSvr', userId })),
  giveBack('whiteboard', 'WhiteBoardStop', '440'),
  take('recording', 'RecordStart', (userId) => presence('Record', userId)),
  giveBack('recording', 'RecordStop', '412', { fileName: 'f.webm', filePath: '/', fileSize: 1 }),
  call('StartCall', 'startCall'),
  call('EndCall', 'endCall'),
];

/** Waits until everybody has everything, and compares. */
async function compare(model: Model, seats: readonly Seat[]): Promise<void> {
  for (const seat of seats) {
    const heard = model.present.includes(seat) ? await seat.client.settled() : seat.client.messages.splice(0);
    expect(heard.map(gist), seat.userId).toEqual(model.expected.get(seat.client) ?? []);
  }
  model.expected.clear();
}

it.each([1, 2, 3])('everybody sees the same, as the model foresees it (%i)', { timeout: 120_000 }, async (seed) => {
  const seats: Seat[] = [];
  for (let index = 0; index < MEMBERS; index += 1) seats.push({ client: await world.client(), userId: '', name: '' });
  const keeper: Seat = { client: await world.client(), userId: '', name: '' };
  const roomId = await keeper.client.create();
  const model = new Model();
  await enter(model, keeper, roomId, 0);
  const steps = fc.sample(fc.tuple(fc.nat(MEMBERS - 1), fc.nat(INSIDE.length - 1), fc.nat(1_000)), { numRuns: STEPS, seed });
  for (const [who, what, pick] of steps) {
    const seat = seats[who];
    if (!seat) continue;
    const step = model.present.includes(seat) ? INSIDE[what] : enter;
    await step?.(model, seat, roomId, pick);
    // What one member says and another does are not ordered by anything but this.
    await compare(model, [...seats, keeper]);
  }
  expect(model.present.length).toBeGreaterThan(1);
});

export { app as default } from './front-door/app.ts';
export { PollingSession } from './front-door/socket-io/polling-session.ts';
export { RoomObject } from './room-object/room-object.ts';

export { app as default } from './front-door/app.ts';
export { RoomObject } from './room-object/room-object.ts';

import { io } from 'socket.io-client';
import { offerOwtClient } from './conference.ts';
import type { SocketIo } from './signaling.ts';

offerOwtClient(io as unknown as SocketIo);

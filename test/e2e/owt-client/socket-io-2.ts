import io from 'socket.io-client-2';
import { offerOwtClient } from './conference.ts';
import type { SocketIo } from './signaling.ts';

offerOwtClient(io as unknown as SocketIo);

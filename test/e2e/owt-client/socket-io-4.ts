import { io } from 'socket.io-client';
import { offerOwtClient } from './conference.ts';

offerOwtClient(io);

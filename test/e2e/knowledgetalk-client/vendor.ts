/** The vendor's multi-party app brings its own library along. */
import io from 'socket.io-client-2';
import { offerKnowledgeTalkClient } from './client.ts';
import type { SocketIo } from './signaling.ts';

offerKnowledgeTalkClient(io as unknown as SocketIo, 'vendor');

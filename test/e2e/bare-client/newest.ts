import { Device } from 'mediasoup-client-3.24';
import { Peer, WebSocketTransport } from 'protoo-client';
import { offerBareClient } from './client.ts';

offerBareClient({ Device, Peer, WebSocketTransport });

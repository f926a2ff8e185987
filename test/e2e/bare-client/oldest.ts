import { Device } from 'mediasoup-client-3.6';
import { Peer, WebSocketTransport } from 'protoo-client-4.0.5';
import { offerBareClient } from './client.ts';

offerBareClient({ Device, Peer, WebSocketTransport });

import sdk from 'websdk-2.0.180';
import roomApi from 'websdk-2.0.180/src/room-module';
import { offerWcsClient } from './client.ts';

offerWcsClient(sdk, roomApi);

import sdk from 'websdk-2.0.276';
import roomApi from 'websdk-2.0.276/src/room-module';
import { offerWcsClient } from './client.ts';

offerWcsClient(sdk, roomApi);

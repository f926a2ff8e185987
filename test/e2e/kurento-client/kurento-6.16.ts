import kurentoUtils from 'kurento-utils-6.16';
import { offerKurentoClient } from './client.ts';

offerKurentoClient(kurentoUtils);

import kurentoUtils from 'kurento-utils-7.3';
import { offerKurentoClient } from './client.ts';

offerKurentoClient(kurentoUtils);

import type { Driver, Feature } from './drivers/driver.ts';
import type { Protocol } from './protocols.ts';

export class FeatureTable {
  constructor(readonly drivers: Readonly<Record<Protocol, Driver>>) {}
  does(_feature: Feature, _protocol: Protocol): void {}
  isTold(_feature: Feature, _protocol: Protocol): void {}
}

import type { Driver, Feature } from './drivers/driver.ts';
import type { Protocol } from './protocols.ts';

export class FeatureTable {
  readonly #drivers: Readonly<Record<Protocol, Driver>>;
  constructor(drivers: Readonly<Record<Protocol, Driver>>) {
    this.#drivers = drivers;
  }
  does(_feature: Feature, _protocol: Protocol): void {}
  isTold(_feature: Feature, _protocol: Protocol): void {}
}

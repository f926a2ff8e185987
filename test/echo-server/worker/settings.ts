import type { EngineSettings } from '../../../worker/wire/engine-io/settings.ts';

/** The variables and bindings of the echo server's wrangler configuration. */
export interface Environment {
  readonly PING_INTERVAL: string;
  readonly PING_TIMEOUT: string;
  readonly ENGINES: DurableObjectNamespace;
  readonly SOCKETS: DurableObjectNamespace;
}

/** Every origin may connect: the judges are pages and programs from anywhere. */
export function settingsOf({
  PING_INTERVAL,
  PING_TIMEOUT,
}: Environment): Pick<EngineSettings, 'pingInterval' | 'pingTimeout'> & Partial<EngineSettings> {
  return { pingInterval: Number(PING_INTERVAL), pingTimeout: Number(PING_TIMEOUT), cors: { origins: '*' } };
}

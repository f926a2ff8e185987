import type { EngineSettings } from '../../../../worker/wire/engine-io/settings.ts';

export interface Environment {
  /** Engine settings as JSON. */
  readonly SETTINGS: string;
  readonly RECOVERY: 'on' | 'off';
  readonly CHATS: DurableObjectNamespace;
  readonly BARES: DurableObjectNamespace;
  readonly DESKS: DurableObjectNamespace;
  readonly HALLS: DurableObjectNamespace;
  readonly LEDGERS: DurableObjectNamespace;
  readonly LOBBIES: DurableObjectNamespace;
}

export function settingsOf({ SETTINGS }: Environment): Partial<EngineSettings> {
  return JSON.parse(SETTINGS) as Partial<EngineSettings>;
}

import type { D1Migration } from 'cloudflare:test';
import type * as main from '../../worker/index.ts';
import type { RoomObject } from '../../worker/room-object/room-object.ts';

declare global {
  namespace Cloudflare {
    interface GlobalProps {
      mainModule: typeof main;
    }
    interface Env {
      ROOMS: DurableObjectNamespace<RoomObject>;
      POLLING_SESSIONS: DurableObjectNamespace;
      DB: D1Database;
      TEST_MIGRATIONS: D1Migration[];
    }
  }
}

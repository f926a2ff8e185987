import type { RoomObject } from '../../worker/room-object/room-object.ts';

declare global {
  namespace Cloudflare {
    interface Env {
      ROOMS: DurableObjectNamespace<RoomObject>;
    }
  }
}

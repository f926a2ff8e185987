import type { Env } from '../platform/env.ts';
import { settingsOf } from '../platform/settings.ts';
import { keyHash } from './key.ts';
import { type StoredTenant, TenantStore } from './store.ts';
import { DEMO_TENANT, type Tenant, TenantCodeSchema } from './tenant.ts';

/** What was read of a tenant is believed for so long, in milliseconds: as long may a revoked key still open something. */
const FRESH = 30_000;

/** Codes that are remembered, those that nobody has among them; the one that was read longest ago is forgotten first. */
const MAX_REMEMBERED = 1000;

interface Memory {
  readonly tenant: Promise<StoredTenant | undefined>;
  readonly until: number;
}

/** Says whose credentials are whose. What it reads it remembers for a short while, so that not every message costs a look into D1. */
export class Tenants {
  readonly #store: TenantStore;
  readonly #isDevelopment: boolean;
  readonly #memories = new Map<string, Memory>();

  constructor(store: TenantStore, isDevelopment: boolean) {
    this.#store = store;
    this.#isDevelopment = isDevelopment;
  }

  /** The tenant of this code; `undefined` when there is none (any more). */
  async find(code: string): Promise<Tenant | undefined> {
    return asTenant(await this.#find(code));
  }

  /**
   * The tenant that a client's credentials belong to; `undefined` when they are wrong. In development mode a code that nobody was given belongs
   * to the demo tenant, whatever the key.
   */
  async authenticate(code: string, key: string): Promise<Tenant | undefined> {
    const tenant = await this.#find(code);
    if (!tenant) return this.#isDevelopment ? this.find(DEMO_TENANT.code) : undefined;
    const isOpen = tenant.settings.credentials === 'code' || (await this.#isOpenDemo(tenant));
    return isOpen || (await hasKey(tenant, key)) ? asTenant(tenant) : undefined;
  }

  /** The tenant whose key this is. Nothing goes without the key here, in any mode: recordings are at stake. */
  async authenticateOwner(code: string, key: string): Promise<Tenant | undefined> {
    const tenant = await this.#find(code);
    return tenant && (await hasKey(tenant, key)) ? asTenant(tenant) : undefined;
  }

  async #find(code: string): Promise<StoredTenant | undefined> {
    if (!TenantCodeSchema.safeParse(code).success) return undefined;
    const stored = await this.#remembered(code);
    if (stored || !this.#isDevelopment || code !== DEMO_TENANT.code) return stored;
    return { code, settings: DEMO_TENANT.settings, keyHash: await keyHash(code, DEMO_TENANT.key) };
  }

  /** The demo tenant is open as long as nobody made a tenant of its code with a key of its own. */
  async #isOpenDemo({ code }: StoredTenant): Promise<boolean> {
    return this.#isDevelopment && code === DEMO_TENANT.code && (await this.#remembered(code)) === undefined;
  }

  #remembered(code: string): Promise<StoredTenant | undefined> {
    const now = Date.now();
    const memory = this.#memories.get(code);
    if (memory && memory.until > now) return memory.tenant;
    const tenant = this.#store.find(code);
    this.#memories.delete(code);
    this.#memories.set(code, { tenant, until: now + FRESH });
    this.#forgetOldest();
    // What went wrong is not remembered.
    tenant.catch(() => this.#memories.delete(code));
    return tenant;
  }

  #forgetOldest(): void {
    if (this.#memories.size <= MAX_REMEMBERED) return;
    for (const code of this.#memories.keys()) {
      this.#memories.delete(code);
      return;
    }
  }
}

function asTenant(stored: StoredTenant | undefined): Tenant | undefined {
  return stored && { code: stored.code, settings: stored.settings };
}

async function hasKey({ code, keyHash: current, previousKey }: StoredTenant, key: string): Promise<boolean> {
  const given = await keyHash(code, key);
  const isPrevious = previousKey !== undefined && isSame(given, previousKey.hash) && previousKey.until > Date.now();
  return isSame(given, current) || isPrevious;
}

/** Takes as long whatever the two have in common. Hashes all have one length. */
function isSame(one: string, other: string): boolean {
  const encoder = new TextEncoder();
  const [left, right] = [encoder.encode(one), encoder.encode(other)];
  return left.length === right.length && crypto.subtle.timingSafeEqual(left, right);
}

const known = new WeakMap<D1Database, Tenants>();

/** The tenants of an environment, with one memory for as long as this isolate lives. */
export function tenantsOf(env: Env): Tenants {
  const before = known.get(env.DB);
  if (before) return before;
  const tenants = new Tenants(new TenantStore(env.DB), settingsOf(env).PARLEY_MODE === 'development');
  known.set(env.DB, tenants);
  return tenants;
}

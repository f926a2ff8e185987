/** Who this tab is. The protocol knows an attendee by one string, which must differ between two people of the same name. */

const NAME_KEY = 'parley.name';
const TAB_KEY = 'parley.tab';
const LOCK_WAIT = 500;
const TAB_PATTERN = /#[\da-f]{8}$/u;

/** The name that was used last in this browser. */
export function rememberedName(): string {
  return localStorage.getItem(NAME_KEY) ?? '';
}

export function rememberName(name: string): void {
  localStorage.setItem(NAME_KEY, name);
}

/** The string by which the room knows this tab. */
export function userMailOf(name: string, tab: string): string {
  return `${name}#${tab}`;
}

/** The name of an attendee for people: without the mark of the tab, where there is one. */
export function displayNameOf(userMail: string): string {
  return userMail.replace(TAB_PATTERN, '') || userMail;
}

/**
 * The mark of this tab. It survives a reload, so that the same attendee comes back; a tab that was duplicated gets a new one, because
 * browsers copy the session storage and the two would be one attendee.
 */
export async function claimTab(): Promise<string> {
  const stored = sessionStorage.getItem(TAB_KEY);
  if (stored && (await lock(stored))) return stored;
  const fresh = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const tab = fresh.toString(16).padStart(8, '0');
  sessionStorage.setItem(TAB_KEY, tab);
  await lock(tab);
  return tab;
}

/** Holds a lock for as long as the tab lives. A reloaded page waits for the moment in which its predecessor lets go. */
function lock(tab: string): Promise<boolean> {
  // Missing where the origin is insecure; without it a duplicated tab is not recognised.
  const locks = navigator.locks as LockManager | undefined;
  if (!locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    const held = (): Promise<never> => {
      resolve(true);
      return new Promise(() => undefined);
    };
    locks.request(`parley.tab.${tab}`, { signal: AbortSignal.timeout(LOCK_WAIT) }, held).catch(() => {
      resolve(false);
    });
  });
}

import * as z from 'zod/mini';

/** What a reload brings back: the room, and what was on. A microphone that was off must not be on afterwards. */
const StaySchema = z.object({ name: z.string(), room: z.string(), mic: z.boolean(), webcam: z.boolean() });
export type Stay = z.infer<typeof StaySchema>;

const KEY = 'parley.stay';

/** Remembers, for this tab, that it is in a meeting. */
export function rememberStay(stay: Stay): void {
  sessionStorage.setItem(KEY, JSON.stringify(stay));
}

export function forgetStay(): void {
  sessionStorage.removeItem(KEY);
}

/** The meeting that this tab was in when it was reloaded. A tab that a browser restores later starts at the form instead. */
export function stayBeforeReload(): Stay | undefined {
  const [navigation] = performance.getEntriesByType('navigation');
  const stored = sessionStorage.getItem(KEY);
  if (stored === null || !(navigation instanceof PerformanceNavigationTiming) || navigation.type !== 'reload') return undefined;
  return StaySchema.safeParse(JSON.parse(stored)).data;
}

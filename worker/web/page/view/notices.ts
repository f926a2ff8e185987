import { byId, instantiate, within } from './dom.ts';

/** Something a person can do about a notice. */
export interface NoticeAction {
  readonly label: string;
  readonly run: () => void;
}

/** Notices without an action go away by themselves after this many milliseconds. */
const LIFETIME = 8_000;

/** A message at the edge of the page. A text that is already there is not shown twice. */
export function showNotice(text: string, action?: NoticeAction): void {
  const notices = byId('notices', HTMLElement);
  for (const shown of notices.querySelectorAll('.notice-text')) if (shown.textContent === text) shown.closest('.notice')?.remove();
  const notice = instantiate('notice-template');
  within(notice, '.notice-text', HTMLElement).textContent = text;
  within(notice, '.notice-close', HTMLButtonElement).addEventListener('click', () => {
    notice.remove();
  });
  offer(within(notice, '.notice-action', HTMLButtonElement), notice, action);
  notices.append(notice);
  if (!action)
    setTimeout(() => {
      notice.remove();
    }, LIFETIME);
}

/** Takes all notices away, when what they speak of is over. */
export function clearNotices(): void {
  byId('notices', HTMLElement).replaceChildren();
}

/** Says something to those who listen to the page instead of looking at it. */
export function announce(text: string): void {
  byId('announcer', HTMLElement).textContent = text;
}

function offer(button: HTMLButtonElement, notice: HTMLElement, action: NoticeAction | undefined): void {
  button.hidden = !action;
  if (!action) return;
  button.textContent = action.label;
  button.addEventListener('click', () => {
    notice.remove();
    action.run();
  });
}

import type { MediaType } from '../signaling/messages.ts';
import { icon } from './dom.ts';

const ICONS = { mic: ['mic', 'mic-off'], webcam: ['camera', 'camera-off'], screen: ['screen-off', 'screen'] } as const;
const ACTIONS = {
  mic: ['Mute the microphone', 'Unmute the microphone'],
  webcam: ['Turn the camera off', 'Turn the camera on'],
  screen: ['Stop sharing the screen', 'Share your screen'],
} as const;

/** Shows on a button whether a source is on. The label says what pressing does, the pressed state what is. */
export function showSource(button: HTMLButtonElement, type: MediaType, on: boolean): void {
  const action = ACTIONS[type][on ? 0 : 1];
  button.replaceChildren(icon(ICONS[type][on ? 0 : 1]));
  button.setAttribute('aria-pressed', String(on));
  button.setAttribute('aria-label', action);
  const key = button.getAttribute('aria-keyshortcuts');
  button.title = key ? `${action} (${key.toUpperCase()})` : action;
}

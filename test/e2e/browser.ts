/** Real Chromium, with a camera and a microphone that need nobody in front of them. */
import { chromium, type Browser } from 'playwright-core';

const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  // Several pages run at once and only one can be in front; timers of the others must not be slowed down.
  '--disable-renderer-backgrounding',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
];

/** A green picture with a moving pie at five frames a second (two cores have to encode and decode all of them), and a beep every second. */
const FAKE_DEVICES = ['--use-fake-device-for-media-stream=fps=5'];
const ALL_ALLOWED = ['--use-fake-ui-for-media-stream', '--auto-select-desktop-capture-source=Entire screen'];

export interface BrowserOptions {
  /** Whether there are a camera and a microphone. */
  readonly devices: boolean;
  /** Whether everything that a page may ask for is allowed without a question. */
  readonly allowed: boolean;
}

/** Starts a browser of its own. */
export function launchBrowser({ devices, allowed }: BrowserOptions = { devices: true, allowed: true }): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_BIN ?? process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    headless: true,
    args: [...QUIET, ...(devices ? FAKE_DEVICES : []), ...(allowed ? ALL_ALLOWED : [])],
  });
}

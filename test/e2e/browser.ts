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

const ALL_ALLOWED = ['--use-fake-ui-for-media-stream', '--auto-select-desktop-capture-source=Entire screen'];

export interface BrowserOptions {
  /** Whether there are a camera and a microphone. */
  readonly devices: boolean;
  /** Whether everything that a page may ask for is allowed without a question. */
  readonly allowed: boolean;
  /** Frames per second of the fake camera: few by default, because two cores have to encode and decode all of them. */
  readonly frameRate?: number;
}

/** Starts a browser of its own. */
export function launchBrowser({ devices, allowed, frameRate = 5 }: BrowserOptions = { devices: true, allowed: true }): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_BIN ?? process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    headless: true,
    args: [...QUIET, ...(devices ? [fakeDevices(frameRate)] : []), ...(allowed ? ALL_ALLOWED : [])],
  });
}

/** A green picture with a moving pie, and a short beep twice a second. */
function fakeDevices(frameRate: number): string {
  return `--use-fake-device-for-media-stream=fps=${frameRate}`;
}

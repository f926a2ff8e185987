/** Real Chromium, with a camera and a microphone that need nobody in front of them. */
import { type Browser, type BrowserContext, chromium } from 'playwright-core';

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

const SMALL = { width: 160, height: 120 };
const UNPROCESSED = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/**
 * Starts a browser for many members on few cores. Cameras give small pictures and microphones give sound as it is, whatever is asked of them. Screens
 * are small and blue, where the fake ones would be as green as the cameras.
 */
export async function launchFrugalBrowser(): Promise<Browser> {
  const browser = await launchBrowser();
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await newContext(options);
    await makeFrugal(context);
    return context;
  };
  return browser;
}

async function makeFrugal(context: BrowserContext): Promise<void> {
  await context.addInitScript(
    ({ small, unprocessed }) => {
      const devices = navigator.mediaDevices as MediaDevices | undefined;
      if (!devices) return;
      const getUserMedia = devices.getUserMedia.bind(devices);
      devices.getUserMedia = ({ audio = false, video = false } = {}) =>
        getUserMedia({ audio: audio === false ? false : unprocessed, video: video === false ? false : small });
      devices.getDisplayMedia = () => {
        const canvas = Object.assign(document.createElement('canvas'), small);
        const context = canvas.getContext('2d');
        let brightness = 0;
        const draw = () => {
          if (!context) return;
          brightness = (brightness + 1) % 50;
          context.fillStyle = `rgb(0 0 ${200 + brightness})`;
          context.fillRect(0, 0, canvas.width, canvas.height);
        };
        setInterval(draw, 200);
        draw();
        return Promise.resolve(canvas.captureStream());
      };
    },
    { small: SMALL, unprocessed: UNPROCESSED },
  );
}

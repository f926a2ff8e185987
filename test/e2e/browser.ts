/** Real Chromium, with a camera and a microphone that need nobody in front of them. */
import { resolve } from 'node:path';
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
export function launchBrowser(options: BrowserOptions = { devices: true, allowed: true }): Promise<Browser> {
  return launch(chromiumPath(), options);
}

function launch(executablePath: string, { devices, allowed, frameRate = 5 }: BrowserOptions): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    env: { ...process.env, CHROMIUM: chromiumPath() },
    args: [...QUIET, ...(devices ? [fakeDevices(frameRate)] : []), ...(allowed ? ALL_ALLOWED : [])],
  });
}

function chromiumPath(): string {
  return process.env.CHROMIUM_BIN ?? process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
}

/** A green picture with a moving pie, and a short beep twice a second. */
function fakeDevices(frameRate: number): string {
  return `--use-fake-device-for-media-stream=fps=${frameRate}`;
}

/** What says that a picture is to be large: whoever wants that may send it in layers, which small ones have not. */
const LARGE = 1280;

const SMALL = { width: 160, height: 120 };
const UNPROCESSED = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/**
 * Starts a browser for many members on few cores. Cameras give small pictures to whoever does not ask for large ones, microphones give sound as it is,
 * and the browser has to wait for the servers: elsewhere they do not share their cores with everybody whom they serve. Screens are small and blue,
 * where the fake ones would be as green as the cameras.
 */
export async function launchFrugalBrowser(): Promise<Browser> {
  const browser = await launch(resolve(import.meta.dirname, 'frugal-chromium.sh'), { devices: true, allowed: true });
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
    ({ large, small, unprocessed }) => {
      const devices = navigator.mediaDevices as MediaDevices | undefined;
      if (!devices) return;
      const getUserMedia = devices.getUserMedia.bind(devices);
      const isLarge = (video: MediaTrackConstraints) => typeof video.width === 'object' && video.width.ideal === large;
      devices.getUserMedia = ({ audio = false, video = false } = {}) =>
        getUserMedia({
          audio: audio === false ? false : unprocessed,
          video: video === false || (typeof video === 'object' && isLarge(video)) ? video : small,
        });
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
    { large: LARGE, small: SMALL, unprocessed: UNPROCESSED },
  );
}

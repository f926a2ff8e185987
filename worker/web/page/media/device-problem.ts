/** Why a microphone, a camera or a screen cannot be used, in words that say what to do. */
import type { MediaType } from '../signaling/messages.ts';

/** What a person must do something about. */
export type DeviceProblemCause = 'insecure' | 'denied' | 'missing' | 'busy' | 'cancelled' | 'unknown';

export class DeviceProblem extends Error {
  readonly type: MediaType;
  readonly problem: DeviceProblemCause;

  constructor(type: MediaType, problem: DeviceProblemCause, options?: ErrorOptions) {
    super(explanation(type, problem), options);
    this.name = 'DeviceProblem';
    this.type = type;
    this.problem = problem;
  }
}

const DEVICE_WORDS = { mic: 'microphone', webcam: 'camera', screen: 'screen' } as const;

/** The names of the exceptions are those of Media Capture and Streams, section 10.2 (getUserMedia). */
const CAUSES: Readonly<Record<string, DeviceProblemCause>> = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'busy',
  AbortError: 'busy',
};

/** Turns what the browser threw into a problem that a person can understand. */
export function deviceProblemOf(type: MediaType, cause: unknown): DeviceProblem {
  if (cause instanceof DeviceProblem) return cause;
  const name = cause instanceof Error ? cause.name : '';
  const problem = CAUSES[name] ?? 'unknown';
  // The browser tells a closed picker and a forbidden capture by the same name; the first is far more common.
  return new DeviceProblem(type, type === 'screen' && problem === 'denied' ? 'cancelled' : problem, { cause });
}

function explanation(type: MediaType, problem: DeviceProblemCause): string {
  const device = DEVICE_WORDS[type];
  switch (problem) {
    case 'insecure':
      return `Browsers give the ${device} only to pages that were opened over https or on this computer (localhost). Open this page with an https address.`;
    case 'denied':
      return `Your browser does not let this page use the ${device}. Allow it at the left of the address bar (and in the system's privacy settings), then try again.`;
    case 'missing':
      return `No ${device} was found. Connect one and try again, or join without it.`;
    case 'busy':
      return `The ${device} does not start; another program may be using it. Close that program and try again.`;
    case 'cancelled':
      return 'The screen is not shared: nothing was chosen, or your system does not allow the browser to record the screen.';
    case 'unknown':
      return `The ${device} cannot be used for a reason that the browser does not tell. Try again, or join without it.`;
  }
}

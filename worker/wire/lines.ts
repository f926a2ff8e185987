/**
 * Texts without line breaks, such as JSON, on their way between an object and a pipe: what the object says to a client within one moment goes
 * there as one frame, a line for each, because a frame costs about the same whatever it carries.
 */

const LINE_BREAK = '\n';

/** A frame is sent when it has so many characters, however many more follow. */
const MAX_CHARACTERS = 256 * 1024;

/** Takes a frame apart. */
export function linesOf(frame: string): readonly string[] {
  return frame.includes(LINE_BREAK) ? frame.split(LINE_BREAK) : [frame];
}

/** Gathers the lines for one client. */
export class LineSender {
  readonly #send: (frame: string) => void;
  readonly #soon: (task: () => void) => void;
  #lines: string[] = [];
  #characters = 0;

  /**
   * @param send sends a frame.
   * @param soon runs a task when all that is being worked on at the moment is done.
   */
  constructor(send: (frame: string) => void, soon: (task: () => void) => void) {
    this.#send = send;
    this.#soon = soon;
  }

  add(line: string): void {
    if (this.#lines.length === 0) this.#soon(this.flush);
    this.#lines.push(line);
    this.#characters += line.length;
    if (this.#characters >= MAX_CHARACTERS) this.flush();
  }

  /** Sends what was gathered now. */
  readonly flush = (): void => {
    if (this.#lines.length === 0) return;
    const frame = this.#lines.join(LINE_BREAK);
    this.#lines = [];
    this.#characters = 0;
    this.#send(frame);
  };
}

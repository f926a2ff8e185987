/** A whiteboard on a canvas: what the mouse draws goes to the others, and what the others draw is drawn as it comes. */
import type { Message, StrokeInfo } from './signaling.ts';

type Point = Pick<Message, 'status' | 'axisX' | 'axisY' | 'drawingInfo'>;

export class Board {
  readonly canvas = document.createElement('canvas');
  tool: StrokeInfo = { tool: 'pen', color: '#000000', strokeWidth: 4 };
  readonly #send: (stroke: object) => void;
  /** Where each member's pen is. */
  readonly #pens = new Map<string, Point>();

  /** @param send takes the strokes of this member to the others. */
  constructor(send: (stroke: object) => void) {
    this.#send = send;
    Object.assign(this.canvas, { width: 300, height: 200 });
    this.canvas.style.cssText = 'position: fixed; top: 0; left: 0';
    this.canvas.addEventListener('mousedown', (event) => {
      this.#drawOwn('start', event);
    });
    this.canvas.addEventListener('mousemove', (event) => {
      if (event.buttons === 1) this.#drawOwn('move', event);
    });
    this.canvas.addEventListener('mouseup', (event) => {
      this.#drawOwn('end', event);
    });
  }

  clear(): void {
    this.#send({ status: 'clear', type: 'whiteboard' });
    this.#clear();
  }

  draw(userId: string, point: Point): void {
    if (point.status === 'clear') this.#clear();
    const from = this.#pens.get(userId);
    if (point.status !== 'start' && from) this.#line(from, point);
    if (point.status === 'end') this.#pens.delete(userId);
    else this.#pens.set(userId, point);
  }

  /** All of the canvas, without loss: equal if and only if every pixel is. */
  pixels(): string {
    return this.#context.getImageData(0, 0, this.canvas.width, this.canvas.height).data.join();
  }

  get #context(): CanvasRenderingContext2D {
    const context = this.canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('there is no canvas');
    return context;
  }

  #drawOwn(status: string, { offsetX: axisX, offsetY: axisY }: MouseEvent): void {
    const { width: boardWidth, height: boardHeight } = this.canvas;
    const point = { status, type: 'whiteboard', axisX, axisY, boardWidth, boardHeight, drawingInfo: this.tool };
    this.draw('self', point);
    this.#send(point);
  }

  #line(from: Point, { axisX, axisY, drawingInfo: { tool, color, strokeWidth } }: Point): void {
    const context = this.#context;
    context.globalCompositeOperation = tool === 'eraser' ? 'destination-out' : 'source-over';
    Object.assign(context, { lineWidth: strokeWidth, strokeStyle: color, lineCap: 'round' });
    context.beginPath();
    context.moveTo(from.axisX, from.axisY);
    context.lineTo(axisX, axisY);
    context.stroke();
  }

  #clear(): void {
    this.#pens.clear();
    this.#context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }
}

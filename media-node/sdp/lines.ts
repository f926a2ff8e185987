/**
 * A description as lines (RFC 8866). Everything is looked at once, line by line, so that the time grows with the length and every fault has a
 * line number. Only what the bridge uses is kept, in a form that `sdp-transform`, which lets anything pass, cannot misread.
 */
import { parseCandidate } from '../../shared/candidate.ts';
import type { DescriptionLimits } from '../../shared/sdp.ts';
import { malformed } from './malformed.ts';

interface Line {
  /** Beginning with 1. */
  readonly number: number;
  /** Of the attribute; the letter of any other line. */
  readonly name: string;
  readonly text: string;
}

/** The lines before the first `m=`, or those from one `m=` to the next. Never empty. */
export type Part = readonly Line[];

const TOKEN = String.raw`[\w!#$%&'*+.^\x60{|}~-]{1,32}`;
const NUMBER = String.raw`\d{1,10}`;
const PAYLOAD_TYPE = String.raw`(?:\d|[1-9]\d|1[01]\d|12[0-7])`;

/** Attributes that the bridge reads, and how their values must look. */
const FORMS: Readonly<Record<string, RegExp>> = {
  group: new RegExp(`^\\w{1,16}(?: ${TOKEN})*$`, 'u'),
  mid: new RegExp(`^${TOKEN}$`, 'u'),
  'ice-ufrag': /^[!-~]{4,256}$/u,
  'ice-pwd': /^[!-~]{22,256}$/u,
  fingerprint: /^[\w-]{1,16} [\dA-Fa-f:]{2,191}$/u,
  setup: /^(?:actpass|active|passive)$/u,
  rtpmap: new RegExp(`^${PAYLOAD_TYPE} [\\w.+-]{1,32}/[1-9]\\d{0,6}(?:/[1-9]\\d?)?$`, 'u'),
  fmtp: new RegExp(`^${PAYLOAD_TYPE} \\S.{0,1023}$`, 'u'),
  'rtcp-fb': new RegExp(`^(?:\\*|${PAYLOAD_TYPE}) [\\w-]{1,32}(?: [\\w-]{1,32})*$`, 'u'),
  extmap: /^\d{1,3}(?:\/\w{1,8})? \S{1,255}(?: .{0,255})?$/u,
  ssrc: new RegExp(`^${NUMBER}(?: [\\w-]{1,32}(?::.{0,512})?)?$`, 'u'),
  'ssrc-group': new RegExp(`^[\\w-]{1,16}(?: ${NUMBER})+$`, 'u'),
  rid: /^\w{1,32} (?:send|recv)(?: .{0,512})?$/u,
  simulcast: /^(?:send|recv) [\w~;,]{1,255}(?: (?:send|recv) [\w~;,]{1,255})?$/u,
  sendrecv: /^$/u,
  sendonly: /^$/u,
  recvonly: /^$/u,
  inactive: /^$/u,
  'bundle-only': /^$/u,
  'rtcp-mux': /^$/u,
};

const RTP = String.raw`(?:audio|video) \d{1,5} (?:(?:UDP/TLS/|TCP/DTLS/)?RTP/SAVPF?) [\d ]+`;
const SCTP = String.raw`application \d{1,5} (?:(?:UDP|TCP)/)?DTLS/SCTP [\w.+-]{1,32}`;
const MEDIA_LINE = new RegExp(`^(?:${RTP}|${SCTP})$`, 'u');

/** In clients' hands a line end is CRLF, LF or a stray CR. */
const LINE_END = /\r\n|\n|\r/u;

// eslint-disable-next-line no-control-regex -- control characters are what this finds
const CONTROL_CHARACTER = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/u;

/**
 * @returns the session's part, then one for each media section. Lines that the bridge has no use for are left out.
 * @throws MediaError `invalid-sdp`
 */
export function partsOf(sdp: string, limits: DescriptionLimits): readonly [Part, ...Part[]] {
  const texts = textsOf(sdp, limits);
  const first = Math.max(
    texts.findIndex((text) => text !== ''),
    0,
  );
  if (texts[first]?.startsWith('v=') !== true) malformed(first + 1, 'a description begins with v=0');
  const session: Line[] = [];
  const parts: [Line[], ...Line[][]] = [session];
  let current = session;
  texts.forEach((text, index) => {
    const line = lineOf(index + 1, text);
    if (line?.name === 'm') parts.push((current = []));
    if (line !== undefined) current.push(line);
  });
  return parts;
}

function textsOf(sdp: string, { bytes, lines }: DescriptionLimits): string[] {
  if (Buffer.byteLength(sdp) > bytes) malformed(1, `the description is longer than ${bytes} bytes`);
  const texts = sdp.split(LINE_END, lines + 2);
  while (texts.length > 0 && texts.at(-1) === '') texts.pop();
  if (texts.length > lines) malformed(lines + 1, `the description has more than ${lines} lines`);
  return texts;
}

/** @returns `undefined` for a line that the bridge does not use. */
function lineOf(number: number, text: string): Line | undefined {
  if (text === '') return undefined;
  if (CONTROL_CHARACTER.test(text)) malformed(number, 'contains a control character');
  if (!/^[a-z]=/u.test(text)) malformed(number, 'is not a letter, = and a value');
  const type = text.slice(0, 1);
  const value = text.slice(2);
  if (type === 'a') return attributeOf(number, text, value);
  if (type === 'v' && value !== '0') malformed(number, 'is of another version of SDP than 0');
  if (type === 'm' && !MEDIA_LINE.test(value)) malformed(number, 'is not a media line');
  return type === 'v' || type === 'm' ? { number, name: type, text } : undefined;
}

function attributeOf(number: number, text: string, attribute: string): Line | undefined {
  const colon = attribute.indexOf(':');
  const name = colon === -1 ? attribute : attribute.slice(0, colon);
  const value = colon === -1 ? '' : attribute.slice(colon + 1).trim();
  if (name === 'candidate') {
    if (parseCandidate(attribute) === undefined) malformed(number, 'is not an ICE candidate');
    return undefined;
  }
  if (!Object.hasOwn(FORMS, name)) return undefined;
  if (FORMS[name]?.test(value) !== true) malformed(number, `is not a valid a=${name}`);
  if (name === 'fmtp') assertOwnNames(number, value);
  return { number, name, text: colon === -1 ? text : `a=${name}:${value}` };
}

/** mediasoup-client calls a method of the object whose properties are these parameters. */
function assertOwnNames(number: number, value: string): void {
  const parameters = value.slice(value.indexOf(' ') + 1);
  for (const parameter of parameters.split(';')) {
    const [name = ''] = parameter.trim().split('=', 1);
    if (name in Object.prototype) malformed(number, 'has a parameter of a forbidden name');
  }
}

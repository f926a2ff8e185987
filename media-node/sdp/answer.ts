/** The sections of an answer: one for each offered section, in its order, with its mid. */
import type { ViewDecision } from './decide.ts';
import type { Section } from './parse.ts';
import { pausedSending, simulcastOf } from './publish.ts';
import type { Publication } from './publish.ts';
import type { StreamNames, WrittenSection } from './write.ts';

function base({
  mid,
  type,
  protocol,
  formats,
  isStopped,
}: Section): Pick<WrittenSection, 'mid' | 'type' | 'protocol' | 'formats' | 'isStopped'> {
  return { mid, type, protocol, formats, isStopped };
}

/**
 * Nothing flows, but the section stays in the bundle: rejecting it with port 0 makes Chromium refuse the whole answer where it is the first
 * one. One codec has to stand in it, and it does not matter which, but RTX is none.
 */
export function inactiveAnswer(section: Section): WrittenSection {
  const { capabilities } = section;
  const codec = capabilities?.codecs.find(({ mimeType }) => !/\/rtx$/iu.test(mimeType));
  const codecs = codec === undefined ? [] : [{ ...codec, payloadType: codec.preferredPayloadType, rtcpFeedback: [] }];
  return { ...base(section), direction: 'inactive', codecs, ...pausedSending(section) };
}

/** The client sends, with the one codec that the room wants. */
export function publishAnswer(section: Section, { rtpParameters, wanted, rids }: Publication): WrittenSection {
  const { codecs, headerExtensions } = wanted;
  return {
    ...base(section),
    direction: 'recvonly',
    codecs: codecs as WrittenSection['codecs'],
    headerExtensions,
    rids,
    offered: rtpParameters,
  };
}

/**
 * The client receives, with any of the codecs that it shares with the room. Without header extensions, whose ids mediasoup would not
 * keep; those that name simulcast layers are never in what it sends.
 *
 * @param announced the stream that it is sent, where the client has to know it by its ssrc.
 */
export function viewAnswer(section: Section, { capabilities, part }: ViewDecision, track: string, announced?: StreamNames): WrittenSection {
  const codecs = capabilities.codecs.map(({ preferredPayloadType, ...codec }) => ({ ...codec, payloadType: preferredPayloadType }));
  return {
    ...base(section),
    direction: 'sendonly',
    codecs,
    ...simulcastOf(section),
    msid: { stream: part.stream, track },
    ...(announced !== undefined && { ssrc: announced }),
  };
}

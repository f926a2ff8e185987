/** The one event of the protocol, in both directions. */
export const EVENT = 'knowledgetalk';

import { describe, expect, it } from 'vitest';
import { displayNameOf, userMailOf } from '../../worker/web/page/meeting/identity.ts';
import { parseNotification } from '../../worker/web/page/signaling/messages.ts';

describe('a notification', () => {
  it('is understood with the extra fields of protoo', () => {
    const message = { notification: true, method: 'producerPaused', data: { user: 'ada', type: 'webcam', extra: 1 } };
    expect(parseNotification(message)).toEqual({ method: 'producerPaused', data: { user: 'ada', type: 'webcam' } });
  });

  it.each([
    undefined,
    'userLeft',
    { method: 'roomPainted', data: { user: 'ada' } },
    { method: 'userLeft' },
    { method: 'userJoined', data: { user: 'ada' } },
    { method: 'producerAdded', data: { user: 'ada', type: 'hologram', id: 'x' } },
  ])('is ignored when it is not one of the protocol: %j', (message) => {
    expect(parseNotification(message)).toBeUndefined();
  });
});

describe('a name', () => {
  it('comes back out of the identity of a tab', () => {
    expect(displayNameOf(userMailOf('Ada #1', '0a1b2c3d'))).toBe('Ada #1');
  });

  it('of other clients is shown as it is', () => {
    expect(displayNameOf('ada@example.test')).toBe('ada@example.test');
    expect(displayNameOf('#0a1b2c3d')).toBe('#0a1b2c3d');
  });
});

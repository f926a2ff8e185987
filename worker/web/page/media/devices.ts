/** Opening microphone, camera and screen. Everything here throws a `DeviceProblem`. */
import type { MediaType } from '../signaling/messages.ts';
import { DeviceProblem, deviceProblemOf } from './device-problem.ts';

const MICROPHONE: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const CAMERA: MediaTrackConstraints = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const SCREEN: MediaTrackConstraints = { frameRate: { max: 30 } };

/** Opens one device and asks the person for permission where needed. */
export async function openDevice(type: MediaType): Promise<MediaStreamTrack> {
  try {
    return onlyTrack(type, await streamOf(type, mediaDevices(type)));
  } catch (cause) {
    throw deviceProblemOf(type, cause);
  }
}

/**
 * Opens microphone and camera with one question to the person. Where that fails each is tried alone, so that the answer tells what is
 * wrong with which; one that the person has just refused is not asked for again.
 */
export async function openMicrophoneAndCamera(): Promise<Record<'mic' | 'webcam', MediaStreamTrack | DeviceProblem>> {
  const together = await openTogether();
  if (!(together instanceof DeviceProblem)) return together;
  const [mic, webcam] = await Promise.all([openAfter(together, 'mic'), openAfter(together, 'webcam')]);
  return { mic, webcam };
}

async function openTogether(): Promise<Record<'mic' | 'webcam', MediaStreamTrack> | DeviceProblem> {
  try {
    const stream = await mediaDevices('webcam').getUserMedia({ audio: MICROPHONE, video: CAMERA });
    return { mic: onlyTrack('mic', stream), webcam: onlyTrack('webcam', stream) };
  } catch (cause) {
    return deviceProblemOf('webcam', cause);
  }
}

async function openAfter(failed: DeviceProblem, type: 'mic' | 'webcam'): Promise<MediaStreamTrack | DeviceProblem> {
  if (failed.problem === 'insecure') return new DeviceProblem(type, 'insecure');
  if (failed.problem === 'denied' && !(await isGranted(type))) return new DeviceProblem(type, 'denied');
  return openDevice(type).catch((problem: unknown) => deviceProblemOf(type, problem));
}

async function isGranted(type: 'mic' | 'webcam'): Promise<boolean> {
  try {
    const status = await navigator.permissions.query({ name: type === 'mic' ? 'microphone' : 'camera' });
    return status.state === 'granted';
  } catch {
    // Browsers that cannot be asked for these permissions throw; asking the person once more is the lesser evil.
    return true;
  }
}

function mediaDevices(type: MediaType): MediaDevices {
  // The type says that it is always there, but browsers leave it out where the page's origin is insecure.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (!devices) throw new DeviceProblem(type, 'insecure');
  return devices;
}

function streamOf(type: MediaType, devices: MediaDevices): Promise<MediaStream> {
  switch (type) {
    case 'mic':
      return devices.getUserMedia({ audio: MICROPHONE });
    case 'webcam':
      return devices.getUserMedia({ video: CAMERA });
    case 'screen':
      return devices.getDisplayMedia({ video: SCREEN, audio: false });
  }
}

function onlyTrack(type: MediaType, stream: MediaStream): MediaStreamTrack {
  const [track] = type === 'mic' ? stream.getAudioTracks() : stream.getVideoTracks();
  if (!track) throw new DeviceProblem(type, 'missing');
  // Tells the encoder that letters must stay readable when bits are scarce.
  if (type === 'screen') track.contentHint = 'detail';
  return track;
}

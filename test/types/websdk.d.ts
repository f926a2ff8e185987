/** The parts of the vendor's WebSDK that tests use: the same in all versions. The names are those of the aliases in package.json. */
declare module 'websdk-2.0.276' {
  export interface SdkStream {
    id(): string;
    name(): string;
    status(): string;
    getInfo(): string | undefined;
    getNetworkBandwidth(): string | number;
    getRemoteBitrate(): string | number;
    getRecordInfo(): string | undefined;
    videoResolution(): { width?: number; height?: number };
    getAudioState(): { muted: boolean } | undefined;
    getVideoState(): { muted: boolean } | undefined;
    publish(): void;
    play(): void;
    stop(): void;
    muteAudio(): void;
    unmuteAudio(): void;
    muteVideo(): void;
    unmuteVideo(): void;
    sendData(payload: object): void;
    snapshot(): void;
    available(): Promise<unknown>;
    on(event: string, callback: (...values: unknown[]) => void): SdkStream;
  }
  export interface StreamOptions {
    readonly name: string;
    readonly display: HTMLElement;
    readonly constraints?: object;
    readonly record?: boolean;
    readonly stripCodecs?: string;
    readonly custom?: object;
    readonly sdpHook?: (description: { readonly sdpString: string }) => string;
  }
  export interface SdkSession {
    status(): string;
    createStream(options: StreamOptions): SdkStream;
    sendData(data: object): Promise<unknown>;
    disconnect(): void;
    on(event: string, callback: (...values: unknown[]) => void): SdkSession;
  }
  export interface Sdk {
    init(options: object): Promise<void> | undefined;
    createSession(options: { urlServer: string; custom?: object; keepAlive?: boolean; authToken?: string }): SdkSession;
  }
  const sdk: Sdk;
  export default sdk;
}
declare module 'websdk-2.0.276/src/room-module' {
  import type { SdkStream } from 'websdk-2.0.276';
  export interface SdkRoomStream {
    streamName(): string;
    play(display: HTMLElement): SdkStream;
    stop(): void;
  }
  export interface SdkParticipant {
    name(): string;
    getStreams(): SdkRoomStream[];
    sendMessage(text: string, failed?: () => void): void;
  }
  export interface SdkRoom {
    name(): string;
    leave(): Promise<unknown>;
    publish(options: { display: HTMLElement; name?: string; constraints?: object; record?: boolean }): SdkStream;
    getParticipants(): SdkParticipant[];
    on(event: string, callback: (value: never, more?: unknown) => void): SdkRoom;
  }
  export interface SdkRoomSession {
    join(options: { name: string; record?: boolean }): SdkRoom;
    disconnect(): void;
    status(): string;
    on(event: string, callback: (...values: unknown[]) => void): SdkRoomSession;
  }
  export interface RoomApi {
    connect(options: { urlServer: string; username: string; token?: string }): SdkRoomSession;
  }
  const roomApi: RoomApi;
  export default roomApi;
}
declare module 'websdk-2.0.180' {
  export { default } from 'websdk-2.0.276';
}
declare module 'websdk-2.0.180/src/room-module' {
  export { default } from 'websdk-2.0.276/src/room-module';
}

/** The import arrows of ARCHITECTURE.md as rules. A folder that is not named here may import what it likes. */
const inside = (folder) => `^${folder}/`;
const only = (name, comment, from, allowed) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { pathNot: [from, ...allowed], path: '^(?:worker|media-node|shared|test|tools)/' },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circles', comment: 'A circle has no first file to read.', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unresolved',
      comment: 'An import that cannot be found would escape every other rule.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^cloudflare:' },
    },
    only('shared-stands-alone', 'The contract knows neither side.', inside('shared'), []),
    only('media-node-knows-the-contract', 'The media node knows the contract and nothing of the edge.', inside('media-node'), [
      inside('shared'),
    ]),
    only('room-knows-nobody', 'The room model has no sockets, no protocols, no platform.', inside('worker/room'), [inside('shared')]),
    only('wire-knows-nobody', 'Packets and acks know nothing of rooms.', inside('worker/wire'), []),
    only('protocols-speak-to-rooms', 'A protocol translates between the wire and the room.', inside('worker/protocols'), [
      inside('worker/room'),
      inside('worker/wire'),
      inside('shared'),
      // Whose client it is, and what its tenant has set.
      '^worker/tenants/tenant',
      // What a protocol passes over in silence stands in the log.
      '^worker/platform/logger',
    ]),
    {
      name: 'protocols-are-strangers',
      comment: 'What two protocols share belongs below both of them.',
      severity: 'error',
      from: { path: '^worker/protocols/([^/]+)/' },
      to: { path: '^worker/protocols/[^/]+/', pathNot: '^worker/protocols/$1/' },
    },
    only('platform-knows-nobody', 'Settings, log and signatures serve both halves of the edge.', inside('worker/platform'), [
      inside('shared'),
    ]),
    only('tenants-stand-alone', 'Who may use the installation is asked by everybody, and asks nobody.', inside('worker/tenants'), [
      inside('worker/platform'),
      inside('shared'),
    ]),
    only('transfer-knows-only-bytes', 'Bytes in and out of R2, whatever they mean.', inside('worker/transfer'), [inside('shared')]),
    ...['files', 'recordings', 'usage'].map((store) =>
      only(`${store}-know-no-room`, 'What outlives a room is kept without knowing what a room is.', inside(`worker/${store}`), [
        inside('worker/platform'),
        inside('worker/tenants'),
        inside('worker/transfer'),
        inside('shared'),
      ]),
    ),
    only('tenant-api-reads-the-stores', 'It shows a tenant what the stores have of it.', inside('worker/tenant-api'), [
      inside('worker/files'),
      inside('worker/recordings'),
      inside('worker/usage'),
      inside('worker/platform'),
      inside('worker/tenants'),
      inside('worker/transfer'),
      inside('shared'),
    ]),
    only('front-door-asks-the-protocols', 'The front door reaches the room object through its binding only.', inside('worker/front-door'), [
      inside('worker/platform'),
      inside('worker/protocols'),
      inside('worker/wire'),
      inside('worker/tenants'),
      // Services with routes of their own.
      '^worker/(?:files|recordings|tenant-api)/routes',
      // What a protocol has recorded, at an address of its own.
      '^worker/recordings/download',
      // Which rooms there are.
      '^worker/usage/store',
      inside('shared'),
    ]),
    only('room-object-hosts-the-room', 'The Durable Object joins room, wire and protocols.', inside('worker/room-object'), [
      inside('worker/platform'),
      inside('worker/protocols'),
      inside('worker/room'),
      inside('worker/wire'),
      // What a room leaves behind.
      inside('worker/files'),
      inside('worker/recordings'),
      inside('worker/usage'),
      inside('worker/transfer'),
      inside('shared'),
    ]),
    only('web-is-a-client', 'The meeting page is a client like any other.', inside('worker/web'), []),
    {
      name: 'mediasoup-only-in-sfu',
      comment: 'Everything about the SFU library is behind media-node/sfu.',
      severity: 'error',
      from: { path: '^media-node/', pathNot: '^media-node/(?:sfu|worker-binary)/' },
      to: { path: 'node_modules/mediasoup/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};

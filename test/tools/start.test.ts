import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { choose, table } from '../../tools/bench.ts';
import { checkPorts, explainPortFailure, type NeededPort } from '../../tools/processes/ports.ts';
import { Service } from '../../tools/processes/service.ts';
import { readSettings } from '../../tools/start/settings.ts';
import { box, readableLine } from '../../tools/start/terminal.ts';
import { freePort } from '../harness/ports.ts';

describe('settings of npm start', () => {
  it('have values that work without being set', () => {
    expect(readSettings({ PORT: '' })).toMatchObject({ PORT: 8787, MEDIA_NODE_PORT: 4443, RTC_BASE_PORT: 40_000, LOG_LEVEL: 'warn' });
  });

  it.each([
    [{ PORT: 'abc' }, 'Wrong settings: PORT must be a port number.'],
    [{ MEDIA_NODE_PORT: '70000' }, 'Wrong settings: MEDIA_NODE_PORT must be at most 65535.'],
    [{ LOG_LEVEL: 'loud' }, 'Wrong settings: LOG_LEVEL must be trace, debug, info, warn, error, fatal or silent.'],
  ])('that are wrong are named: %o', (environment, message) => {
    expect(() => readSettings(environment)).toThrow(message);
  });
});

describe('ports', () => {
  const needed = (port: number, protocol: 'tcp' | 'udp'): NeededPort => ({ port, protocol, user: 'the edge', variable: 'PORT' });

  it('that are free are fine', async () => {
    const port = await freePort();
    await expect(checkPorts([needed(port, 'tcp'), needed(port, 'udp')])).resolves.toBeUndefined();
  });

  it('that are in use are named, with the variable that chooses another', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await Promise.all([once(server, 'listening'), once(socket, 'listening')]);
    const tcp = (server.address() as AddressInfo).port;
    const udp = socket.address().port;
    await expect(checkPorts([needed(tcp, 'tcp')])).rejects.toThrow(
      `Port ${tcp}/tcp for the edge is in use: stop what uses it, or choose another with PORT=`,
    );
    await expect(checkPorts([needed(udp, 'udp')])).rejects.toThrow(`Port ${udp}/udp for the edge is in use`);
    server.close();
    socket.close();
  });

  it('that only root may open are told apart', () => {
    expect(explainPortFailure(needed(80, 'tcp'), 'EACCES')).toMatch(
      /^Port 80\/tcp for the edge may only be opened by root: .* PORT=8080\.$/u,
    );
  });
});

describe('a service', () => {
  let service: Service | undefined;
  afterEach(() => service?.stop());

  async function start(program: string): Promise<{ service: Service; lines: string[] }> {
    const port = await freePort();
    const lines: string[] = [];
    service = new Service({
      name: 'test server',
      command: [process.execPath, '-e', program],
      environment: { TEST_PORT: String(port) },
      readyUrl: `http://127.0.0.1:${port}/`,
      onLine: (line) => lines.push(line),
    });
    return { service, lines };
  }

  const SERVER = `require('node:http').createServer((_, response) => response.end()).listen(Number(process.env.TEST_PORT), '127.0.0.1');`;

  it('is ready when it answers, and ends when it is stopped', async () => {
    const started = await start(SERVER);
    await started.service.ready();
    await started.service.stop();
    await expect(started.service.ended).resolves.toBe('SIGTERM');
  });

  it('that ends by itself is a failure', async () => {
    const started = await start(`console.log('no \\u001b[31mcolours\\u001b[0m\\n\\n'); process.exitCode = 3;`);
    await expect(started.service.ready()).rejects.toThrow('The test server ended by itself (3)');
    expect(started.lines).toEqual(['no colours']);
  });

  it('leaves none of its helpers behind, even one that ignores the request to end', async () => {
    const helper = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); process.stdout.write('up');`;
    const started = await start(`
      const helper = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(helper)}]);
      helper.stdout.once('data', () => { console.log(helper.pid); ${SERVER} });`);
    await started.service.ready();
    const helperPid = Number(started.lines[0]);
    expect(() => process.kill(helperPid, 0)).not.toThrow();
    await started.service.stop();
    await expect.poll(() => isRunning(helperPid)).toBe(false);
  });
});

/** A process that has ended may stay in the table until its parent asks for its status: it is told by its state, `Z`. */
async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return status !== '' && !status.includes(') Z ');
}

describe('the terminal', () => {
  it('shows a box', () => {
    expect(box(['Parley', 'is up'])).toBe('┌────────┐\n│ Parley │\n│ is up  │\n└────────┘');
  });

  it.each([
    ['{"level":40,"time":1,"pid":2,"hostname":"h","msg":"late","room":"a/b","count":3}', 'warn late room=a/b count=3'],
    ['{"level":35,"msg":"own level"}', '35 own level'],
    ['{"no":"record"}', '{"no":"record"}'],
    ['{broken', '{broken'],
    ['plain text', 'plain text'],
  ])('shows %s as a person reads it', (line, readable) => {
    expect(readableLine(line)).toBe(readable);
  });

  it('shows what a bench measured as a table', () => {
    expect(
      table([
        { clients: 2, latency: '3 ms' },
        { clients: 4, latency: '5 ms' },
      ]),
    ).toBe('| clients | latency |\n| --- | --- |\n| 2 | 3 ms |\n| 4 | 5 ms |');
  });

  it('lets a person choose benches by a part of their names', () => {
    const files = ['rooms.ts', 'README.md', 'join.ts'];
    expect(choose(files, [])).toEqual(['join.ts', 'rooms.ts']);
    expect(choose(files, ['room'])).toEqual(['rooms.ts']);
  });
});

/** `npm test [-- path …]`: sets up what the tests need and runs them; arguments go to vitest. */
import { join } from 'node:path';
import { ROOT } from './bootstrap.mjs';
import { runHere } from './processes/run-here.ts';
import { setUpForTests } from './setup.ts';

const VITEST = [process.execPath, join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--passWithNoTests'];

/** Set aside for documentation (RFC 5737): nothing else has it. */
const FIREFOX_NETWORK_ADDRESS = '192.0.2.1';

/**
 * Firefox exchanges no media over the loopback interface. Here it gets a network that leads nowhere else, with the default route by which it finds
 * its own address.
 */
const IN_ITS_OWN_NETWORK = [
  'unshare',
  '--net',
  ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
  'sh',
  '-euc',
  `"$IP_BIN" link set lo up
  "$IP_BIN" link add firefox0 type veth peer name firefox1
  "$IP_BIN" address add ${FIREFOX_NETWORK_ADDRESS}/24 dev firefox0
  "$IP_BIN" link set firefox0 up
  "$IP_BIN" link set firefox1 up
  "$IP_BIN" route add default dev firefox0
  exec "$@"`,
  'sh',
];

export async function main(parameters: string[]): Promise<number> {
  const environment = await setUpForTests();
  const only = (projects: string): string[] => [...VITEST, '--project', projects, ...parameters];
  const results = [
    await runHere(only('!apart-*'), environment),
    await runHere(only('apart-matrix'), environment),
    await runHere([...IN_ITS_OWN_NETWORK, ...only('apart-firefox')], { ...environment, FIREFOX_NETWORK_ADDRESS }),
  ];
  return results.find((result) => result !== 0) ?? 0;
}

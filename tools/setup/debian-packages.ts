/** Programs and libraries that come as Debian packages. */
import { spawnSync } from 'node:child_process';
import { Failure, runLogged } from '../bootstrap.mjs';

const APT_OPTIONS = ['-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=20', '-o', 'DPkg::Lock::Timeout=300'];
const APT_ENVIRONMENT = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };

/** Messages of apt-get that mean: the mirror was not reached. */
const MIRROR_TROUBLE =
  /Could not resolve|Temporary failure resolving|Could not connect|Unable to connect|Connection (?:failed|timed out|refused)|Cannot initiate/u;

let packageListsAreFresh = false;

/** The packages out of these that dpkg does not have as completely installed. */
export function missingPackages(packages: readonly string[]): string[] {
  const { stdout, error } = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Abbrev} ${Package}\n', ...packages], { encoding: 'utf8' });
  if (error !== undefined) return [...packages];
  const installed = new Set(stdout.split('\n').flatMap((line) => /^ii +(\S+)$/u.exec(line)?.[1] ?? []));
  return packages.filter((name) => !installed.has(name));
}

/** What a person has to type to install packages. */
export function installCommand(packages: readonly string[]): string {
  return `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

/** The host of the mirror out of apt-get's complaint about it, and what to do. */
export function explainAptFailure(output: string): string | undefined {
  if (!MIRROR_TROUBLE.test(output)) return undefined;
  const mirror = /https?:\/\/[^/\s]+/u.exec(output)?.[0] ?? 'in /etc/apt/sources.list';
  return `Debian's package mirror ${mirror} cannot be reached: check the network, the proxy (http_proxy) and /etc/apt/sources.list*, then try again.`;
}

/**
 * Installs the packages that are missing.
 *
 * @param purpose what they are for, in a few words.
 * @throws Failure with the command to type where this process may not install them.
 */
export async function installPackages(purpose: string, packages: readonly string[]): Promise<void> {
  const missing = missingPackages(packages);
  if (missing.length === 0) return;
  if (spawnSync('apt-get', ['--version']).error !== undefined) {
    throw new Failure(`${purpose} needs what Debian calls ${missing.join(', ')}: install them with your system's package manager.`);
  }
  if (process.getuid?.() !== 0)
    throw new Failure(`${purpose} needs Debian packages, and only root can install them. Run: ${installCommand(missing)}`);
  await updatePackageLists();
  console.log(`${purpose} needs these Debian packages: ${missing.join(', ')}`);
  await runLogged('Installing Debian packages', ['apt-get', ...APT_OPTIONS, 'install', '-y', '--no-install-recommends', ...missing], {
    log: 'apt-install',
    env: APT_ENVIRONMENT,
    explain: explainAptFailure,
  });
}

/** Once in a run; apt-get reports an unreachable mirror as a mere warning unless it is told otherwise. */
async function updatePackageLists(): Promise<void> {
  if (packageListsAreFresh) return;
  await runLogged('Updating the Debian package lists', ['apt-get', ...APT_OPTIONS, '-o', 'APT::Update::Error-Mode=any', 'update'], {
    log: 'apt-update',
    env: APT_ENVIRONMENT,
    explain: explainAptFailure,
  });
  packageListsAreFresh = true;
}

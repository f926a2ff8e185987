import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { ROOT } from '../../tools/bootstrap.mjs';

const DependenciesSchema = z.record(z.string(), z.string()).default({});
const LockSchema = z.object({
  packages: z.record(z.string(), z.object({ dependencies: DependenciesSchema, optionalDependencies: DependenciesSchema })),
});

/** The places where Node looks for a package on behalf of another one, nearest first. */
function places(from: string, name: string): string[] {
  const folders = from.split('/node_modules/').map((_, index, all) => all.slice(0, all.length - index).join('/node_modules/'));
  return [...folders.filter((folder) => folder !== '').map((folder) => `${folder}/node_modules/${name}`), `node_modules/${name}`];
}

/** `npm install` writes such a lock file without a word where the registry lacks a package for another platform; `npm ci` refuses it. */
it('package-lock.json has every package that another one asks for, for all platforms', () => {
  const { packages } = LockSchema.parse(JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')));
  const missing = Object.entries(packages).flatMap(([from, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => places(from, name).every((place) => packages[place] === undefined))
      .map((name) => `${name}, wanted by ${from}`),
  );
  expect(missing).toEqual([]);
});

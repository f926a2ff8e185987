/** The edge's database on this machine. The one of a deployed edge is brought up to date by hand: see docs/operations.md. */
import { runWrangler } from '../processes/wrangler.ts';

/**
 * Makes the tables that are missing.
 *
 * @param stateDirectory where the edge keeps its state.
 */
export async function migrateDatabase(stateDirectory: string): Promise<void> {
  await runWrangler(['d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', stateDirectory]);
}

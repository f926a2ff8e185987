import { z } from 'zod';

const MAX_PAGE = 500;

const MomentSchema = z.union([z.iso.datetime({ offset: true }), z.iso.date()]).transform((text) => Date.parse(text));

/** Where a page begins: the last item of the page before it. */
const CursorSchema = z
  .string()
  .regex(/^\d{1,16}_[\w-]{1,64}$/u, 'must be the `next` of the page before')
  .transform((text) => {
    const border = text.indexOf('_');
    return { time: Number(text.slice(0, border)), id: text.slice(border + 1) };
  });

/** Which part of a list somebody wants, newest first: `from` (inclusive) and `to` (exclusive) bound the beginning of what is listed. */
export const PageQuerySchema = z.object({
  from: MomentSchema.optional(),
  to: MomentSchema.optional(),
  after: CursorSchema.optional(),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(100),
});
export type PageQuery = z.infer<typeof PageQuerySchema>;

/** @property next where the next page begins; missing on the last one. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next?: string;
}

interface ListedRow {
  readonly id: string;
}

/**
 * One page of a tenant's rows.
 *
 * @param select the statement up to `FROM`; @param table with the columns `id` and `tenant`; @param time the column by which it is sorted.
 * @param where a further condition without parameters.
 */
export async function pageOf<Row extends ListedRow>(
  db: D1Database,
  { select, table, time, where = 'TRUE' }: { select: string; table: string; time: string; where?: string },
  tenant: string,
  { from = 0, to = Number.MAX_SAFE_INTEGER, after, limit }: PageQuery,
): Promise<Page<Row>> {
  const sql = `${select} FROM ${table} WHERE tenant = ? AND ${time} >= ? AND ${time} < ? AND (${time}, id) < (?, ?) AND ${where}
    ORDER BY ${time} DESC, id DESC LIMIT ?`;
  const { time: lastTime, id: lastId } = after ?? { time: Number.MAX_SAFE_INTEGER, id: '' };
  const { results } = await db
    .prepare(sql)
    .bind(tenant, from, to, lastTime, lastId, limit + 1)
    .all<Row & Record<string, unknown>>();
  const items = results.slice(0, limit);
  const last = items.at(-1);
  return results.length > limit && last ? { items, next: `${String(last[time])}_${last.id}` } : { items };
}

/** A time of the database as clients read it. */
export function momentOf(time: number): string;
export function momentOf(time: number | null): string | null;
export function momentOf(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}

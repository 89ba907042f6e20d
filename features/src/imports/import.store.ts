import type { ImportRowError, OnMatch } from '@clientele/contracts/import'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { type Db, newId, type Tx } from '@clientele/platform/data/db'
import { type ImportRow, importList } from './import.list.ts'
import type { ImportChange } from './import-target.ts'
import type { Mapping } from './mapping.ts'

type Given =
  | 'entity'
  | 'name'
  | 'format'
  | 'encoding'
  | 'bytes'
  | 'sha256'
  | 'columns'
  | 'previousImport'
  | keyof Choice
export type NewImport = Pick<ImportRow, Given> & {
  fileId: string
  owner: Pick<Actor, 'id' | 'displayName'>
  keepHours: number
}
/** What can be chosen anew. */
export type Choice = { mapping: Mapping; matchBy: string; onMatch: OnMatch }

const insert = `insert into imports (id, entity, file_id, name, format, encoding, bytes, sha256, columns, mapping, match_by,
  on_match, previous_import, created_by, created_by_name, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, clock_timestamp() + make_interval(hours => $16))`

const record = `insert into import_changes (import_id, subject, created, version, edits, previous)
select $1, subject, created, version, edits, previous
from json_to_recordset($2) as change (subject uuid, created boolean, version integer, edits integer, previous jsonb)
on conflict (import_id, subject) do update set version = excluded.version, edits = import_changes.edits + excluded.edits,
  previous = excluded.previous || import_changes.previous`

const next = `select subject, created, version, edits, previous from import_changes
where import_id = $1 and undone is null and ($2::boolean is null or created = $2) and ($3::uuid is null or subject > $3)
order by subject limit $4 for update`

const jobColumns = { check: 'check_job', commit: 'commit_job', undo: 'undo_job' } as const

export type ImportTable = ReturnType<typeof createImportTable>

export const createImportTable = (db: Db) => ({
  get: async (id: string, tx?: Tx): Promise<ImportRow | undefined> => {
    const { rows } = await importList.run(db, {}, { where: (bind) => `id = ${bind(id)}`, ...(tx && { tx }) })
    return rows[0]
  },

  /** Until the end of `tx` nobody else changes it. */
  lock: async (id: string, tx: Tx): Promise<void> => {
    await db.query('select from imports where id = $1 for update', [id], { tx })
  },

  /** The latest import that took the same content, or is taking it. */
  previous: async (entity: string, sha256: string, but: string | null, tx?: Tx): Promise<string | null> => {
    const sql = `select id from import_overview where entity = $1 and sha256 = $2 and ($3::uuid is null or id <> $3)
      and status in ('importing', 'finished', 'undoing') order by created_at desc limit 1`
    return (await db.query<{ id: string }>(sql, [entity, sha256, but], { tx }))[0]?.id ?? null
  },

  add: async (made: NewImport, tx: Tx): Promise<string> => {
    const id = newId()
    const { owner, format, columns, mapping, ...plain } = made
    const values = [
      id,
      plain.entity,
      plain.fileId,
      plain.name,
      JSON.stringify(format),
      plain.encoding,
      plain.bytes,
      plain.sha256,
      JSON.stringify(columns),
      JSON.stringify(mapping),
      plain.matchBy,
      plain.onMatch,
      plain.previousImport,
      owner.id,
      owner.displayName,
      plain.keepHours,
    ]
    await db.query(insert, values, { tx })
    return id
  },

  choose: async (id: string, { mapping, matchBy, onMatch }: Choice, tx: Tx): Promise<void> => {
    const sql = 'update imports set mapping = $2, match_by = $3, on_match = $4 where id = $1'
    await db.query(sql, [id, JSON.stringify(mapping), matchBy, onMatch], { tx })
  },

  /** Its latest job of that kind; the time that it is kept begins anew. */
  setJob: async (id: string, which: keyof typeof jobColumns, job: string, keepHours: number, tx: Tx): Promise<void> => {
    const sql = `update imports set ${jobColumns[which]} = $2, expires_at = clock_timestamp() + make_interval(hours => $3) where id = $1`
    await db.query(sql, [id, job, keepHours], { tx })
  },

  setTotal: async (id: string, total: number, tx: Tx): Promise<void> => {
    await db.query('update imports set total = $2 where id = $1', [id, total], { tx })
  },

  clearErrors: async (id: string, tx: Tx): Promise<void> => {
    await db.query(`update imports set errors = '[]' where id = $1`, [id], { tx })
  },

  addErrors: async (id: string, errors: readonly ImportRowError[], tx: Tx): Promise<void> => {
    if (errors.length === 0) return
    await db.query('update imports set errors = errors || $2 where id = $1', [id, JSON.stringify(errors)], { tx })
  },

  /** What was changed before by the same import keeps what it was before that. */
  record: async (id: string, changes: readonly ImportChange[], tx: Tx): Promise<void> => {
    if (changes.length === 0) return
    await db.query(record, [id, JSON.stringify(changes)], { tx })
  },

  /** What the recorded changes add up to. */
  recorded: async (id: string, tx: Tx): Promise<{ created: number; updated: number }> => {
    const sql = `select count(*) filter (where created)::int as created, coalesce(sum(edits), 0)::int as updated
      from import_changes where import_id = $1`
    const [sums] = await db.query<{ created: number; updated: number }>(sql, [id], { tx })
    return sums ?? { created: 0, updated: 0 }
  },

  /** The next changes to take back: of things that were made, or that were there, or of both. */
  nextChanges: (
    id: string,
    made: boolean | null,
    after: string | null,
    limit: number,
    tx: Tx,
  ): Promise<ImportChange[]> => db.query<ImportChange>(next, [id, made, after, limit], { tx }),

  setUndone: async (id: string, undone: readonly { subject: string; outcome: string }[], tx: Tx): Promise<void> => {
    const sql = `update import_changes set undone = outcome from unnest($2::uuid[], $3::text[]) as done (subject, outcome)
      where import_id = $1 and import_changes.subject = done.subject`
    await db.query(sql, [id, undone.map(({ subject }) => subject), undone.map(({ outcome }) => outcome)], { tx })
  },
})

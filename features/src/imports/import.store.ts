import type { ImportRowError, ImportWarning } from '@clientele/contracts/imports/import'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { type Db, newId, type Tx } from '@clientele/platform/data/db'
import { type ImportRow, importList } from './import.list.ts'
import type { ImportChange, MatchOptions, UndoResult } from './import-target.ts'

type StoredField =
  | 'entity'
  | 'name'
  | 'format'
  | 'encoding'
  | 'encodingBy'
  | 'warnings'
  | 'bytes'
  | 'sha256'
  | 'columns'
  | 'previousImport'
  | keyof Choice
export type NewImport = Pick<ImportRow, StoredField> & {
  fileId: string
  owner: Pick<Actor, 'id' | 'displayName'>
  keepHours: number
}
/** The options that a user can change until the commit. */
export type Choice = MatchOptions

const insert = `insert into imports (id, entity, file_id, name, format, encoding, bytes, sha256, columns, mapping, match_by,
  on_match, previous_import, created_by, created_by_name, encoding_by, warnings, country, decimal, tags, preset, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
  $21, clock_timestamp() + make_interval(hours => $22))`

// If others have changed the resource since the last batch, undoing the import does not make it what it was before.
const upsertChanges = `insert into import_changes (import_id, subject, created, base, version, edits, previous)
select $1, subject, created, base, version, edits, previous from json_to_recordset($2)
  as change (subject uuid, created boolean, base integer, version integer, edits integer, previous jsonb)
on conflict (import_id, subject) do update set version = excluded.version, edits = import_changes.edits + excluded.edits,
  base = case when excluded.base = import_changes.version then import_changes.base end,
  previous = excluded.previous || import_changes.previous`

// A resource that other imports have changed since, and whose undo has restored it, is again what it was at the former version.
const selectNextChanges = `with recursive due as (
  select subject, created, base, version, edits, previous from import_changes
  where import_id = $1 and undone is null and ($2::boolean is null or created = $2) and ($3::uuid is null or subject > $3)
  order by subject limit $4 for update
), same (subject, version) as (
  select subject, version from due
  union all
  select same.subject, undone_version from same
    join import_changes as later on later.subject = same.subject and later.base = same.version and later.undone = 'restored'
)
select subject, created, base, (select max(version) from same where same.subject = due.subject) as version, edits, previous
from due order by subject`

const reopenKept = `update import_changes set undone = null where import_id = $1 and subject in
  (select subject from import_changes where import_id = $1 and undone = 'kept' limit $2) returning subject`

const setUndone = `update import_changes set undone = outcome, undone_version = done.version
from unnest($2::uuid[], $3::text[], $4::integer[]) as done (subject, outcome, version)
where import_id = $1 and import_changes.subject = done.subject`

const jobColumns = { check: 'check_job', commit: 'commit_job', undo: 'undo_job' } as const

export type ImportTable = ReturnType<typeof createImportTable>

/** Creates access to the tables `imports` and `import_changes`. */
export const createImportTable = (db: Db) => ({
  get: async (id: string, tx?: Tx): Promise<ImportRow | undefined> => {
    const { rows } = await importList.run(
      db,
      { total: 'none' },
      { where: (bind) => `id = ${bind(id)}`, ...(tx && { tx }) },
    )
    return rows[0]
  },

  /** Locks the import until the end of `tx`. */
  lock: async (id: string, tx: Tx): Promise<void> => {
    await db.query('select from imports where id = $1 for update', [id], { tx })
  },

  /** Returns the id of the latest committed import of the same content, other than `exceptId`. */
  findPrevious: async (entity: string, sha256: string, exceptId: string | null, tx?: Tx): Promise<string | null> => {
    const sql = `select id from import_overview where entity = $1 and sha256 = $2 and ($3::uuid is null or id <> $3)
      and status in ('importing', 'finished', 'undoing') order by created_at desc limit 1`
    return (await db.query<{ id: string }>(sql, [entity, sha256, exceptId], { tx }))[0]?.id ?? null
  },

  /** Stores a new import. @returns its id */
  add: async (newImport: NewImport, tx: Tx): Promise<string> => {
    const id = newId()
    const { owner, format, columns, mapping, ...plain } = newImport
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
      plain.encodingBy,
      JSON.stringify(plain.warnings),
      plain.country,
      plain.decimal,
      plain.tags,
      plain.preset,
      plain.keepHours,
    ]
    await db.query(insert, values, { tx })
    return id
  },

  setChoice: async (id: string, choice: Choice, warnings: readonly ImportWarning[], tx: Tx): Promise<void> => {
    const sql = `update imports set mapping = $2, match_by = $3, on_match = $4, country = $5, decimal = $6, tags = $7, preset = $8,
      warnings = $9 where id = $1`
    const { mapping, matchBy, onMatch, country, decimal, tags, preset } = choice
    const options = [JSON.stringify(mapping), matchBy, onMatch, country, decimal, tags, preset]
    await db.query(sql, [id, ...options, JSON.stringify(warnings)], { tx })
  },

  /** Sets the latest dry run, commit or undo, and the expiry to `keepHours` from now. */
  setJob: async (id: string, kind: keyof typeof jobColumns, job: string, keepHours: number, tx: Tx): Promise<void> => {
    const sql = `update imports set ${jobColumns[kind]} = $2, expires_at = clock_timestamp() + make_interval(hours => $3) where id = $1`
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

  /** Records changes. If the import has changed a resource before, its first previous values are kept. */
  recordChanges: async (id: string, changes: readonly ImportChange[], tx: Tx): Promise<void> => {
    if (changes.length === 0) return
    await db.query(upsertChanges, [id, JSON.stringify(changes)], { tx })
  },

  /** Counts the rows that created and updated resources, according to the recorded changes. */
  sumChanges: async (id: string, tx: Tx): Promise<{ created: number; updated: number }> => {
    const sql = `select count(*) filter (where created)::int as created, coalesce(sum(edits), 0)::int as updated
      from import_changes where import_id = $1`
    const [sums] = await db.query<{ created: number; updated: number }>(sql, [id], { tx })
    return sums ?? { created: 0, updated: 0 }
  },

  /**
   * Returns and locks the next changes to undo, by id after `after`: of created resources (`created` true), of updated ones
   * (false) or of both (null). Their version is the one up to which nobody has changed the resource, apart from imports that were
   * undone.
   */
  nextChanges: (
    id: string,
    created: boolean | null,
    after: string | null,
    limit: number,
    tx: Tx,
  ): Promise<ImportChange[]> => db.query<ImportChange>(selectNextChanges, [id, created, after, limit], { tx }),

  /** Records the outcomes of undone changes, so that `nextChanges` no longer returns them. */
  setUndone: async (id: string, undone: readonly UndoResult[], tx: Tx): Promise<void> => {
    const subjects = undone.map(({ subject }) => subject)
    const versions = undone.map((result) => (result.outcome === 'kept' ? null : result.version))
    await db.query(setUndone, [id, subjects, undone.map(({ outcome }) => outcome), versions], { tx })
  },

  /** Whether an undo has kept resources. */
  hasKept: async (id: string, tx: Tx): Promise<boolean> => {
    const sql = `select from import_changes where import_id = $1 and undone = 'kept' limit 1`
    return (await db.query(sql, [id], { tx })).length > 0
  },

  /** Lets `nextChanges` return up to `limit` changes again that an undo has kept. @returns their number */
  reopenKept: async (id: string, limit: number, tx: Tx): Promise<number> =>
    (await db.query(reopenKept, [id, limit], { tx })).length,
})

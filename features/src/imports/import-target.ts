import type { ImportCounts, OnMatch } from '@clientele/contracts/import'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { KeySet } from './key-set.ts'

/** What is wrong with a field of a row; `field` is absent where it is the row as a whole. */
export type RowProblem = { field?: string; code: string; message: string }

/** A row under the names of its fields: texts in CSV, JSON values otherwise; what is empty in CSV is not there. */
export type FieldValues = Record<string, unknown>

/** A row that was checked, or what is wrong with it. The target alone knows what `input` is. */
export type Checked<I> = { input: I } | { problems: RowProblem[] }

export type RowOutcome = 'created' | 'updated' | 'skipped' | 'failed'
/** What became of a row. */
export type RowResult = { outcome: Exclude<RowOutcome, 'failed'> } | { outcome: 'failed'; problems: RowProblem[] }

/**
 * What a batch did to one thing: its version afwards; `edits` counts its rows that were `updated`; `previous` is what the changed
 * fields of one that was there were before.
 */
export type ImportChange = {
  subject: string
  created: boolean
  version: number
  edits: number
  previous: Record<string, unknown> | null
}

/** `kept`: left as it is, `why` says the reason; with `code` `taken` it is tried once more after the others. */
export type UndoResult =
  | { subject: string; outcome: 'removed' | 'restored' }
  | { subject: string; outcome: 'kept'; why: RowProblem }

/** How rows are to be taken. */
export type Taking = { matchBy: string; onMatch: OnMatch }

/**
 * A resource that can be imported. `apply` takes rows as if they came one after the other, in the transaction of their batch, with
 * their events; what others do at the same time may make a row fail, but not the batch.
 */
export type ImportTarget<I = unknown> = {
  /** `customers` */
  entity: string
  /** Fields that columns can go into, each with other names that columns may have. */
  fields: Record<string, readonly string[]>
  /** Whether a field that is not among `fields` can be mapped too, such as `metadata.size`. */
  takes?(field: string): boolean
  matchBy: readonly [string, ...string[]]
  /** Says more of a column than its name does: `samples` are some of its values. */
  suggest?(mapping: Record<string, string>, samples: readonly FieldValues[]): Record<string, string>
  check(values: FieldValues, taking: Taking): Checked<I>
  /** What `apply` would do. `seen` remembers what earlier rows of the file have made. */
  foresee(inputs: readonly I[], taking: Taking, seen: Map<string, KeySet>): Promise<RowResult[]>
  apply(
    inputs: readonly I[],
    taking: Taking,
    actor: Actor,
    tx: Tx,
  ): Promise<{ results: RowResult[]; changes: ImportChange[] }>
  /** Takes changes back, of which no later one of somebody else is lost. */
  undo(changes: readonly ImportChange[], actor: Actor, tx: Tx): Promise<UndoResult[]>
}

// biome-ignore lint/suspicious/noExplicitAny: what a target checks, only it applies
export type AnyTarget = ImportTarget<any>

export type ImportParts = { db: Db; target: AnyTarget; keepHours: number }

export const noCounts = (): ImportCounts => ({ read: 0, created: 0, updated: 0, skipped: 0, failed: 0 })

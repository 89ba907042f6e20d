import type { ImportCounts, ImportWarning } from '@clientele/contracts/imports/import'
import type { DecimalMark, ImportPreset, OnMatch, TagsMode } from '@clientele/contracts/imports/import-options'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { Presets } from './columns/preset.ts'
import type { KeySet } from './key-set.ts'

/**
 * An error of a row. Without `field` it concerns the whole row, and `message` is a sentence. Otherwise `message` follows the
 * name of the column: `must be a number` is shown as `Price must be a number`.
 */
export type RowProblem = { field?: string; code: string; message: string }

/** The values of a row by field: strings from CSV, JSON values otherwise. Empty cells of CSV are absent. */
export type FieldValues = Record<string, unknown>

/** A valid row in the target's own form, or the problems of an invalid one. */
export type Checked<I> = { input: I } | { problems: RowProblem[] }

export type RowOutcome = 'created' | 'updated' | 'skipped' | 'failed'
/** The result of a row. */
export type RowResult = { outcome: Exclude<RowOutcome, 'failed'> } | { outcome: 'failed'; problems: RowProblem[] }

/**
 * The change of one resource by a batch. `base` is its version before the batch, `version` the one after it, and `edits` is the
 * number of rows that updated it. `previous` has the former values of the changed fields. `base` and `previous` are null if the
 * import created the resource.
 */
export type ImportChange = {
  subject: string
  created: boolean
  base: number | null
  version: number
  edits: number
  previous: Record<string, unknown> | null
}

/**
 * `version` is that of the resource after the undo. `kept`: the resource stays as it is because of `reason`. If the code of `reason` is
 * `taken`, the undo is retried after the others.
 */
export type UndoResult =
  | { subject: string; outcome: 'removed' | 'restored'; version: number }
  | { subject: string; outcome: 'kept'; reason: RowProblem }

/**
 * `matchBy` is the field by which a row finds an existing resource; `onMatch` says what happens to such a row. `country` is that of
 * telephone numbers without a country code, `decimal` the decimal mark of numbers in text, and `tags` says whether the tags of a
 * row replace those of an existing resource. `preset` is the program that exported the file, and `mapping` names columns in messages.
 */
export type MatchOptions = {
  matchBy: string
  onMatch: OnMatch
  country: string | null
  decimal: DecimalMark
  tags: TagsMode
  preset: ImportPreset | null
  mapping: Record<string, string>
}

/** A suggested field for each column, and warnings about columns that were left out because of their values. */
export type Suggestion = { mapping: Record<string, string>; warnings: ImportWarning[] }

/** A kind of resource that can be imported. */
export type ImportTarget<I = unknown> = {
  /** Plural name, for example `customers`. */
  entity: string
  /** The fields that can be imported, each with other names that a column may have. */
  fields: Record<string, readonly string[]>
  /** Whether a field that is not in `fields` can be imported, for example `metadata.size`. */
  acceptsField?(field: string): boolean
  /** The fields that rows can be matched by; the first is the default. */
  matchBy: readonly [string, ...string[]]
  /** The exports of other programs that are recognised by their columns. */
  presets?: Presets
  /** The fields that are decimal numbers. */
  decimals?: readonly string[]
  /** Whether contacts (vCards) can be imported: with `name`, `surname`, `email`, `phone`, `address`, `tags` and `metadata`. */
  takesContacts?: boolean
  /** Improves a suggested mapping by looking at the first rows. */
  suggest?(mapping: Record<string, string>, samples: readonly FieldValues[]): Suggestion
  /** Returns the match key that the first rows have, if it is better than the default. */
  suggestMatchBy?(mapping: Record<string, string>, samples: readonly FieldValues[]): string | undefined
  /** Finds what users should look at in a mapping, from the first rows. */
  warn?(mapping: Record<string, string>, samples: readonly FieldValues[]): ImportWarning[]
  /** Checks the values of a row. */
  check(values: FieldValues, match: MatchOptions): Checked<I>
  /** Returns what a valid row sets, in the form of the API. */
  show(input: I): Record<string, unknown>
  /** Predicts the results of `apply` for the dry run. `seen` has, for each match key, the values that earlier rows would create. */
  preview(inputs: readonly I[], match: MatchOptions, seen: Map<string, KeySet>): Promise<RowResult[]>
  /**
   * Writes rows and their events in the transaction `tx`, with the same result as if they were written one after the other. A
   * conflict with another transaction may fail a row, but not the batch.
   */
  apply(
    inputs: readonly I[],
    match: MatchOptions,
    actor: Actor,
    tx: Tx,
  ): Promise<{ results: RowResult[]; changes: ImportChange[] }>
  /** Undoes changes. Resources that somebody has changed since are kept. */
  undo(changes: readonly ImportChange[], actor: Actor, tx: Tx): Promise<UndoResult[]>
}

// biome-ignore lint/suspicious/noExplicitAny: only the target itself reads the inputs that it has checked
export type AnyTarget = ImportTarget<any>

export type ImportParts = { db: Db; target: AnyTarget; keepHours: number }

/** Creates the counts of an import that has read no rows. */
export const zeroCounts = (): ImportCounts => ({ read: 0, created: 0, updated: 0, skipped: 0, failed: 0 })

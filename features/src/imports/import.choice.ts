import { ImportMapping, type ImportOptions, type ImportPatch } from '@clientele/contracts/import'
import { parseBody } from '@clientele/platform/http/request-parsing'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import type { ImportRow } from './import.list.ts'
import type { Choice } from './import.store.ts'
import type { AnyTarget, FieldValues } from './import-target.ts'
import { suggestForTarget, validateMapping } from './mapping.ts'

const parseMapping = (text: string): ImportMapping => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw fieldProblem('/mapping', 'invalid_json', 'must be a JSON object from column to field')
  }
  return parseBody(ImportMapping, value)
}

const parseMatchBy = ({ matchBy: fields }: AnyTarget, matchBy: string): string => {
  if (fields.includes(matchBy)) return matchBy
  throw fieldProblem('/matchBy', 'invalid_value', `must be one of ${fields.join(', ')}`)
}

/** The choice of an upload: its options and, where it has none, what the columns and first rows suggest. @throws Problem 422 */
export const firstChoice = (
  target: AnyTarget,
  options: ImportOptions,
  columns: readonly string[],
  samples: readonly FieldValues[],
): Choice => {
  const mapping =
    options.mapping === undefined
      ? suggestForTarget(target, columns, samples).mapping
      : validateMapping(target, columns, parseMapping(options.mapping))
  return {
    mapping,
    matchBy:
      options.matchBy === undefined
        ? (target.suggestMatchBy?.(mapping, samples) ?? target.matchBy[0])
        : parseMatchBy(target, options.matchBy),
    onMatch: options.onMatch ?? 'update',
    country: options.country ?? null,
    decimal: options.decimal ?? 'point',
    tags: options.tags ?? 'replace',
  }
}

/** The choice of an import after a change. @throws Problem 422 */
export const changedChoice = (target: AnyTarget, row: ImportRow, patch: ImportPatch): Choice => ({
  mapping: patch.mapping === undefined ? row.mapping : validateMapping(target, row.columns, patch.mapping),
  matchBy: patch.matchBy === undefined ? row.matchBy : parseMatchBy(target, patch.matchBy),
  onMatch: patch.onMatch ?? row.onMatch,
  country: patch.country ?? row.country,
  decimal: patch.decimal ?? row.decimal,
  tags: patch.tags ?? row.tags,
})

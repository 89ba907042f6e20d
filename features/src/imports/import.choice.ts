import { ImportMapping, type ImportOptions, type ImportPatch, type ImportPreset } from '@clientele/contracts/import'
import { parseBody } from '@clientele/platform/http/request-parsing'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import type { ImportRow } from './import.list.ts'
import type { Choice } from './import.store.ts'
import type { AnyTarget, FieldValues } from './import-target.ts'
import { type Mapping, suggestForTarget, validateMapping } from './mapping.ts'
import { recognisePreset } from './preset.ts'

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

/** Returns the preset that was asked for or, without one, the recognised one. */
const presetOf = (
  target: AnyTarget,
  preset: ImportPreset | 'none' | undefined,
  columns: readonly string[],
): ImportPreset | null => {
  if (preset === undefined) return recognisePreset(target.presets, columns)
  if (preset === 'none') return null
  if (target.presets) return preset
  throw fieldProblem('/preset', 'invalid_value', `must be \`none\`, because no exports of ${target.entity} are known`)
}

/** The choice of an upload: its options and, where it has none, what the columns and first rows suggest. @throws Problem 422 */
export const firstChoice = (
  target: AnyTarget,
  options: ImportOptions,
  columns: readonly string[],
  samples: readonly FieldValues[],
): Choice => {
  const preset = presetOf(target, options.preset, columns)
  const mapping =
    options.mapping === undefined
      ? suggestForTarget(target, columns, samples, preset).mapping
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
    preset,
  }
}

/** Another preset suggests another mapping, unless the change has one. */
const changedMapping = (
  target: AnyTarget,
  row: ImportRow,
  { mapping, preset }: ImportPatch,
  samples: readonly FieldValues[],
): Mapping => {
  if (mapping !== undefined) return validateMapping(target, row.columns, mapping)
  if (preset === undefined) return row.mapping
  return suggestForTarget(target, row.columns, samples, presetOf(target, preset, row.columns)).mapping
}

/** The choice of an import after a change. @throws Problem 422 */
export const changedChoice = (
  target: AnyTarget,
  row: ImportRow,
  patch: ImportPatch,
  samples: readonly FieldValues[],
): Choice => ({
  mapping: changedMapping(target, row, patch, samples),
  matchBy: patch.matchBy === undefined ? row.matchBy : parseMatchBy(target, patch.matchBy),
  onMatch: patch.onMatch ?? row.onMatch,
  country: patch.country ?? row.country,
  decimal: patch.decimal ?? row.decimal,
  tags: patch.tags ?? row.tags,
  preset: patch.preset === undefined ? row.preset : presetOf(target, patch.preset, row.columns),
})

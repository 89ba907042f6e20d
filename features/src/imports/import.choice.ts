import type { ImportWarning } from '@clientele/contracts/imports/import'
import {
  ImportMapping,
  type ImportOptions,
  type ImportPatch,
  type ImportPreset,
} from '@clientele/contracts/imports/import-options'
import { parseBody } from '@clientele/platform/http/request-parsing'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import { suggestForTarget, validateMapping } from './columns/mapping.ts'
import { recognisePreset } from './columns/preset.ts'
import type { ImportRow } from './import.list.ts'
import type { Choice } from './import.store.ts'
import type { AnyTarget, FieldValues } from './import-target.ts'

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

/** What is known of a file: its columns, and its first rows. */
type Known = { target: AnyTarget; columns: readonly string[]; samples: readonly FieldValues[] }

/** A choice, and what the suggested mapping for its preset left out and why. */
export type Chosen = { choice: Choice; leftOut: ImportWarning[] }

/** The choice of an upload: its options and, where it has none, what the columns and first rows suggest. @throws Problem 422 */
export const firstChoice = ({ target, columns, samples }: Known, options: ImportOptions): Chosen => {
  const preset = presetOf(target, options.preset, columns)
  const suggestion = suggestForTarget(target, columns, samples, preset)
  const mapping =
    options.mapping === undefined ? suggestion.mapping : validateMapping(target, columns, parseMapping(options.mapping))
  const choice: Choice = {
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
  return { choice, leftOut: suggestion.warnings }
}

/** The choice of an import after a change. Another preset suggests another mapping, unless the change has one. @throws Problem 422 */
export const changedChoice = ({ target, columns, samples }: Known, row: ImportRow, patch: ImportPatch): Chosen => {
  const preset = patch.preset === undefined ? row.preset : presetOf(target, patch.preset, columns)
  const suggestion = suggestForTarget(target, columns, samples, preset)
  const unchanged = patch.preset === undefined ? row.mapping : suggestion.mapping
  const choice: Choice = {
    mapping: patch.mapping === undefined ? unchanged : validateMapping(target, columns, patch.mapping),
    matchBy: patch.matchBy === undefined ? row.matchBy : parseMatchBy(target, patch.matchBy),
    onMatch: patch.onMatch ?? row.onMatch,
    country: patch.country ?? row.country,
    decimal: patch.decimal ?? row.decimal,
    tags: patch.tags ?? row.tags,
    preset,
  }
  return { choice, leftOut: suggestion.warnings }
}

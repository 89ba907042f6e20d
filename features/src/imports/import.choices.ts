import type { ImportPatch, ImportPreset } from '@clientele/contracts/import'
import type { Tx } from '@clientele/platform/data/db'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import type { JobFiles } from '../jobs/job-files.ts'
import type { ImportRow } from './import.list.ts'
import type { Choice } from './import.store.ts'
import type { AnyTarget } from './import-target.ts'
import { type Mapping, suggestForTarget, validateMapping } from './mapping.ts'
import { recognisePreset } from './preset.ts'
import { readStoredSamples } from './samples.ts'

type Deps = { target: AnyTarget; files: JobFiles }

/** Checks the options of an import that can be changed until its commit. The functions throw Problem 422 for those that are wrong. */
export const createChoices = ({ target, files }: Deps) => {
  const matchByOf = (matchBy: string | undefined): string => {
    if (matchBy === undefined) return target.matchBy[0]
    if (target.matchBy.includes(matchBy)) return matchBy
    throw fieldProblem('/matchBy', 'invalid_value', `must be one of ${target.matchBy.join(', ')}`)
  }

  /** Returns the preset that was asked for or, without one, the recognised one. */
  const presetOf = (preset: ImportPreset | 'none' | undefined, columns: readonly string[]): ImportPreset | null => {
    if (preset === undefined) return recognisePreset(target.presets, columns)
    if (preset === 'none') return null
    if (target.presets) return preset
    throw fieldProblem('/preset', 'invalid_value', `must be \`none\`, because no exports of ${target.entity} are known`)
  }

  const mergeMapping = async (row: ImportRow, { mapping, preset }: ImportPatch, tx: Tx): Promise<Mapping> => {
    if (mapping !== undefined) return validateMapping(target, row.columns, mapping)
    if (preset === undefined) return row.mapping
    const samples = await readStoredSamples(files, row, tx)
    return suggestForTarget(target, row.columns, samples, presetOf(preset, row.columns))
  }

  return {
    matchByOf,
    presetOf,

    /** Returns the options with those of a PATCH. Another preset suggests another mapping, unless the PATCH has one. */
    merge: async (row: ImportRow, patch: ImportPatch, tx: Tx): Promise<Choice> => ({
      mapping: await mergeMapping(row, patch, tx),
      matchBy: patch.matchBy === undefined ? row.matchBy : matchByOf(patch.matchBy),
      onMatch: patch.onMatch ?? row.onMatch,
      country: patch.country ?? row.country,
      decimal: patch.decimal ?? row.decimal,
      tags: patch.tags ?? row.tags,
      preset: patch.preset === undefined ? row.preset : presetOf(patch.preset, row.columns),
    }),
  }
}

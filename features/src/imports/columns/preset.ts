import type { ImportPreset } from '@clientele/contracts/imports/import-options'
import { normaliseName } from './suggest-mapping.ts'

/** How the export of another program is recognised and read. Names of columns are compared as those of `ImportTarget.fields`. */
export type Preset = {
  /** Sets of columns; a file that has all columns of a set is such an export. */
  recognisedBy: readonly (readonly string[])[]
  /** Names of columns by field, the better ones first. They precede the names in `ImportTarget.fields`. */
  fields?: Readonly<Record<string, readonly string[]>>
  /** Columns that are not suggested for any field, although their names are known. */
  ignored?: readonly string[]
}

/** The presets of a kind of resource, by name. */
export type Presets = Readonly<Record<ImportPreset, Preset>>
type Recognised = { name: ImportPreset | null; size: number }

/** Recognises the program that exported a file with these columns; null if there is none. The largest set of columns decides. */
export const recognisePreset = (presets: Presets | undefined, columns: readonly string[]): ImportPreset | null => {
  const names = new Set(columns.map(normaliseName))
  const found = Object.entries(presets ?? {}).flatMap(([name, { recognisedBy }]) =>
    recognisedBy
      .filter((set) => set.every((column) => names.has(normaliseName(column))))
      .map((set) => ({ name: name as ImportPreset, size: set.length })),
  )
  return found.reduce((best, each) => (each.size > best.size ? each : best), { name: null, size: 0 } as Recognised).name
}

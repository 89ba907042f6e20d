import type { ImportMapping, ImportPreset } from '@clientele/contracts/imports/import-options'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import { EmptyValues } from '../../tables/row.ts'
import type { AnyTarget, FieldValues, Suggestion } from '../import-target.ts'
import type { Preset } from './preset.ts'
import { normaliseName, suggestMapping } from './suggest-mapping.ts'

/** The field of each column that is imported: `{ 'First name': 'name' }`. */
export type Mapping = Record<string, string>

/** Returns the field of a column. Uses `hasOwn`, because a column may be called `constructor` or `toString`. */
export const mappedField = (mapping: Mapping, column: string): string | undefined =>
  Object.hasOwn(mapping, column) ? mapping[column] : undefined

/** Sorts a mapping by the columns of the file. PostgreSQL sorts the keys of `jsonb` by their length. */
export const inColumnOrder = (mapping: Mapping, columns: readonly string[]): Mapping => {
  const ordered = [...columns.filter((column) => Object.hasOwn(mapping, column)), ...Object.keys(mapping)]
  return Object.fromEntries(ordered.map((column) => [column, mapping[column] as string]))
}

const isFilled = (value: unknown): boolean =>
  value !== undefined && value !== null && (typeof value !== 'string' || value.trim() !== '')

/**
 * Suggests fields by the names of columns: those of the preset before those of the target, and columns that have values in the
 * first rows before those that are empty there.
 */
const suggestByNames = (
  { fields }: AnyTarget,
  columns: readonly string[],
  samples: readonly FieldValues[],
  preset: Preset | undefined,
): Mapping => {
  const filled = columns.filter((column) => samples.some((values) => isFilled(values[column])))
  let mapping: Mapping = {}
  for (const some of filled.length === 0 ? [columns] : [filled, columns])
    for (const names of [preset?.fields ?? {}, fields]) {
      const taken = new Set(Object.values(mapping))
      const open = Object.entries(names).filter(([field]) => !taken.has(field))
      const free = some.filter((column) => mappedField(mapping, column) === undefined)
      mapping = { ...mapping, ...suggestMapping(free, Object.fromEntries(open)) }
    }
  return mapping
}

/** Suggests a mapping from the column names, the preset and, if the target does so, from sample values. */
export const suggestForTarget = (
  target: AnyTarget,
  columns: readonly string[],
  samples: readonly FieldValues[],
  presetName: ImportPreset | null = null,
): Suggestion => {
  const preset = presetName === null ? undefined : target.presets?.[presetName]
  const ignored = new Set(preset?.ignored?.map(normaliseName))
  const usable = columns.filter((column) => !ignored.has(normaliseName(column)))
  const named = suggestByNames(target, usable, samples, preset)
  for (const column of usable)
    if (mappedField(named, column) === undefined && target.acceptsField?.(column)) named[column] = column
  const usableSamples = samples.map((values) => Object.fromEntries(usable.map((column) => [column, values[column]])))
  const { mapping, warnings } = target.suggest?.(named, usableSamples) ?? { mapping: named, warnings: [] }
  return { mapping: inColumnOrder(mapping, columns), warnings }
}

/** The maximum number of keys whose field is cached. */
const maxKeys = 5_000
const pointerTo = (column: string): string => `/mapping/${column.replaceAll('~', '~0').replaceAll('/', '~1')}`

/**
 * Checks a mapping that a user sent.
 * @throws Problem 422 for an unknown column or field, or if two columns are mapped to the same field
 */
export const validateMapping = (target: AnyTarget, columns: readonly string[], requested: ImportMapping): Mapping => {
  const mapping: [string, string][] = []
  const taken = new Set<string>()
  for (const [column, field] of Object.entries(requested)) {
    if (!columns.includes(column) && columns.length > 0 && !target.acceptsField?.(column) && field !== null) {
      // `columns` has only the keys of the first rows of a JSON file. Later rows may have other keys.
      if (!/^[\w.$-]{1,200}$/.test(column))
        throw fieldProblem(pointerTo(column), 'unknown_column', 'is not a column of the file')
    }
    if (field === null) continue
    if (!Object.hasOwn(target.fields, field) && !target.acceptsField?.(field))
      throw fieldProblem(pointerTo(column), 'unknown_field', 'is not a field that can be imported')
    if (taken.has(field))
      throw fieldProblem(pointerTo(column), 'repeated', 'is a field that another column is mapped to')
    taken.add(field)
    mapping.push([column, field])
  }
  if (taken.size === 0) throw fieldProblem('/mapping', 'empty', 'must map at least one column to a field')
  return Object.fromEntries(mapping)
}

type MapperOptions = { target: AnyTarget; mapping: Mapping; columns: readonly string[]; hasOpenKeys: boolean }

/**
 * Creates a function that maps the columns of a row to fields and drops empty values. If rows may have keys that are not in
 * `columns` (`hasOpenKeys`, for JSON), such a key is mapped by its name, unless its field is mapped already.
 */
export const createMapper = ({ target, mapping, columns, hasOpenKeys }: MapperOptions) => {
  const fieldOf = new Map<string, string | undefined>(columns.map((column) => [column, mappedField(mapping, column)]))
  for (const [column, field] of Object.entries(mapping)) fieldOf.set(column, field)
  const taken = new Set(Object.values(mapping))
  const mapLateKey = (key: string): string | undefined => {
    const field = mappedField(suggestForTarget(target, [key], []).mapping, key)
    const unusedField = field !== undefined && !taken.has(field) ? field : undefined
    if (unusedField !== undefined) taken.add(unusedField)
    if (fieldOf.size < maxKeys) fieldOf.set(key, unusedField)
    return unusedField
  }
  return (values: Record<string, unknown>): FieldValues => {
    const mapped = new EmptyValues()
    for (const key in values) {
      const field = hasOpenKeys && !fieldOf.has(key) ? mapLateKey(key) : fieldOf.get(key)
      const value = values[key]
      if (field === undefined || value === undefined) continue
      if (typeof value !== 'string' || value.trim() !== '') mapped[field] = value
    }
    return mapped
  }
}

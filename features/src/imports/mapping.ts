import type { ImportMapping } from '@clientele/contracts/import'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import { EmptyValues } from '../tables/row.ts'
import type { AnyTarget, FieldValues } from './import-target.ts'
import { suggestMapping } from './suggest-mapping.ts'

/** Which field a column goes into; what goes nowhere is not there. */
export type Mapping = Record<string, string>

// A column may be called like something that every object has.
export const fieldIn = (mapping: Mapping, column: string): string | undefined =>
  Object.hasOwn(mapping, column) ? mapping[column] : undefined

/** A suggestion from names and, where the target knows more, from values. */
export const suggested = (target: AnyTarget, columns: readonly string[], samples: readonly FieldValues[]): Mapping => {
  const named = suggestMapping(columns, target.fields)
  for (const column of columns)
    if (fieldIn(named, column) === undefined && target.takes?.(column)) named[column] = column
  return target.suggest?.(named, samples) ?? named
}

const mostKeys = 5_000
const pointerTo = (column: string): string => `/mapping/${column.replaceAll('~', '~0').replaceAll('/', '~1')}`

/** A mapping that somebody chose. @throws Problem 422 for an unknown field, or one that two columns go into */
export const chosenMapping = (target: AnyTarget, columns: readonly string[], chosen: ImportMapping): Mapping => {
  const mapping: [string, string][] = []
  const taken = new Set<string>()
  for (const [column, field] of Object.entries(chosen)) {
    if (!columns.includes(column) && columns.length > 0 && !target.takes?.(column) && field !== null) {
      // Keys of later rows of a JSON file are not among the columns that were seen.
      if (!/^[\w.$-]{1,200}$/.test(column)) throw fieldProblem(pointerTo(column), 'unknown_column', 'is no column')
    }
    if (field === null) continue
    if (!Object.hasOwn(target.fields, field) && !target.takes?.(field))
      throw fieldProblem(pointerTo(column), 'unknown_field', 'is not a field that can be imported')
    if (taken.has(field)) throw fieldProblem(pointerTo(column), 'repeated', 'another column goes into this field')
    taken.add(field)
    mapping.push([column, field])
  }
  if (taken.size === 0) throw fieldProblem('/mapping', 'empty', 'must send one column at least into a field')
  return Object.fromEntries(mapping)
}

type MapperOptions = { target: AnyTarget; mapping: Mapping; columns: readonly string[]; isOpen: boolean }

/**
 * Makes field values of a row's; an empty text is not there. Where rows are objects (`isOpen`), a key that comes only later goes where
 * its name says, if no column goes there.
 */
export const mapper = ({ target, mapping, columns, isOpen }: MapperOptions) => {
  const fieldOf = new Map<string, string | undefined>(columns.map((column) => [column, fieldIn(mapping, column)]))
  for (const [column, field] of Object.entries(mapping)) fieldOf.set(column, field)
  const taken = new Set(Object.values(mapping))
  const late = (key: string): string | undefined => {
    const field = fieldIn(suggested(target, [key], []), key)
    const free = field !== undefined && !taken.has(field) ? field : undefined
    if (free !== undefined) taken.add(free)
    if (fieldOf.size < mostKeys) fieldOf.set(key, free)
    return free
  }
  return (values: Record<string, unknown>): FieldValues => {
    const mapped = new EmptyValues()
    for (const key in values) {
      const field = isOpen && !fieldOf.has(key) ? late(key) : fieldOf.get(key)
      const value = values[key]
      if (field === undefined || value === undefined) continue
      if (typeof value !== 'string' || value.trim() !== '') mapped[field] = value
    }
    return mapped
  }
}

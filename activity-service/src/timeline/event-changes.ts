import { isDeepStrictEqual } from 'node:util'
import { type EventChange, maxChanges, maxChangeText } from '@clientele/contracts/activity'
import { z } from 'zod'

const Changed = z.looseObject({
  changed: z.array(z.string()).catch([]),
  previous: z.record(z.string(), z.unknown()).catch({}),
})

/** Cuts a text, and says so by its last character. */
export const cutText = (text: string): string =>
  text.length <= maxChangeText ? text : `${text.slice(0, maxChangeText - 1).replace(/[\ud800-\udbff]$/, '')}…`

type Fields = Record<string, unknown>
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const shownItem = (value: unknown): unknown => {
  if (typeof value === 'string') return cutText(value)
  return typeof value === 'object' && value !== null ? cutText(JSON.stringify(value)) : (value ?? null)
}
const shownValue = (value: unknown): unknown =>
  Array.isArray(value) ? value.slice(0, maxChanges).map(shownItem) : shownItem(value)

const changeOf = (field: string, from: unknown, to: unknown): EventChange => ({
  field: cutText(field),
  from: shownValue(from),
  to: shownValue(to),
})

/** The changes within two objects, or from none to one. */
const changesWithin = (field: string, from: Fields, to: Fields): EventChange[] =>
  Object.keys({ ...from, ...to })
    .filter((name) => !isDeepStrictEqual(from[name], to[name]))
    .map((name) => changeOf(`${field}.${name}`, from[name], to[name]))

const changesOf = (field: string, from: unknown, to: unknown): EventChange[] => {
  const isWithin = (isFields(from) || isFields(to)) && [from, to].every((each) => isFields(each) || each == null)
  return isWithin
    ? changesWithin(field, isFields(from) ? from : {}, isFields(to) ? to : {})
    : [changeOf(field, from, to)]
}

/** What an event has changed, from its data: the names in `changed` with their values in `previous` and in the data itself. */
export const eventChanges = (data: Fields): EventChange[] => {
  const { changed, previous } = Changed.parse({ changed: data['changed'], previous: data['previous'] })
  return changed
    .slice(0, maxChanges)
    .flatMap((field) => changesOf(field, previous[field], data[field]))
    .slice(0, maxChanges)
}

import type { EventAbout } from '@clientele/contracts/activity'
import { kindOf } from '../events/event.kinds.ts'
import { cutText } from './event-changes.ts'

type Data = Record<string, unknown>
type Text = Exclude<keyof EventAbout, 'kind' | 'id' | 'label' | 'stock' | 'delta'>

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? cutText(value) : undefined
const first = (...values: unknown[]): string | null => values.map(textOf).find((text) => text !== undefined) ?? null

/** What a record is called, and the fields that a line about it shows, by the kind of the record. */
const shown: Record<string, { label: (data: Data) => string | null; fields: readonly Text[] }> = {
  customer: {
    label: ({ name, surname, code }) => first([name, surname].filter((part) => textOf(part)).join(' '), code),
    fields: ['code'],
  },
  product: { label: ({ name, sku }) => first(name, sku), fields: ['sku'] },
  order: { label: ({ number }) => first(number), fields: ['number', 'total', 'currency', 'status'] },
  notification: {
    label: ({ orderNumber }) => first(orderNumber),
    fields: ['channel', 'status', 'reason', 'orderNumber'],
  },
  user: { label: ({ displayName, username }) => first(displayName, username), fields: ['role'] },
  media: { label: () => null, fields: ['reason'] },
  import: { label: ({ entity }) => first(entity), fields: ['status'] },
  webhook: { label: ({ description, url }) => first(description, url), fields: ['reason'] },
}

const wholeNumber = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) ? (value as number) : undefined

const stockOf = (data: Data): Pick<EventAbout, 'stock' | 'delta'> => {
  const { movement } = data
  const isMovement = typeof movement === 'object' && movement !== null
  const delta = isMovement && 'delta' in movement ? wholeNumber(movement.delta) : undefined
  const stock = isMovement ? wholeNumber(data['stock']) : undefined
  return { ...(stock !== undefined && { stock }), ...(delta !== undefined && { delta }) }
}

/** What a line about an event says, from the data of the event or from what was kept of it. */
export const eventAbout = (type: string, subject: string, data: Data): EventAbout => {
  const kind = kindOf(type)
  const { label, fields = [] } = (Object.hasOwn(shown, kind) ? shown[kind] : undefined) ?? {}
  const texts = fields.flatMap((name) => {
    const text = textOf(data[name])
    return text === undefined ? [] : [[name, text] as const]
  })
  return { kind, id: subject, label: label?.(data) ?? null, ...Object.fromEntries(texts), ...stockOf(data) }
}

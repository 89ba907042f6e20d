import { setTimeout as pause } from 'node:timers/promises'
import { type CustomerEventData, customerUpdated } from '@clientele/contracts/customer'

/** The time in µs of a clock that all processes of the machine share. */
export const now = (): number => Number(process.hrtime.bigint() / 1_000n)

/** Events to send: numbers `from` to `from + count - 1`, evenly spaced at `perSecond`. */
export type Burst = { from: number; count: number; perSecond: number }

/** Calls `send` when each number is due, without waiting for earlier ones. Rejects with the first failure. */
export const sendAtRate = async (
  { from, count, perSecond }: Burst,
  send: (n: number) => Promise<void>,
): Promise<void> => {
  const start = now()
  const sent: Promise<void>[] = []
  for (let n = 0; n < count; n += 1) {
    const waitMs = (start + (n * 1e6) / perSecond - now()) / 1_000
    if (waitMs > 0) await pause(waitMs)
    sent.push(send(from + n))
  }
  await Promise.all(sent)
}

/** Collects the times of numbered events. */
export const createTimestamps = () => {
  const times = new Map<number, number>()
  let look = () => {}
  return {
    note: (n: number): void => {
      if (!times.has(n)) times.set(n, now())
      look()
    },
    /** Resolves to the times of a burst's events in order, once all are known. */
    take: async ({ from, count }: Burst): Promise<(number | undefined)[]> => {
      const all = Array.from({ length: count }, (_, n) => from + n)
      const { promise, resolve } = Promise.withResolvers<void>()
      look = () => {
        if (times.size >= count && all.every((n) => times.has(n))) resolve()
      }
      look()
      await promise
      look = () => {}
      const taken = all.map((n) => times.get(n))
      times.clear()
      return taken
    },
  }
}

const subjects = Array.from({ length: 500 }, (_, n) => `01902f3c-5a7e-7c11-b3a4-${n.toString(16).padStart(12, '0')}`)
const actor = { id: '01902f3c-5a7e-7c11-b3a4-6f0d2c9e8b72', displayName: 'Test Person' }

/** The event with that number: a change of one of 500 customers, about 800 bytes. Its version is the number. */
export const numberedEvent = (n: number) => {
  const at = '2026-01-01T00:00:00.000Z'
  const customer = {
    id: subjects[n % subjects.length] ?? '',
    code: `CUS-${n % subjects.length}`,
    externalId: null,
    name: 'Ana',
    surname: 'Lovelace',
    email: 'ana.lovelace@example.com',
    phone: '+34600000123',
    photoMediaId: null,
    tags: ['regular', 'newsletter'],
    userId: null,
    address: { street: 'Calle de la Princesa 12', city: 'Madrid', postalCode: '28008', country: 'ES' },
    locale: 'es-ES',
    smsOptOut: false,
    metadata: {},
    createdAt: at,
    createdBy: actor,
    updatedAt: at,
    updatedBy: actor,
    deletedAt: null,
    version: n,
  } as CustomerEventData
  return customerUpdated.of(customer, actor, { changed: ['phone'], previous: { phone: '+34600000122' } })
}

import type { Db } from '@clientele/platform/data/db'
import { createLargeTotals } from '../src/lists/large-lists.ts'

const db = {} as Db
const key = 'all customers'

describe('which lists have more rows than are counted', () => {
  const { now } = Date
  const at = (ms: number) => {
    Date.now = () => ms
  }
  beforeEach(() => at(0))
  afterEach(() => {
    Date.now = now
  })

  it('is remembered for half a minute', () => {
    const totals = createLargeTotals()
    expect(totals.has(db, key)).toBe(false)
    totals.note(db, key, true)
    expect(totals.has(db, key)).toBe(true)
    expect(totals.has({} as Db, key)).toBe(false)
    at(61_000)
    expect(totals.has(db, key)).toBe(false)
  })

  it('is counted anew by one request, while the others go by what was known', () => {
    const totals = createLargeTotals()
    totals.note(db, key, true)
    at(31_000)
    expect([1, 2, 3].map(() => totals.has(db, key))).toEqual([false, true, true])
    totals.note(db, key, true)
    at(60_000)
    expect(totals.has(db, key)).toBe(true)
  })

  it('is counted by another where that one never ended, and forgotten once it is few', () => {
    const totals = createLargeTotals()
    totals.note(db, key, true)
    at(31_000)
    expect(totals.has(db, key)).toBe(false)
    at(34_000)
    expect(totals.has(db, key)).toBe(false)
    totals.note(db, key, false)
    expect(totals.has(db, key)).toBe(false)
  })

  it('is not remembered for a thousand lists and one', () => {
    const totals = createLargeTotals()
    for (let n = 0; n <= 1_000; n += 1) totals.note(db, `list ${n}`, true)
    expect([0, 1, 1_000].map((n) => totals.has(db, `list ${n}`))).toEqual([false, true, true])
  })
})

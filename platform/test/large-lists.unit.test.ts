import type { Db } from '@clientele/platform/data/db'
import { createLargeListCache } from '../src/lists/large-lists.ts'

const db = {} as Db
const key = 'all customers'

describe('Cache of large lists', () => {
  const { now } = Date
  const setTime = (ms: number) => {
    Date.now = () => ms
  }
  beforeEach(() => setTime(0))
  afterEach(() => {
    Date.now = now
  })

  it('a large list is remembered for 30 s', () => {
    const cache = createLargeListCache()
    expect(cache.has(db, key, 1_000)).toBe(false)
    cache.set(db, key, 10_000)
    expect(cache.has(db, key, 1_000)).toBe(true)
    expect(cache.has({} as Db, key, 1_000)).toBe(false)
    setTime(61_000)
    expect(cache.has(db, key, 1_000)).toBe(false)
  })

  it('a list is remembered for counts up to its bound', () => {
    const cache = createLargeListCache()
    cache.set(db, key, 1_000)
    expect([0, 1_000, 10_000].map((count) => cache.has(db, key, count))).toEqual([true, true, false])
  })

  it('after 30 s one request counts again while the others use the cached result', () => {
    const cache = createLargeListCache()
    cache.set(db, key, 10_000)
    setTime(31_000)
    expect([1, 2, 3].map(() => cache.has(db, key, 1_000))).toEqual([false, true, true])
    cache.set(db, key, 10_000)
    setTime(60_000)
    expect(cache.has(db, key, 1_000)).toBe(true)
  })

  it('another request counts if the first count does not end, and a small list is removed from the cache', () => {
    const cache = createLargeListCache()
    cache.set(db, key, 10_000)
    setTime(31_000)
    expect(cache.has(db, key, 1_000)).toBe(false)
    setTime(34_000)
    expect(cache.has(db, key, 1_000)).toBe(false)
    cache.set(db, key, false)
    expect(cache.has(db, key, 1_000)).toBe(false)
  })

  it('the cache keeps at most 1,000 lists', () => {
    const cache = createLargeListCache()
    for (let n = 0; n <= 1_000; n += 1) cache.set(db, `list ${n}`, 10_000)
    expect([0, 1, 1_000].map((n) => cache.has(db, `list ${n}`, 1_000))).toEqual([false, true, true])
  })
})

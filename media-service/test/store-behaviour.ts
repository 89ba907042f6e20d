import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../src/storage/store.ts'

const contentType = 'application/octet-stream'
const readAll = async (store: Store, key: string): Promise<Buffer> =>
  Buffer.concat((await (await store.read(key))?.toArray()) ?? [])
const listKeys = async (store: Store, prefix = '') => {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys.sort()
}

/** The tests that every store has to pass; `make` makes an empty one. */
export const describeStore = (name: string, make: () => Store): void =>
  describe(`The ${name} store`, () => {
    let store: Store
    const data = randomBytes(700_000)
    beforeAll(() => {
      store = make()
    })

    it('read returns a written object, whole or in part, and list returns its key', async () => {
      await store.write('aa/bb/one.original', Readable.from([data.subarray(0, 300_000), data.subarray(300_000)]), {
        contentType,
      })
      expect((await readAll(store, 'aa/bb/one.original')).equals(data)).toBe(true)
      const part = await store.read('aa/bb/one.original', { start: 1_000, end: 400_999 })
      expect(Buffer.concat((await part?.toArray()) ?? []).equals(data.subarray(1_000, 401_000))).toBe(true)
      await store.write('cc/two.original', Readable.from([data]), { contentType })
      expect(await listKeys(store)).toEqual(['aa/bb/one.original', 'cc/two.original'])
      expect(await listKeys(store, 'aa')).toEqual(['aa/bb/one.original'])
      expect(await listKeys(store, 'zz')).toEqual([])
      for await (const { modifiedAt } of store.list('')) expect(Math.abs(Date.now() - modifiedAt)).toBeLessThan(60_000)
    })

    it('read returns undefined for an unknown key, and remove succeeds twice', async () => {
      expect(await store.read('aa/none')).toBeUndefined()
      await store.write('aa/gone', Readable.from([data]), { contentType })
      await store.remove('aa/gone')
      await store.remove('aa/gone')
      expect(await store.read('aa/gone')).toBeUndefined()
    })

    it('write with replace replaces an object', async () => {
      await store.write('aa/twice', Readable.from([data]), { contentType })
      await store.write('aa/twice', Readable.from([Buffer.from('new')]), { contentType, replace: true })
      expect((await readAll(store, 'aa/twice')).toString()).toBe('new')
    })

    it('a failed or aborted write leaves no object', async () => {
      const failing = async function* () {
        yield data
        throw new Error('the source failed')
      }
      await expect(store.write('aa/failed', failing(), { contentType })).rejects.toThrow('the source failed')
      const ended = new AbortController()
      const endless = async function* () {
        yield data
        ended.abort()
        for (;;) yield data
      }
      await expect(store.write('aa/aborted', endless(), { contentType, signal: ended.signal })).rejects.toThrow()
      expect(await store.read('aa/failed')).toBeUndefined()
      expect(await store.read('aa/aborted')).toBeUndefined()
      expect(await listKeys(store, 'part')).toEqual([])
    })

    it('a write whose source fails before the file is open leaves no partial file', async () => {
      const refused = async function* () {
        yield await Promise.reject<Buffer>(new Error('refused'))
      }
      const { open } = fs
      const slowOpen = import.meta.jest.spyOn(fs, 'open').mockImplementation(((...args: Parameters<typeof open>) => {
        setTimeout(() => open(...args), 50)
      }) as typeof open)
      await expect(store.write('aa/refused', refused(), { contentType })).rejects.toThrow('refused')
      await sleep(200)
      slowOpen.mockRestore()
      expect(await listKeys(store, 'part')).toEqual([])
      expect(await store.read('aa/refused')).toBeUndefined()
    })

    it.each(['../x', '/etc/passwd', 'a/../../x', 'a//b', '', '.', 'a\0b', 'A', 'a/.hidden', `${'a/'.repeat(9)}a`])(
      'read and write reject the key %j',
      async (key) => {
        await expect((async () => store.read(key))()).rejects.toThrow('not a storage key')
        await expect(store.write(key, Readable.from([data]), { contentType })).rejects.toThrow('not a storage key')
      },
    )

    it('ping resolves for a usable store', async () => {
      await expect(store.ping()).resolves.toBeUndefined()
    })
  })

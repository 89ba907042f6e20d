import type { Readable } from 'node:stream'

/** An object as a listing shows it; `modifiedAt` is in milliseconds since 1970. */
export type StoredObject = { key: string; modifiedAt: number }

/** First and last byte, both included. */
export type ByteRange = { start: number; end: number }

type WriteOptions = {
  contentType: string
  signal?: AbortSignal
  /** The key may be taken already, by an earlier attempt; without it a store may refuse that. */
  replace?: boolean
}

/** Where bytes are kept. Keys are lower-case letters, digits, `-`, `.` and `/`. */
export type Store = {
  /** Streams `source` into a new object; when it rejects there is no such object. */
  write(key: string, source: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<void>
  /** The bytes, or undefined where there is no such object. */
  read(key: string, range?: ByteRange): Promise<Readable | undefined>
  /** Removing what is not there is fine. */
  remove(key: string): Promise<void>
  list(prefix: string): AsyncIterable<StoredObject>
  /** Rejects when the store cannot be used. */
  ping(): Promise<void>
  /** An address that serves the object directly until it expires, where the store has such. */
  signedUrl?(key: string, options: { ttlSeconds: number; disposition: string; contentType: string }): Promise<string>
}

const keyPattern = /^[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)?(\/[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)?){0,4}$/

/** @throws Error for a key that could mean anything but a place in the store */
export const checkedKey = (key: string): string => {
  if (!keyPattern.test(key)) throw new Error('not a storage key')
  return key
}

/** Like `read`, for what must be there. @throws Error */
export const readStored = async (store: Store, key: string): Promise<Readable> => {
  const source = await store.read(key)
  if (!source) throw new Error('object is not in the store')
  return source
}

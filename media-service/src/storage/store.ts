import type { Readable } from 'node:stream'

/** An object in a listing; `modifiedAt` in milliseconds since 1970. */
export type StoredObject = { key: string; modifiedAt: number }

/** The first and the last byte, both included. */
export type ByteRange = { start: number; end: number }

type WriteOptions = {
  contentType: string
  signal?: AbortSignal
  /** Replaces an object that an earlier attempt has written. Without it, a store may refuse a key that exists. */
  replace?: boolean
}

/** Stores the content of images. Keys consist of lower-case letters, digits, `-`, `.` and `/`. */
export type Store = {
  /** Streams `source` into a new object. If it rejects, the object does not exist. */
  write(key: string, source: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<void>
  /** Opens the content of an object; undefined if there is none. */
  read(key: string, range?: ByteRange): Promise<Readable | undefined>
  /** Removes an object, if it exists. */
  remove(key: string): Promise<void>
  list(prefix: string): AsyncIterable<StoredObject>
  /** Rejects when the store cannot be used. */
  ping(): Promise<void>
  /** A URL that serves the object directly until it expires. Not every store has one. */
  signedUrl?(key: string, options: { ttlSeconds: number; disposition: string; contentType: string }): Promise<string>
}

const keyPattern = /^[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)?(\/[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)?){0,4}$/

/** Returns the key. @throws Error if it could lead out of the store, such as `../x` */
export const validateKey = (key: string): string => {
  if (!keyPattern.test(key)) throw new Error('not a storage key')
  return key
}

/** Like `read`, for an object that must exist. @throws Error */
export const readExisting = async (store: Store, key: string): Promise<Readable> => {
  const source = await store.read(key)
  if (!source) throw new Error('object not found in the store')
  return source
}

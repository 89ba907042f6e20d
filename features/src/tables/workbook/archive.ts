import { once } from 'node:events'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { type Entry, open, type ZipFile } from 'yauzl'
import { FileError } from '../row.ts'

const openZip = promisify<string, { lazyEntries: true; autoClose: false }, ZipFile>(open)

const maxEntries = 10_000
/** The ratio is checked only beyond this, because small files of repeated text compress well. */
const freeBytes = 20 << 20
const maxRatio = 400

/**
 * What may be unpacked from an archive, in bytes. It is shared by all members that are read, so that an archive cannot hide its size
 * in many of them.
 */
export type UnpackLimits = { maxBytes: number; packedBytes: number }

/** A ZIP archive. Names are compared without case and have `/` between folders. */
export type Archive = {
  /** The names of the members, without folders. */
  names: readonly string[]
  has(name: string): boolean
  /** Unpacks a member. @throws FileError while it is read if the archive is damaged, or unpacks to more than the limits allow */
  read(name: string): AsyncGenerator<Buffer, void, void>
  close(): void
}

const damaged = (): FileError =>
  new FileError('bad_archive', 'the file is damaged or incomplete; save it again, or send it as CSV')

const listEntries = async (zip: ZipFile): Promise<Entry[]> => {
  if (zip.entryCount > maxEntries)
    throw new FileError('too_large', `the archive has more than ${maxEntries} members; send the table alone`)
  const entries: Entry[] = []
  const ended = once(zip, 'end')
  zip.on('entry', (entry: Entry) => {
    entries.push(entry)
    zip.readEntry()
  })
  zip.readEntry()
  await ended
  return entries
}

/**
 * Opens a ZIP archive.
 * @throws FileError if it is damaged
 */
export const openArchive = async (path: string, { maxBytes, packedBytes }: UnpackLimits): Promise<Archive> => {
  const zip = await openZip(path, { lazyEntries: true, autoClose: false }).catch(() => {
    throw damaged()
  })
  const entries = await listEntries(zip).catch((error: unknown) => {
    zip.close()
    throw error instanceof FileError ? error : damaged()
  })
  const files = entries.filter(({ fileName }) => !fileName.endsWith('/'))
  const byName = new Map(files.map((entry) => [entry.fileName.toLowerCase(), entry]))
  const openStream = promisify(zip.openReadStream.bind(zip) as (entry: Entry, done: StreamCallback) => void)
  let unpackedBytes = 0

  const count = (bytes: number): void => {
    unpackedBytes += bytes
    if (unpackedBytes > maxBytes)
      throw new FileError('too_large', `the file has more than ${maxBytes} bytes after decompression`)
    if (unpackedBytes > freeBytes && unpackedBytes > packedBytes * maxRatio)
      throw new FileError('too_large', `the file is compressed more than ${maxRatio} times; send it as CSV`)
  }

  return {
    names: files.map(({ fileName }) => fileName),
    has: (name) => byName.has(name.toLowerCase()),
    read: async function* (name) {
      const entry = byName.get(name.toLowerCase())
      if (!entry) throw damaged()
      if (entry.isEncrypted())
        throw new FileError('unknown_format', 'the file has a password; remove the password, and send it again')
      let checksum = 0
      try {
        const stream = await openStream(entry)
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          count(chunk.length)
          checksum = crc32(chunk, checksum)
          yield chunk
        }
      } catch (error) {
        throw error instanceof FileError ? error : damaged()
      }
      if (checksum !== entry.crc32) throw damaged()
    },
    close: () => zip.close(),
  }
}

type StreamCallback = (error: Error | null, stream: NodeJS.ReadableStream) => void

import { createHash } from 'node:crypto'
import type { EncodingSource } from '@clientele/contracts/imports/import'
import type { Db } from '@clientele/platform/data/db'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { JobQuota } from '../jobs/job.quota.ts'
import type { JobFiles } from '../jobs/job-files.ts'
import { decodeText } from '../tables/decoding/text-decoding.ts'
import { FileError, type FileErrorCode } from '../tables/row.ts'
import { convertContacts } from '../tables/vcard.ts'
import type { WorkbookInfo } from '../tables/workbook/workbook-text.ts'

/** The size of every chunk except the last. The chunk that contains a byte is found by division. */
const chunkBytes = 1 << 20
const sampleBytes = 64 << 10
/** The time for which a file that no import uses is kept. */
const unusedFileHours = 1

/** A received file, stored as UTF-8. `sample` has its first bytes and `tail` its last ones. */
export type ReceivedFile = {
  id: string
  bytes: number
  sha256: string
  encoding: string
  encodingBy: EncodingSource
  sample: Buffer
  tail: Buffer
  /** The sheet that was read, if the file is a workbook. */
  workbook?: WorkbookInfo | undefined
  /** `vcard` if the file is a list of contacts, which is stored as NDJSON. */
  source?: 'vcard' | undefined
}

/** Converts the error of a file to the problem that its uploader gets. */
export const toFileProblem = (error: FileError, limit: number): Problem => {
  const { code, message, position } = error
  if (code === 'too_large')
    return new Problem('too_large', {
      detail: position.limit ? message : `the file may have at most ${limit} bytes, also after decompression`,
      extra: { limit: position.limit ?? limit },
    })
  return fieldProblem(pointers[code] ?? '/file', code, message)
}

const pointers: Partial<Record<FileErrorCode, string>> = { unknown_charset: '/encoding', unknown_sheet: '/sheet' }

type ReceiveOptions = {
  ownerId: string
  name: string
  encoding: string | undefined
  sheet: string | undefined
  maxBytes: number
  /** Whether contacts are rows of the table; otherwise they are refused. */
  takesContacts: boolean
}
type Stores = { db: Db; files: JobFiles; quota: JobQuota }

/**
 * Decodes a file and stores it as UTF-8 while it arrives, with at most one chunk in memory. Deletes it if the upload fails.
 * @throws Problem 413, 422, 429, 507
 */
export const receiveFile = async (
  { db, files, quota }: Stores,
  bytesOfFile: AsyncIterable<Uint8Array>,
  { ownerId, name, encoding, sheet, maxBytes, takesContacts }: ReceiveOptions,
): Promise<ReceivedFile> => {
  const id = await db.transaction(async (tx) => {
    await quota.assertMayStore(ownerId, {}, tx)
    const contentType = 'text/plain; charset=utf-8'
    return files.create({ name, contentType, keepHours: unusedFileHours, ownerId }, tx)
  })
  const hash = createHash('sha256')
  let bytes = 0
  let position = 0
  let sample = Buffer.alloc(0)
  let tail: Buffer = Buffer.alloc(0)
  let pending: Buffer[] = []
  let pendingBytes = 0
  const store = async (chunk: Buffer): Promise<void> => {
    hash.update(chunk)
    bytes += chunk.length
    await files.append(id, position, chunk)
    position += 1
  }
  try {
    const decoded = await decodeText(bytesOfFile, { charset: encoding, sheet, maxBytes })
    const { text: table, source } = await convertContacts(decoded.text)
    if (source && !takesContacts) throw new FileError('unknown_format', 'the file is a list of contacts; send a table')
    for await (const text of table) {
      if (sample.length < sampleBytes) sample = Buffer.concat([sample, text]).subarray(0, sampleBytes)
      tail = text.length >= sampleBytes ? text : Buffer.concat([tail.subarray(-sampleBytes), text])
      pending.push(text)
      pendingBytes += text.length
      while (pendingBytes >= chunkBytes) {
        const all = Buffer.concat(pending)
        await store(all.subarray(0, chunkBytes))
        pending = [all.subarray(chunkBytes)]
        pendingBytes -= chunkBytes
      }
      // UTF-8 can be longer than the encoding of the upload.
      if (bytes + pendingBytes > maxBytes) throw new FileError('too_large', `the file has more than ${maxBytes} bytes`)
    }
    if (pendingBytes > 0) await store(Buffer.concat(pending))
    const sha256 = hash.digest('hex')
    await db.transaction(async (tx) => {
      await quota.assertMayStore(ownerId, { bytes, exceptId: id }, tx)
      await files.complete(id, { bytes, sha256, keepHours: unusedFileHours }, tx)
    })
    const { name: charset, by } = decoded.charset()
    return {
      ...{ id, bytes, sha256, encoding: charset, encodingBy: by, workbook: decoded.workbook, source },
      ...{ sample, tail: tail.subarray(-sampleBytes) },
    }
  } catch (error) {
    await files.remove(id).catch(() => {})
    throw error instanceof FileError ? toFileProblem(error, maxBytes) : error
  }
}

/** Reads the text of an import's file from the offset `byte` on. */
export async function* readFileFrom(files: JobFiles, id: string, byte = 0): AsyncGenerator<Buffer, void, void> {
  const offsetInChunk = byte % chunkBytes
  let first = true
  for await (const chunk of files.read(id, Math.floor(byte / chunkBytes))) {
    yield first ? chunk.subarray(offsetInChunk) : chunk
    first = false
  }
}

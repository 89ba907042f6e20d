import { createHash } from 'node:crypto'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { JobFiles } from '../jobs/job-files.ts'
import { FileFault } from '../tables/row.ts'
import { decodeText } from '../tables/text-decoding.ts'

/** Every chunk of an import's file but the last has so many bytes: a place in the text is found by division. */
const chunkBytes = 1 << 20
const sampleBytes = 64 << 10
/** A file that nobody makes an import of goes after an hour. */
const passingHours = 1

/** A file as it was received: decoded, in chunks. `sample` is its beginning. */
export type ReceivedFile = {
  id: string
  bytes: number
  sha256: string
  encoding: string
  sample: Buffer
}

/** What the sender of a file is told. */
export const fileProblem = (fault: FileFault, limit: number): Problem => {
  if (fault.code === 'too_large')
    return new Problem('too_large', {
      detail: `a file may have ${limit} bytes, also when it is decompressed`,
      extra: { limit },
    })
  return fieldProblem(fault.code === 'unknown_charset' ? '/encoding' : '/file', fault.code, fault.message)
}

type Receiving = { name: string; encoding: string | undefined; maxBytes: number }

/** Stores a file as it arrives, as UTF-8, a chunk in memory at a time. What breaks off leaves nothing. @throws Problem 413, 422 */
export const receiveFile = async (
  files: JobFiles,
  source: AsyncIterable<Uint8Array>,
  { name, encoding, maxBytes }: Receiving,
): Promise<ReceivedFile> => {
  const id = await files.create({ name, contentType: 'text/plain; charset=utf-8', keepHours: passingHours })
  const hash = createHash('sha256')
  let bytes = 0
  let position = 0
  let sample = Buffer.alloc(0)
  let held: Buffer[] = []
  let heldBytes = 0
  const store = async (chunk: Buffer): Promise<void> => {
    hash.update(chunk)
    bytes += chunk.length
    await files.append(id, position, chunk)
    position += 1
  }
  try {
    const decoded = await decodeText(source, { charset: encoding, maxBytes })
    for await (const text of decoded.text) {
      if (sample.length < sampleBytes) sample = Buffer.concat([sample, text]).subarray(0, sampleBytes)
      held.push(text)
      heldBytes += text.length
      while (heldBytes >= chunkBytes) {
        const all = Buffer.concat(held)
        await store(all.subarray(0, chunkBytes))
        held = [all.subarray(chunkBytes)]
        heldBytes -= chunkBytes
      }
      // What was decoded can be longer than what was sent.
      if (bytes + heldBytes > maxBytes) throw new FileFault('too_large', `has more than ${maxBytes} bytes`)
    }
    if (heldBytes > 0) await store(Buffer.concat(held))
    const sha256 = hash.digest('hex')
    await files.seal(id, { bytes, sha256, keepHours: passingHours })
    return { id, bytes, sha256, encoding: decoded.charset.name, sample }
  } catch (error) {
    await files.remove(id).catch(() => {})
    throw error instanceof FileFault ? fileProblem(error, maxBytes) : error
  }
}

/** The text of an import's file from a byte on. */
export async function* readFileFrom(files: JobFiles, id: string, byte = 0): AsyncGenerator<Buffer, void, void> {
  const within = byte % chunkBytes
  let first = true
  for await (const chunk of files.read(id, Math.floor(byte / chunkBytes))) {
    yield first ? chunk.subarray(within) : chunk
    first = false
  }
}

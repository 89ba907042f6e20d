import { createHash } from 'node:crypto'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import { type ImageType, imageTypes, isHeic, sniff, sniffBytes } from '../images/sniff.ts'

/** What {@link inspect} found out about an upload; `sha256` in hexadecimal. */
export type Inspected = { mimeType: ImageType; bytes: number; sha256: string }

const unsupported = (head: Buffer): Problem =>
  new Problem('unsupported_media_type', {
    detail: isHeic(head)
      ? 'the file is HEIC, which cannot be read; send the photo as JPEG'
      : `the content of the file is not one of ${imageTypes.join(', ')}`,
    extra: { supported: imageTypes },
  })

/**
 * Hashes and counts the bytes that pass through it. The first bytes are held back until they show an image type. `done` is
 * called at the end.
 * @throws Problem 415 if they show none, 422 if there is no byte; none has passed then
 */
export async function* inspect(
  source: AsyncIterable<Uint8Array>,
  done: (result: Inspected) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let bytes = 0
  let head: Buffer = Buffer.alloc(0)
  let mimeType: ImageType | undefined
  const decide = (): ImageType => {
    const type = sniff(head)
    if (bytes === 0) throw fieldProblem('/file', 'empty', 'is empty: the file has no content')
    if (type === undefined) throw unsupported(head)
    return type
  }
  for await (const chunk of source) {
    bytes += chunk.length
    hash.update(chunk)
    if (mimeType !== undefined) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    if (head.length < sniffBytes) continue
    mimeType = decide()
    yield head
  }
  if (mimeType === undefined) {
    mimeType = decide()
    yield head
  }
  done({ mimeType, bytes, sha256: hash.digest('hex') })
}

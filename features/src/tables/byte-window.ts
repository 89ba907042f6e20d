/** The part of a text that is in memory: the bytes that are not parsed yet. */
export class ByteWindow {
  bytes: Buffer = Buffer.alloc(0)
  /** Index in `bytes` of the next byte to parse. */
  at = 0
  /** Whether `bytes` ends with the last byte of the text. */
  ended = false
  #base: number

  /** @param base offset of the first byte in the whole text */
  constructor(base = 0) {
    this.#base = base
  }

  /** Converts an index of `bytes` to an offset in the whole text. */
  offsetOf(index: number): number {
    return this.#base + index
  }

  /** The number of bytes that are not parsed yet. */
  get pending(): number {
    return this.bytes.length - this.at
  }

  /** Appends bytes and drops those that are already parsed. */
  push(chunk: Buffer): void {
    this.#base += this.at
    this.bytes = this.at === this.bytes.length ? chunk : Buffer.concat([this.bytes.subarray(this.at), chunk])
    this.at = 0
  }
}

/**
 * Joins and splits chunks into blocks of `size` bytes, so that a file that arrives in tiny chunks is not copied for each of
 * them.
 */
export async function* toBlocks(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = []
  let held = 0
  for await (const chunk of source) {
    parts.push(chunk)
    held += chunk.length
    if (held < size) continue
    yield* slices(Buffer.concat(parts), size)
    parts = []
    held = 0
  }
  if (held > 0) yield Buffer.concat(parts)
}

function* slices(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

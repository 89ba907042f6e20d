/** The part of a text that is in memory: what is being parsed, and nothing before it. */
export class TableWindow {
  bytes: Buffer = Buffer.alloc(0)
  /** The next byte to parse, as an index of `bytes`. */
  at = 0
  /** Nothing comes after `bytes`. */
  ended = false
  #base: number

  /** @param base place of the first byte in the whole text */
  constructor(base = 0) {
    this.#base = base
  }

  /** The place of an index of `bytes` in the whole text. */
  place(index: number): number {
    return this.#base + index
  }

  get pending(): number {
    return this.bytes.length - this.at
  }

  /** Adds bytes and drops those that are parsed. */
  push(chunk: Buffer): void {
    this.#base += this.at
    this.bytes = this.at === this.bytes.length ? chunk : Buffer.concat([this.bytes.subarray(this.at), chunk])
    this.at = 0
  }
}

/** Joins small chunks, so that a file that arrives byte by byte is not copied for each. */
export async function* inBlocks(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = []
  let held = 0
  for await (const chunk of source) {
    parts.push(chunk)
    held += chunk.length
    if (held < size) continue
    yield* sliced(Buffer.concat(parts), size)
    parts = []
    held = 0
  }
  if (held > 0) yield Buffer.concat(parts)
}

function* sliced(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

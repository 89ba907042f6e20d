/**
 * Reads the first `bytes` bytes of a stream. `whole` yields them again, followed by the other bytes.
 */
export const peek = async <Chunk extends Uint8Array>(source: AsyncIterable<Chunk>, bytes: number) => {
  const chunks = source[Symbol.asyncIterator]()
  const parts: Chunk[] = []
  let ended = false
  for (let held = 0; held < bytes && !ended; ) {
    const { value, done = false } = await chunks.next()
    ended = done
    if (done) break
    parts.push(value)
    held += value.length
  }
  const whole = async function* (): AsyncGenerator<Chunk, void, void> {
    try {
      yield* parts
      while (!ended) {
        const { value, done = false } = await chunks.next()
        ended = done
        if (!done) yield value
      }
    } finally {
      await chunks.return?.()
    }
  }
  return { beginning: Buffer.concat(parts).subarray(0, bytes), whole: whole() }
}

/** Yields a chunk before those of a stream. */
export async function* prepend<Chunk extends Uint8Array>(
  first: Chunk,
  rest: AsyncIterable<Chunk>,
): AsyncGenerator<Chunk, void, void> {
  yield first
  yield* rest
}

/** Passes a stream on. @throws the error of `tooLarge` if it has more than `maxBytes` bytes */
export async function* limitBytes<Chunk extends Uint8Array>(
  source: AsyncIterable<Chunk>,
  maxBytes: number,
  tooLarge: (maxBytes: number) => Error,
): AsyncGenerator<Chunk, void, void> {
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    if (bytes > maxBytes) throw tooLarge(maxBytes)
    yield chunk
  }
}

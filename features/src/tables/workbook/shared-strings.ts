import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { FileError } from '../row.ts'
import { parseXml } from './xml-parser.ts'

/** The texts of a workbook, which its cells name by their number. They are in a file, so that memory does not grow with them. */
export type SharedStrings = { get(index: number): string | undefined; close(): void }

const maxStrings = 16_000_000
const maxBytes = 256 << 20
const blockBytes = 16 << 10
const cachedBlocks = 512
const writeBytes = 256 << 10

const tooLarge = (): FileError =>
  new FileError('too_large', 'the workbook has too many different texts; split it, or save it as CSV')

/** `_x000D_` → a carriage return: how workbooks write characters that XML cannot hold, and `_x005F_` a literal underscore. */
export const decodeEscapes = (text: string): string =>
  text.includes('_x')
    ? text.replace(/_x([\da-f]{4})_/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    : text

/** Appends texts to a file. `offsets[n]` is where text `n` begins. */
class TextFile {
  offsets = new Uint32Array(1 << 12)
  count = 0
  readonly #fd: number
  #position = 0
  #pending: Buffer[] = []
  #pendingBytes = 0

  constructor(fd: number) {
    this.#fd = fd
  }

  add(text: string): void {
    if (this.count === maxStrings) throw tooLarge()
    if (this.count + 1 >= this.offsets.length) {
      const larger = new Uint32Array(this.offsets.length * 2)
      larger.set(this.offsets)
      this.offsets = larger
    }
    const bytes = Buffer.from(text)
    this.#position += bytes.length
    if (this.#position > maxBytes) throw tooLarge()
    this.count += 1
    this.offsets[this.count] = this.#position
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
    if (this.#pendingBytes >= writeBytes) this.flush()
  }

  flush(): void {
    if (this.#pendingBytes === 0) return
    const bytes = Buffer.concat(this.#pending)
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at)
    this.#pending = []
    this.#pendingBytes = 0
  }
}

/** Reads a file in blocks. The last ones that were read stay in memory. */
const createBlockReader = (fd: number) => {
  const blocks = new Map<number, Buffer>()
  const read = (start: number, length: number): Buffer => {
    const bytes = Buffer.allocUnsafeSlow(length)
    return bytes.subarray(0, readSync(fd, bytes, 0, length, start))
  }
  const block = (number: number): Buffer => {
    const found = blocks.get(number)
    if (found) return found
    const bytes = read(number * blockBytes, blockBytes)
    const [oldest] = blocks.size >= cachedBlocks ? blocks.keys() : []
    if (oldest !== undefined) blocks.delete(oldest)
    blocks.set(number, bytes)
    return bytes
  }
  return (start: number, end: number): string => {
    const number = Math.floor(start / blockBytes)
    const from = number * blockBytes
    if (end > from + blockBytes) return read(start, end - start).toString()
    return block(number).toString('utf8', start - from, end - from)
  }
}

/** Tells the text of `<si>` elements: all their runs, without phonetic hints. */
const textHandlers = (add: (text: string) => void, maxLength: number) => {
  let text = ''
  let isText = false
  let isPhonetic = false
  return {
    open: (name: string) => {
      if (name === 'si') text = ''
      else if (name === 'rPh') isPhonetic = true
      else if (name === 't') isText = !isPhonetic
    },
    text: (piece: string) => {
      if (isText && text.length < maxLength) text += piece
    },
    close: (name: string) => {
      if (name === 't') isText = false
      else if (name === 'rPh') isPhonetic = false
      else if (name === 'si') add(decodeEscapes(text))
    },
  }
}

/**
 * Reads the table of shared texts into the file `path`. The caller removes the file.
 * @param maxLength a longer text is cut somewhere behind this length
 * @throws FileError
 */
export const readSharedStrings = async (
  source: AsyncIterable<Buffer>,
  { path, maxLength }: { path: string; maxLength: number },
): Promise<SharedStrings> => {
  const fd = openSync(path, 'wx+', 0o600)
  const file = new TextFile(fd)
  try {
    await parseXml(
      source,
      textHandlers((text) => file.add(text), maxLength),
      'shared strings',
    )
    file.flush()
  } catch (error) {
    closeSync(fd)
    throw error
  }
  const { offsets, count } = file
  const read = createBlockReader(fd)
  return {
    get: (index) => (index < count ? read(offsets[index] as number, offsets[index + 1] as number) : undefined),
    close: () => closeSync(fd),
  }
}

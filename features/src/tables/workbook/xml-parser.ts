import { SaxesParser } from 'saxes'
import { completeUtf8Length } from '../decoding/charset.ts'
import { FileError } from '../row.ts'

/** What is called for a part of a document. Names are without their prefix: `x:row` → `row`. */
export type XmlHandlers = {
  open(name: string, attributes: Record<string, string>): void
  text?(text: string): void
  close?(name: string): void
}

const maxDepth = 100
/** The longest text, tag or comment, in bytes. */
const maxPieceBytes = 4 << 20

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

const invalidXml = (part: string): FileError =>
  new FileError('bad_archive', `the workbook is damaged (${part}); open it in a spreadsheet program, and save it again`)

/** Decodes UTF-8, or UTF-16 with a byte order mark, in which parts of a workbook may be. */
const createDecoder = () => {
  let utf16: InstanceType<typeof TextDecoder> | undefined
  let rest: Buffer = Buffer.alloc(0)
  let isFirst = true
  return (chunk: Buffer): string => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    if (isFirst && bytes[0] === 0xff && bytes[1] === 0xfe) utf16 = new TextDecoder('utf-16le')
    if (isFirst && bytes[0] === 0xfe && bytes[1] === 0xff) utf16 = new TextDecoder('utf-16be')
    isFirst = false
    if (utf16) return utf16.decode(bytes, { stream: true })
    const used = completeUtf8Length(bytes)
    rest = bytes.subarray(used)
    return bytes.toString('utf8', 0, used)
  }
}

/**
 * Creates a parser of XML that arrives in chunks. Document types are refused, so there are no entities but the five of XML and
 * nothing external is read. Memory is bounded whatever the document is.
 * @param part what to call the document in errors
 * @throws FileError from `write` and `end`
 */
export const createXmlParser = ({ open, text, close }: XmlHandlers, part: string) => {
  const parser = new SaxesParser({ xmlns: false, position: false })
  const decode = createDecoder()
  let depth = 0
  let pieceBytes = 0

  parser.on('opentag', ({ name, attributes }) => {
    pieceBytes = 0
    depth += 1
    if (depth > maxDepth) throw invalidXml(part)
    open(localName(name), attributes)
  })
  parser.on('closetag', ({ name }) => {
    pieceBytes = 0
    depth -= 1
    close?.(localName(name))
  })
  if (text) {
    parser.on('text', text)
    parser.on('cdata', text)
  }
  parser.on('doctype', () => {
    throw invalidXml(part)
  })

  const attempt = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      throw error instanceof FileError ? error : invalidXml(part)
    }
  }
  return {
    write: (chunk: Buffer): void =>
      attempt(() => {
        pieceBytes += chunk.length
        parser.write(decode(chunk))
        if (pieceBytes > maxPieceBytes) throw invalidXml(part)
      }),
    end: (): void => attempt(() => parser.close()),
  }
}

/** Parses a document that arrives in chunks. @throws FileError */
export const parseXml = async (source: AsyncIterable<Buffer>, handlers: XmlHandlers, part: string): Promise<void> => {
  const parser = createXmlParser(handlers, part)
  for await (const chunk of source) parser.write(chunk)
  parser.end()
}

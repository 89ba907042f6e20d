import { peek } from './decoding/byte-streams.ts'
import { FileError, type FileErrorCode } from './row.ts'
import { hasSoftBreaks, parseProperty, partsOf, textOf, type VcardProperty } from './vcard-properties.ts'

const maxLineLength = 100_000
const maxCardLength = 1 << 20
const maxTextLength = 1_000
// Photos, sounds and keys are the largest properties by far, and no fields.
const ignored = /^(?:[\w-]+\.)?(?:PHOTO|LOGO|SOUND|KEY)[;:]/i
const newline = '\n'
const beginningBytes = 1_000

const isVcard = (beginning: Buffer): boolean => /^\s*BEGIN:VCARD\s/i.test(beginning.toString('latin1'))

/** The lines of a text without their line breaks. What a line has beyond the maximum length is left out. */
async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of source) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/)
    rest = (lines.pop() ?? '').slice(0, maxLineLength)
    yield* lines
  }
  yield rest.replace(/\r$/, '')
}

/** Joins the lines that are folded (RFC 6350, section 3.2), and drops those that are ignored. */
async function* unfold(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let parts: string[] = []
  let length = 0
  const add = (part: string): void => {
    if (length + part.length > maxLineLength) return
    parts.push(part)
    length += part.length
  }
  let isIgnored = true
  let isSoft = false
  for await (const line of lines) {
    const last = parts.at(-1) ?? ''
    if (isSoft && last.endsWith('=')) {
      parts.splice(-1, 1, last.slice(0, -1))
      add(line)
      continue
    }
    if (/^[ \t]/.test(line)) {
      if (!isIgnored) add(line.slice(1))
      continue
    }
    if (!isIgnored) yield parts.join('')
    isIgnored = ignored.test(line)
    isSoft = !isIgnored && hasSoftBreaks(line)
    parts = []
    length = 0
    add(line)
  }
  if (!isIgnored) yield parts.join('')
}

const shorten = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim()
  // Half of a surrogate pair may be left at the end.
  return line.length > maxTextLength ? `${line.slice(0, maxTextLength - 1).replace(/[\ud800-\udbff]$/, '')}…` : line
}

type Names = { name?: string | undefined; surname?: string | undefined }

const namesOf = (structured: VcardProperty | undefined, formatted: VcardProperty | undefined): Names => {
  const [surname = '', given = '', additional = ''] = structured ? partsOf(structured, ';') : []
  const name = [given, additional].filter(Boolean).join(' ')
  if (name !== '' && surname !== '') return { name, surname }
  const words = formatted ? textOf(formatted).split(/\s+/).filter(Boolean) : []
  if (words.length > 1) return { name: words.slice(0, -1).join(' '), surname: words.at(-1) }
  return name === '' && surname === '' ? { name: words[0] } : { name, surname }
}

const addressOf = (property: VcardProperty | undefined) => {
  if (!property) return undefined
  const [box = '', extended = '', street = '', city, region, postalCode, country] = partsOf(property, ';')
  return { street: [street, extended, box].filter(Boolean).join(', '), city, region, postalCode, country }
}

const birthdayOf = (property: VcardProperty | undefined): string | undefined =>
  property && textOf(property).replace(/^(\d{4})(\d\d)(\d\d)(?:T.*)?$/s, '$1-$2-$3')

const isMobile = ({ types }: VcardProperty): boolean =>
  types.some((type) => ['cell', 'mobile', 'iphone'].includes(type))

/** The row of a card: the fields of a customer, and what is none of them in `metadata`. Empty values are left out. */
const rowOf = (properties: readonly VcardProperty[]): Record<string, unknown> => {
  const all = (name: string) =>
    properties
      .filter((property) => property.name === name && textOf(property) !== '')
      .sort((a, b) => a.preference - b.preference)
  const [email, ...otherEmails] = all('EMAIL').map(textOf)
  const phones = all('TEL')
  const phone = phones.find(isMobile) ?? phones[0]
  const [organisation] = all('ORG')
  const [note] = all('NOTE')
  const join = (texts: readonly string[]) => shorten(texts.join('; '))
  const tags = all('CATEGORIES').flatMap((property) => partsOf(property, ','))
  return {
    ...namesOf(all('N')[0], all('FN')[0]),
    email,
    phone: phone && textOf(phone),
    address: addressOf(all('ADR')[0]),
    ...(tags.length > 0 && { tags: [...new Set(tags)].filter(Boolean) }),
    metadata: {
      organisation: organisation && shorten(partsOf(organisation, ';').filter(Boolean).join(', ')),
      birthday: birthdayOf(all('BDAY')[0]),
      otherEmails: join(otherEmails),
      otherPhones: join(phones.filter((other) => other !== phone).map(textOf)),
      note: note && shorten(textOf(note)),
    },
  }
}

const withoutEmpty = (_key: string, value: unknown): unknown => (value === '' ? undefined : value)

const isGroup = (properties: readonly VcardProperty[]): boolean =>
  properties.some(
    (property) => /^(?:X-ADDRESSBOOKSERVER-)?KIND$/.test(property.name) && /^group$/i.test(textOf(property)),
  )

/** Collects the properties of cards. Cards within a card, as in AGENT of vCard 2.1, are left out. */
class Cards {
  number = 0
  depth = 0
  properties: VcardProperty[] = []
  #length = 0

  begin(): void {
    this.depth += 1
    if (this.depth > 1) return
    this.number += 1
    this.#length = 0
    this.properties = []
  }

  /** Whether a card has ended. */
  end(): boolean {
    const isCard = this.depth === 1
    this.depth = Math.max(this.depth - 1, 0)
    return isCard
  }

  /** @throws FileError */
  add(line: string): void {
    if (this.depth !== 1) return
    this.#length += line.length
    if (this.#length > maxCardLength) throw this.error('row_too_long', `is longer than ${maxCardLength} characters`)
    const property = parseProperty(line)
    if (property) this.properties.push(property)
  }

  error(code: FileErrorCode, message: string): FileError {
    return new FileError(code, `card ${this.number} of the file ${message}`, { row: this.number })
  }
}

const lineOf = (properties: readonly VcardProperty[]): Buffer =>
  Buffer.from(isGroup(properties) ? newline : JSON.stringify(rowOf(properties), withoutEmpty) + newline)

/**
 * Converts vCards of version 2.1, 3.0 or 4.0 to NDJSON with a row for each card: `name`, `surname`, `email` and `phone` (the
 * preferred one, a mobile number first), `address`, `tags` and `metadata`. Photos are left out. A group of contacts becomes a
 * blank line, so that rows have the numbers of cards.
 * @param text UTF-8
 * @throws FileError `row_too_long` for a card of more than 1 MiB beside its photos, `unexpected_end` for one without an end
 */
export async function* vcardToNdjson(text: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const cards = new Cards()
  for await (const line of unfold(linesOf(text))) {
    const marker = /^\s*(BEGIN|END)\s*:\s*VCARD\s*$/i.exec(line)?.[1]?.toUpperCase()
    if (marker === 'BEGIN') cards.begin()
    else if (marker === undefined) cards.add(line)
    else if (cards.end()) yield lineOf(cards.properties)
  }
  if (cards.depth > 0) throw cards.error('unexpected_end', 'has no END:VCARD')
}

/**
 * Converts a file of contacts to a table; any other file is unchanged.
 * @param text UTF-8 without a byte order mark
 */
export const convertContacts = async (
  text: AsyncIterable<Buffer>,
): Promise<{ source?: 'vcard'; text: AsyncIterable<Buffer> }> => {
  const { beginning, whole } = await peek(text, beginningBytes)
  return isVcard(beginning) ? { source: 'vcard', text: vcardToNdjson(whole) } : { text: whole }
}

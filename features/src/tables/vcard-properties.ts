/** A property of a vCard (RFC 6350, section 3.3). `types`: lower-case values of TYPE, and parameters without a name as in vCard 2.1. */
export type VcardProperty = { name: string; types: string[]; preference: number; value: string }

const contentLine = /^(?:[\w-]+\.)?([\w-]+)((?:;(?:[^;:"]|"[^"]*")*)*):(.*)$/s
const parameter = /;([^;="]*)(?:=((?:[^;"]|"[^"]*")*))?/g

/** The order of properties of the same name: those that the card prefers first. */
const noPreference = 101

const parametersOf = (text: string): Map<string, string[]> => {
  const parameters = new Map<string, string[]>()
  for (const [, name = '', value] of text.matchAll(parameter)) {
    const key = value === undefined ? 'TYPE' : name.toUpperCase()
    const values = (value ?? name).replaceAll('"', '').split(',')
    parameters.set(key, [...(parameters.get(key) ?? []), ...values.map((each) => each.trim())])
  }
  return parameters
}

/** Whether a line may have soft line breaks (RFC 2045): a `=` at its end, after which the next line continues it (vCard 2.1). */
export const hasSoftBreaks = (line: string): boolean => /^[^:]*[;=]QUOTED-PRINTABLE[;:]/i.test(line)

const decodeQuotedPrintable = (text: string, charset: string): string => {
  const bytes = Buffer.concat(
    text
      .split(/((?:=[0-9a-f]{2})+)/i)
      .map((part, index) => Buffer.from(index % 2 ? part.replaceAll('=', '') : part, index % 2 ? 'hex' : 'utf8')),
  )
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return text
  }
}

/** Reads one unfolded line; undefined if it is no property. */
export const parseProperty = (line: string): VcardProperty | undefined => {
  const [, name, parameterText = '', raw = ''] = contentLine.exec(line) ?? []
  if (name === undefined) return undefined
  const parameters = parametersOf(parameterText)
  const types = [...(parameters.get('TYPE') ?? []), ...(parameters.get('ENCODING') ?? [])].map((type) =>
    type.toLowerCase(),
  )
  const declared = Number(parameters.get('PREF')?.[0])
  const preference = declared >= 1 ? declared : types.includes('pref') ? 1 : noPreference
  const value = types.includes('quoted-printable')
    ? decodeQuotedPrintable(raw, parameters.get('CHARSET')?.[0] ?? 'utf-8')
    : raw
  return { name: name.toUpperCase(), types, preference, value }
}

const withoutEscapes = (text: string): string =>
  text.replace(/\\(.)/gs, (_escape, character: string) => (character.toLowerCase() === 'n' ? '\n' : character)).trim()

/** The text of a value. */
export const textOf = ({ value }: VcardProperty): string => withoutEscapes(value)

/** The parts of a value, without their escapes: those of a name or an address are separated by `;`, categories by `,`. */
export const partsOf = ({ value }: VcardProperty, separator: ';' | ','): string[] => {
  const parts = value.match(separator === ';' ? /(?:\\.|[^;\\]|\\$)+|(?<=;)(?=;)|^(?=;)/gs : /(?:\\.|[^,\\]|\\$)+/gs)
  return (parts ?? []).map(withoutEscapes)
}
